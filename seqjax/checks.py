"""The checks of a layer and of its arguments; each failure is one sentence.

They look at structures, shapes and dtypes alone, so they work inside every
transformation of JAX, and a compiled program holds nothing of them. What a layer
expects is worked out once: layers, widths and batch shapes are hashable.
"""

import dataclasses
import functools
from numbers import Integral
from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np

from seqjax import fields
from seqjax.linear import LinearRecurrence, Way
from seqjax.noise import Keys
from seqjax.scan import Gradient

Array = jax.Array
Tree = Any
Layer = Any  # a `seqjax.Layer`, which cannot be imported: its module imports this one


def is_frozen_dataclass(cls: type) -> None:
    """Raises TypeError unless the class itself, not a parent, is a frozen dataclass."""
    params = cls.__dict__.get("__dataclass_params__")
    if params is None or not params.frozen:
        raise TypeError(
            f"{cls.__name__} is a layer, so the class must be decorated with "
            f"@dataclasses.dataclass(frozen=True)"
        )


def hyper_parameters(layer: Layer, kind: type) -> None:
    """Raises unless fields are hashable and as annotated, and parts are of `kind`."""
    for field in dataclasses.fields(layer):
        _is_hashable(layer, field.name)
    for part in layer.parts:
        if not isinstance(part, kind):
            raise TypeError(f"{_name(layer)} is made of layers, not {part!r}")
    if not isinstance(width := layer.features, int) or width < 1:
        said = f"must be a positive integer, not {width!r}"
        raise ValueError(f"{_name(layer)}.features {said}")
    fields.check(layer)


def _is_hashable(layer: Layer, field: str) -> None:
    value = getattr(layer, field)
    try:
        hash(value)
    except TypeError:
        raise TypeError(
            f"{_name(layer)}.{field} must be a hashable hyper-parameter, not "
            f"{type(value).__name__}; arrays belong in the parameters, lists in tuples"
        ) from None


def can_step(layer: Layer) -> None:
    """Raises NotImplementedError if an output depends on a later input."""
    if not layer.causal:
        raise needs_whole_sequence(layer)


def needs_whole_sequence(layer: Layer) -> NotImplementedError:
    """Returns the error of a layer without a step; it names the part at fault."""
    while inner := [part for part in layer.parts if not part.causal]:
        layer = inner[0]
    return NotImplementedError(
        f"{_name(layer)} needs the whole sequence: use unroll, not step"
    )


def sequence(layer: Layer, params: Tree, xs: Any) -> Array:
    """Returns xs as an array [T, *batch, in], or raises."""
    xs = jnp.asarray(_array(layer, params, xs, "xs", "unroll(params, xs)"))
    if xs.ndim < 2:
        raise ValueError(f"xs must be [T, *batch, in_features], got shape {xs.shape}")
    return xs


def step_input(layer: Layer, params: Tree, x: Any) -> Array:
    """Returns x as an array [*batch, in], or raises."""
    x = _array(layer, params, x, "x", "step(params, carry, x)")
    if x.ndim < 1:
        raise ValueError(f"x must be [*batch, in_features], got shape {x.shape}")
    return x


def _array(layer: Layer, params: Tree, x: Any, name: str, call: str) -> Array:
    """Returns x if it is an array, lists of numbers as one, or raises TypeError."""
    if _is_array(x):
        return x
    if _is_swapped(layer, params, x):
        raise TypeError(
            f"the inputs and the parameters of {_name(layer)} are swapped: "
            f"the call is {call}"
        )
    try:
        if isinstance(x, list) or type(x) is tuple:
            return jnp.asarray(x)
    except (TypeError, ValueError):
        pass
    raise TypeError(
        f"{name} must be an array, got {type(x).__name__}; "
        f"the call is {_name(layer)}.{call}"
    )


def _is_swapped(layer: Layer, params: Tree, x: Tree) -> bool:
    """Whether `params` is an array and `x` would be parameters for it."""
    if not _is_array(params) or not params.ndim:
        return False
    return _fits(_parameter_shapes(layer, params.shape[-1]), x)


def parameters(layer: Layer, params: Tree, in_features: int) -> None:
    """Raises ValueError unless params are what `init` draws for the width."""
    expected = _parameter_shapes(layer, in_features)
    alike = _named_shapes(expected) == _named_shapes(params)
    if not alike and not _fits(expected, params):
        raise ValueError(
            f"for inputs of width {in_features} the parameters of {_name(layer)} "
            f"must look like {_shapes(expected)}, got {_shapes(params)}"
        )


def carry(layer: Layer, carry: Tree, expected: Tree, batch_shape: tuple) -> None:
    """Raises ValueError unless a carry looks like another and is floating point."""
    if not _fits(expected, carry):
        raise ValueError(
            f"the carry of {_name(layer)} must look like {_shapes(expected)} "
            f"for inputs of batch shape {batch_shape}, got {_shapes(carry)}"
        )
    for leaf in jax.tree.leaves(carry):
        if not jnp.issubdtype(jnp.result_type(leaf), jnp.inexact):
            raise ValueError(
                f"the carry of {_name(layer)} must be floating point, "
                f"got {jnp.result_type(leaf)}"
            )


