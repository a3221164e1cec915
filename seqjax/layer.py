"""The contract: what a layer is, and what a cell adds to it.

A layer turns a sequence into a sequence. It is a frozen dataclass of
hyper-parameters with pure methods; its arrays (parameters and carries) live
outside it, in NamedTuples. Layers are hashable by value and static pytrees, so
one passes through `jax.jit` as it is and equal layers share one trace.

Fixed once, for everything in the library: time is axis 0; every axis between
time and features is batch; results come as (carry, output); kernels are
[in, out] and used as ``x @ w``; masks are True where valid.
"""

import abc
import dataclasses
from numbers import Integral
from typing import Any, get_args

import jax
import jax.numpy as jnp

from seqjax import scan
from seqjax.masks import zero_invalid
from seqjax.scan import Gradient, ScanOptions

Array = jax.Array
Params = Any
Carry = Any


class Layer(abc.ABC):
    """Sequence in, sequence out.

    A subclass is a frozen dataclass that writes `init`, `initial_carry` and
    `run`, and `step` if it can be fed one input at a time. Callers use `init`,
    `unroll` and `step`.
    """

    features: int  # the width of the output

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        jax.tree_util.register_static(cls)

    def __post_init__(self):
        for field in dataclasses.fields(self):  # pyright: ignore[reportArgumentType]
            _refuse_unhashable(self, field.name)
        for part in self.parts:
            if not isinstance(part, Layer):
                raise TypeError(
                    f"{type(self).__name__} is made of layers, not {part!r}"
                )
        if not isinstance(self.features, int) or self.features < 1:
            raise ValueError(
                f"{type(self).__name__}.features must be a positive integer, "
                f"not {self.features!r}"
            )

    @property
    def parts(self) -> tuple["Layer", ...]:
        """The layers inside; none unless overridden."""
        return ()

    @property
    def causal(self) -> bool:
        """Whether no output depends on a later input: if that is so of every part."""
        return all(part.causal for part in self.parts)

    @abc.abstractmethod
    def init(self, key: Array, in_features: int, dtype: Any = jnp.float32) -> Params:
        """Draws the parameters for inputs of width `in_features`."""

    @abc.abstractmethod
    def initial_carry(
        self, batch_shape: tuple[int, ...] = (), dtype: Any = jnp.float32
    ) -> Carry:
        """The state before the first step, a⟨0⟩: zeros, leaves [*batch, features]."""

    @abc.abstractmethod
    def run(
        self,
        params: Params,
        carry: Carry,
        initial: Carry,
        xs: Array,
        options: ScanOptions,
    ) -> tuple[Carry, Array]:
        """`unroll` after its arguments are checked; what combinators call.

        Args:
          params: from `init`.
          carry: the state before the first step that is walked.
          initial: the state to put back at `options.segment_starts`; like `carry`.
          xs: [T, *batch, in], of dtype `options.dtype`, zero where masked.
          options: mask, segment_starts, direction, gradient, chunk, dtype.

        Returns:
          The last carry, and outputs [T, *batch, features], zero where masked.
        """

    def initial_carry_from(
        self,
        params: Params,
        batch_shape: tuple[int, ...] = (),
        dtype: Any = jnp.float32,
    ) -> Carry:
        """The state a run begins with and `resets` return to; learned ones override."""
        del params
        return self.initial_carry(batch_shape, dtype)

    def trainable(self, params: Params) -> Any:
        """A tree of booleans like `params`: False where no optimiser may step."""
        return jax.tree.map(lambda _: True, params)

    def step(self, params: Params, carry: Carry, x: Array) -> tuple[Carry, Array]:
        """One step: carry⟨t−1⟩ and x⟨t⟩ [*batch, in] to carry⟨t⟩ and y⟨t⟩."""
        raise NotImplementedError(
            f"{type(self).__name__} needs the whole sequence: use unroll, not step"
        )

    def unroll(
        self,
        params: Params,
        xs: Array,
        carry: Carry | None = None,
        *,
        mask: Array | None = None,
        resets: Array | None = None,
        reverse: bool = False,
        gradient: Gradient = "lean",
        chunk: int | None = None,
        dtype: Any = None,
    ) -> tuple[Carry, Array]:
        """Runs the layer over a sequence.

        Args:
          params: from `init`.
          xs: inputs [T, *batch, in].
          carry: the state before the first step; `initial_carry_from` (zeros, or learned) if
            None. Its dtype is kept from step to step, and is the returned one's.
          mask: [T, *batch] bool, True where valid. A masked step leaves the carry
            as it was and outputs zero; nothing that stands there has any effect.
          resets: [T, *batch] bool. `resets[t]` puts `initial_carry_from` back before step t,
            masked or not: packed segments, episodes.
          reverse: walk from the last step to the first; outputs stay in place.
          gradient: "lean" keeps each step's incoming state and walks back with the
            parameters as constants; "plain" is autodiff of the scan, the oracle,
            which also has forward mode and second derivatives; "remat" keeps the
            carries at chunk borders only, for long sequences.
          chunk: steps to take at a time; all, or about √T for "remat", if None.
          dtype: of the computation and the outputs; that of params and xs if None.

        Returns:
          (carry, ys): the carry after the last step walked; outputs
          [T, *batch, features].

        Raises:
          ValueError: a shape, a name or a carry's structure does not fit.
        """
        xs = jnp.asarray(xs)
        flags = mask, resets
        mask, resets = (None if f is None else jnp.asarray(f) for f in flags)
        dtype = scan.compute_dtype(params, xs) if dtype is None else jnp.dtype(dtype)
        _check_flags(xs, mask=mask, resets=resets)
        _check_options(gradient, chunk)
        segment_starts = None if resets is None else _segment_starts(resets, reverse)
        options = ScanOptions(mask, segment_starts, reverse, gradient, chunk, dtype)
        initial = self.initial_carry_from(
            params, xs.shape[1:-1], jnp.promote_types(dtype, "float32")
        )
        if carry is None:
            carry = initial
        _check_carry(self, carry, initial)
        try:
            return self.run(
                params, carry, initial, zero_invalid(mask, xs.astype(dtype)), options
            )
        except TypeError:  # of a product whose widths differ, perhaps
            _check_params(self, params, xs.shape[-1])
            raise


