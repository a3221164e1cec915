"""A step or a whole sequence as a program without Python: StableHLO, by `jax.export`.

The number of rows and of steps may be symbols, so that one program serves them all. A
program that is `plain` takes and returns dictionaries, lists and tuples, with the names
of a NamedTuple's fields as keys, and is loaded where nothing but JAX is installed. One
that is not takes and returns the library's NamedTuples, which whoever loads it must
`register` first.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
from jax import export

from seqjax import cells, layers
from seqjax.extras import library
from seqjax.layer import Array, Layer

Tree = Any
_registered: set[type] = set()


def step(layer: Layer, in_features: int, dtype: Any = "float32", **how: Any) -> Any:
    """Exports a step of a layer, for any number of rows.

    Args:
      layer: any that can step.
      in_features: the width of its input.
      dtype: of parameters, carry and input.
      **how: as in `exported`.

    Returns:
      The `jax.export.Exported` of a function of parameters, carry and x [b, in] that
      returns the carry after the step, and y [b, features].

    Example:
      >>> import jax.numpy as jnp
      >>> from seqjax.cells import LSTM
      >>> cell = LSTM(4)
      >>> program = step(cell, in_features=3).serialize()  # bytes, to be written
      >>> weights = to_plain(cell.init(jax.random.key(0), 3))
      >>> zeros, x = jnp.zeros((2, 4), "float32"), jnp.ones((2, 3), "float32")
      >>> call = export.deserialize(program).call
      >>> carry, y = call(weights, {"c": zeros, "h": zeros}, x)
      >>> sorted(carry), y.shape
      (['c', 'h'], (2, 4))
    """
    (b,) = export.symbolic_shape("b")
    return exported(
        layer.step,
        *_of_layer(layer, in_features, dtype, b),
        jax.ShapeDtypeStruct((b, in_features), dtype),
        **how,
    )


def sequence(layer: Layer, in_features: int, dtype: Any = "float32", **how: Any) -> Any:
    """Exports a layer's run over sequences, for any number of rows and of steps.

    Args:
      layer: any.
      in_features: the width of its input.
      dtype: of parameters, carry and inputs.
      **how: as in `exported`.

    Returns:
      The `jax.export.Exported` of a function of parameters, carry, xs [t, b, in] and
      mask [t, b], True where valid, that returns the carry after the last step, and ys
      [t, b, features].
    """
    t, b = export.symbolic_shape("t, b")

    def run(params, carry, xs, mask):
        return layer.unroll(params, xs, carry, mask=mask)

    return exported(
        run,
        *_of_layer(layer, in_features, dtype, b),
        jax.ShapeDtypeStruct((t, b, in_features), dtype),
        jax.ShapeDtypeStruct((t, b), bool),
        **how,
    )


def exported(
    function: Callable[..., Tree],
    *shapes: Tree,
    plain: bool = True,
    platforms: Sequence[str] | None = None,
) -> Any:
    """Exports a function of trees of arrays, such as the `step` of a loaded model.

    A symbolic number of steps is taken in one chunk, and linear cells step by step.

    Args:
      function: pure; what it closes over becomes a part of the program.
      *shapes: of its arguments: trees of arrays, or of `jax.ShapeDtypeStruct`. Symbolic
        sizes are from one call of `jax.export.symbolic_shape`.
      plain: whether the program has dictionaries in the place of NamedTuples.
      platforms: what it is compiled for where it is loaded, such as ["cpu", "cuda"];
        None is the platform of this process.

    Returns:
      The `jax.export.Exported`, with `serialize` and `call`.

    Raises:
      MissingLibrary: what writes programs as bytes is not installed.
    """
    library("flatbuffers", "export")
    if not plain:
        register(*shapes, jax.eval_shape(function, *shapes))
        return export.export(jax.jit(function), platforms=platforms)(*shapes)

    def with_dictionaries(*arguments):
        pairs = zip(shapes, arguments, strict=True)
        return to_plain(function(*(from_plain(*pair) for pair in pairs)))

    program = export.export(jax.jit(with_dictionaries), platforms=platforms)
    return program(*map(to_plain, shapes))


def to_plain(tree: Tree) -> Tree:
    """Returns a tree with dictionaries in the place of NamedTuples.

    Example:
      >>> from seqjax.cells import LSTM
      >>> sorted(to_plain(LSTM(4).initial_carry()))
      ['c', 'h']
    """
    if hasattr(tree, "_fields"):
        return {
            name: to_plain(part) for name, part in zip(tree._fields, tree, strict=True)
        }
    if isinstance(tree, dict):
        return {name: to_plain(part) for name, part in tree.items()}
    if type(tree) in (tuple, list):
        return type(tree)(map(to_plain, tree))
    return tree


def from_plain(like: Tree, tree: Tree) -> Tree:
    """Returns what `to_plain` made plain.

    Args:
      like: a tree with the NamedTuples.
      tree: a plain one.
    """
    if hasattr(like, "_fields"):
        fields = zip(like._fields, like, strict=True)
        return type(like)(*(from_plain(part, tree[name]) for name, part in fields))
    if isinstance(like, dict):
        return {name: from_plain(part, tree[name]) for name, part in like.items()}
    if type(like) in (tuple, list):
        return type(like)(map(from_plain, like, tree))
    return tree


def register(*trees: Tree) -> None:
    """Registers the NamedTuples of parameters and carries, by their full names.

    After it a program that was exported with `plain=False` can be loaded.

    Args:
      *trees: of cells and layers that are not in this library; those of its own are
        registered in any case.
    """
    for kind in [*_own(), *(kind for tree in trees for kind in _kinds(tree))]:
        if kind not in _registered:
            name = f"{kind.__module__}.{kind.__qualname__}"
            export.register_namedtuple_serialization(kind, serialized_name=name)
            _registered.add(kind)


def _own() -> Iterator[type]:
    """All NamedTuples in the files of cells and layers."""
    for package in (cells, layers):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and hasattr(value, "_fields"):
                    yield value


def _kinds(tree: Tree) -> Iterator[type]:
    if hasattr(tree, "_fields"):
        yield type(tree)
    if isinstance(tree, tuple | list):
        for part in tree:
            yield from _kinds(part)
    if isinstance(tree, dict):
        for part in tree.values():
            yield from _kinds(part)


def _of_layer(layer: Layer, in_features: int, dtype: Any, rows: Any) -> tuple[Any, Any]:
    """The shapes of a layer's parameters and carry."""

    def make(x: Array):
        params = layer.init(jax.random.key(0), in_features, x.dtype)
        return params, layer.initial_carry_from(params, x.shape[:-1], x.dtype)

    return jax.eval_shape(make, jax.ShapeDtypeStruct((rows, in_features), dtype))