def step_carry(layer: Layer, given: Tree, x: Array) -> None:
    """Raises ValueError unless a carry goes with an input x [*batch, in]."""
    batch_shape = x.shape[:-1]
    if batch_shape and _fits(_carry_shapes(layer, batch_shape[1:]), given):
        if not _fits(_carry_shapes(layer, batch_shape), given):
            raise ValueError(
                f"step takes the input of one step, [*batch, in_features]: x "
                f"{x.shape} has an axis more than the carry of {_name(layer)}, "
                f"{_shapes(given)}; use unroll for a sequence"
            )
    carry(layer, given, _carry_shapes(layer, batch_shape), batch_shape)


def flags(xs: Array, **named: Any) -> list[Array | None]:
    """Returns the mask and the resets as arrays, or raises ValueError."""
    arrays = {k: None if v is None else jnp.asarray(v) for k, v in named.items()}
    for name, array in arrays.items():
        if array is None:
            continue
        if array.shape != xs.shape[:-1] or array.dtype != bool:
            raise ValueError(
                f"{name} must be bool {xs.shape[:-1]} to go with xs {xs.shape}, "
                f"got {array.dtype} {array.shape}"
            )
    return list(arrays.values())


def gradient(name: Any) -> None:
    """Raises ValueError unless there is a gradient of that name."""
    if name not in get_args(Gradient):
        raise ValueError(f"gradient must be one of {get_args(Gradient)}, not {name!r}")


def keys(key: Any) -> Keys | None:
    """Returns random keys, of one or as they are given; raises TypeError if of none."""
    if key is None:
        return None
    for each in key if isinstance(key, Keys) else (key,):
        if not _is_key(each):
            kind = f"{each.dtype} {each.shape}" if _is_array(each) else repr(each)
            raise TypeError(
                f"key must be one random key, such as jax.random.key(0), not {kind}"
            )
    return key if isinstance(key, Keys) else Keys.of_one(key)


def _is_key(value: Any) -> bool:
    """Whether a value is a single random key, of the new kind or the old."""
    if not _is_array(value):
        return False
    if jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        return value.shape == ()
    return value.dtype == np.uint32 and value.shape == (2,)


def way(layer: Layer, name: Any, gradient: Any) -> None:
    """Raises ValueError unless there is such a way, and a cell that can take it."""
    if name is not None and name not in get_args(Way):
        raise ValueError(f"way must be one of {get_args(Way)} or None, not {name!r}")
    if name == "associative" and not _has_linear_cells(layer):
        raise ValueError(
            f"{_name(layer)} cannot be run by associative scans: it has no linear cell"
        )
    if name == "newton" and gradient == "plain":
        raise ValueError(
            "way='newton' iterates, which autodiff cannot go back through: use "
            "gradient='lean' or 'remat'"
        )


def _has_linear_cells(layer: Layer) -> bool:
    is_one = isinstance(layer, LinearRecurrence)
    return is_one or any(_has_linear_cells(part) for part in layer.parts)


def chunk(size: int | None) -> None:
    """Raises ValueError unless a chunk is a number of steps, or left open."""
    if size is not None and not (isinstance(size, Integral) and size >= 1):
        raise ValueError(f"chunk must be an integer of at least 1, not {size!r}")


@functools.lru_cache(maxsize=1024)
def _parameter_shapes(layer: Layer, in_features: int) -> Tree:
    return jax.eval_shape(lambda: layer.init(jax.random.key(0), in_features))


@functools.lru_cache(maxsize=1024)
def _carry_shapes(layer: Layer, batch_shape: tuple[int, ...]) -> Tree:
    return jax.eval_shape(lambda: layer.initial_carry(batch_shape))


def _named_shapes(tree: Tree) -> dict[str, tuple[int, ...]]:
    """Returns each leaf's shape by its path, whatever the types of the tuples."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path): jnp.shape(leaf) for path, leaf in leaves}


def _fits(expected: Tree, tree: Tree) -> bool:
    """Whether a tree has the expected structure and shapes.

    A place that is None in the expected tree may hold anything: it is filled later, as
    attention's memory is.
    """

    def fits(leaf, given):
        return leaf is None or leaf.shape == _shape(given)

    try:
        leaves = jax.tree.map(fits, expected, tree, is_leaf=lambda a: a is None)
    except ValueError:  # of trees with different structures
        return False
    return all(jax.tree.leaves(leaves))


def _shapes(tree: Tree) -> Tree:
    return jax.tree.map(_shape, tree)


def _shape(leaf: Any) -> tuple[int, ...] | None:
    """The shape of an array or a number; None of what is neither."""
    if _is_array(leaf) or isinstance(leaf, jax.ShapeDtypeStruct):
        return leaf.shape
    return () if isinstance(leaf, int | float | complex) else None


def _is_array(a: Any) -> bool:
    return isinstance(a, jax.Array | np.ndarray | np.generic)


def _name(layer: Layer) -> str:
    return type(layer).__name__