class Cell(Layer):
    """A recurrent cell: up to three pure functions, split by what they depend on.

    `project` needs the input alone, so it runs over the whole sequence as one
    product before the scan; `recur` needs the carry alone and is affine in it;
    `update` is the elementwise rest (a cell that cannot be split may multiply
    there too). All three take any leading batch axes.

    Every carry leaf is floating point, [*batch, ...].
    """

    def project(self, params: Params, x: Array) -> Any:
        """u⟨t⟩ from x⟨t⟩ [..., in]; the input itself unless overridden."""
        del params
        return x

    def recur(self, params: Params, carry: Carry) -> Any:
        """v⟨t⟩ from carry⟨t−1⟩, affine in it; nothing unless overridden."""
        del params, carry
        return ()

    @abc.abstractmethod
    def update(
        self, params: Params, carry: Carry, u: Any, v: Any
    ) -> tuple[Carry, Array]:
        """carry⟨t−1⟩, u⟨t⟩ and v⟨t⟩ to carry⟨t⟩ and the output [..., features]."""

    def residuals(
        self, params: Params, carry: Carry, u: Any, v: Any, after: Carry
    ) -> Any:
        """What `pull_back` needs of a step beside the carry before it: u⟨t⟩ and v⟨t⟩.

        A cell that overrides it, and `pull_back` with it, keeps what spares the way
        back its exponentials: the gates.
        """
        del params, carry, after
        return u, v

    def pull_back(
        self, params: Params, carry: Carry, residuals: Any, d_after: Carry, d_y: Array
    ) -> tuple[Params | None, Carry, Any, Any]:
        """The derivative of `update`: JAX's own, unless overridden for speed.

        Args:
          params: from `init`.
          carry: carry⟨t−1⟩.
          residuals: from `residuals`.
          d_after: the cotangent of carry⟨t⟩.
          d_y: the cotangent of the output.

        Returns:
          The cotangents of the arguments of `update`: params (summed over every
          leading axis, or None where `update` reads none), carry, u and v.
        """
        outputs, pull = jax.vjp(self.update, params, carry, *residuals)
        cotangents = (d_after, d_y)
        return pull(jax.tree.map(lambda d, o: d.astype(o.dtype), cotangents, outputs))

    def step(self, params: Params, carry: Carry, x: Array) -> tuple[Carry, Array]:
        """One step: carry⟨t−1⟩ and x⟨t⟩ [*batch, in] to carry⟨t⟩ and y⟨t⟩."""
        return scan.step(self, params, carry, x)

    def run(
        self,
        params: Params,
        carry: Carry,
        initial: Carry,
        xs: Array,
        options: ScanOptions,
    ) -> tuple[Carry, Array]:
        """The one scan, `seqjax.scan.unroll`."""
        return scan.unroll(self, params, carry, initial, xs, options)


def _refuse_unhashable(layer: Layer, name: str) -> None:
    value = getattr(layer, name)
    try:
        hash(value)
    except TypeError:
        raise TypeError(
            f"{type(layer).__name__}.{name} must be a hashable hyper-parameter, not "
            f"{type(value).__name__}; arrays belong in the parameters, lists in tuples"
        ) from None


def _segment_starts(resets: Array, reverse: bool) -> Array:
    """The reset before a step, in the order of the walk, as the start of a segment."""
    none = jnp.zeros_like(resets[:1], shape=(1, *resets.shape[1:]))
    return jnp.concatenate([none, resets] if reverse else [resets, none])


def _check_flags(xs: Array, **named: Array | None) -> None:
    if xs.ndim < 2:
        raise ValueError(f"xs must be [T, *batch, in_features], got shape {xs.shape}")
    for name, flags in named.items():
        if flags is None:
            continue
        if flags.shape != xs.shape[:-1] or flags.dtype != bool:
            raise ValueError(
                f"{name} must be bool {xs.shape[:-1]} to go with xs {xs.shape}, "
                f"got {flags.dtype} {flags.shape}"
            )


def _check_options(gradient: str, chunk: int | None) -> None:
    if gradient not in get_args(Gradient):
        raise ValueError(
            f"gradient must be one of {get_args(Gradient)}, not {gradient!r}"
        )
    if chunk is not None and not (isinstance(chunk, Integral) and chunk >= 1):
        raise ValueError(f"chunk must be an integer of at least 1, not {chunk!r}")


def _check_params(layer: Layer, params: Params, in_features: int) -> None:
    def shapes(tree):
        named = jax.tree_util.tree_leaves_with_path(jax.tree.map(jnp.shape, tree))
        return {jax.tree_util.keystr(path): shape for path, shape in named}

    made = jax.eval_shape(lambda key: layer.init(key, in_features), jax.random.key(0))
    if shapes(params) != shapes(made):
        raise ValueError(
            f"for inputs of width {in_features} the parameters of "
            f"{type(layer).__name__} must look like {shapes(made)}, "
            f"got {shapes(params)}"
        )


def _check_carry(layer: Layer, carry: Carry, initial: Carry) -> None:
    def shapes(tree):
        return jax.tree.map(jnp.shape, tree)

    same_structure = jax.tree.structure(carry) == jax.tree.structure(initial)
    if not same_structure or shapes(carry) != shapes(initial):
        raise ValueError(
            f"the carry of {type(layer).__name__} must look like {shapes(initial)}, "
            f"got {shapes(carry)}"
        )
    for leaf in jax.tree.leaves(carry):
        if not jnp.issubdtype(jnp.result_type(leaf), jnp.inexact):
            raise ValueError(
                f"the carry of {type(layer).__name__} must be floating point, "
                f"got {jnp.result_type(leaf)}"
            )
