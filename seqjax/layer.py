"""The contract: what a layer is.

A layer turns a sequence into a sequence. It is a frozen dataclass of
hyper-parameters with pure methods; its arrays (parameters and carries) live
outside it, in NamedTuples. Layers are hashable by value and static pytrees, so
one passes through `jax.jit` as it is and equal layers share one trace.

Fixed once, for everything in the library: time is axis 0; every axis between
time and features is batch; results come as (carry, output); kernels are
[in, out] and used as ``x @ w``; masks are True where valid.
"""

import abc
from typing import Any

import jax
import jax.numpy as jnp

from seqjax import checks, sharded
from seqjax.linear import Way
from seqjax.masks import zero_invalid
from seqjax.noise import Keys
from seqjax.recurrence import Watch
from seqjax.scan import Gradient, ScanOptions, compute_dtype

Array = jax.Array
Params = Any
Carry = Any


class Layer(abc.ABC):
    """A pure function from a sequence to a sequence, and its hyper-parameters.

    A subclass is a frozen dataclass that writes `init`, `initial_carry` and
    `run`, and `run_step` if it can be fed one input at a time. Callers use `init`,
    `unroll` and `step`, which check their arguments; combinators call `run` and
    `run_step` of their parts, so that nothing is checked twice.
    """

    features: int  # the width of the output

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        jax.tree_util.register_static(cls)

    def __new__(cls, *args, **kwargs):
        """Refuses a class without the decorator, which runs no __post_init__."""
        del args, kwargs
        checks.is_frozen_dataclass(cls)
        return super().__new__(cls)

    def __post_init__(self):
        checks.hyper_parameters(self, Layer)

    @property
    def parts(self) -> tuple["Layer", ...]:
        """The layers inside this one; there are none unless a subclass says so."""
        return ()

    @property
    def causal(self) -> bool:
        """Whether no output depends on a later input: if that is so of every part."""
        return all(part.causal for part in self.parts)

    @property
    def linear(self) -> bool:
        """Whether a state is a ∗ the one before + b, with a and b of the input alone.

        That is so if it is of every part; such a layer has no recurrent weights.
        """
        return bool(self.parts) and all(part.linear for part in self.parts)

    @property
    def noisy(self) -> bool:
        """Whether `unroll` draws noise if it gets a key: if any part does."""
        return any(part.noisy for part in self.parts)

    @abc.abstractmethod
    def init(self, key: Array, in_features: int, dtype: Any = jnp.float32) -> Params:
        """Draws the parameters for inputs of width `in_features`."""

    @abc.abstractmethod
    def initial_carry(
        self, batch_shape: tuple[int, ...] = (), dtype: Any = jnp.float32
    ) -> Carry:
        """Returns the state before the first step, a⟨0⟩: zeros [*batch, ...]."""

    @abc.abstractmethod
    def run(
        self,
        params: Params,
        carry: Carry,
        initial: Carry,
        xs: Array,
        options: ScanOptions,
    ) -> tuple[Carry, Array]:
        """Runs over a sequence without checking anything: the inside of `unroll`.

        Args:
          params: from `init`.
          carry: the state before the first step that is taken.
          initial: the state to put back at `options.segment_starts`; like `carry`.
          xs: [T, *batch, in], of dtype `options.dtype`, zero where masked.
          options: mask, segment starts, direction, gradient, chunk, dtype and keys. A
            layer of several hands each its own: ``options.within(place)``.

        Returns:
          The last carry, and outputs [T, *batch, features], zero where masked.
        """

    def run_step(self, params: Params, carry: Carry, x: Array) -> tuple[Carry, Array]:
        """Takes one step without checking anything: the inside of `step`.

        Args:
          params: from `init`.
          carry: carry⟨t−1⟩, leaves [*batch, ...].
          x: x⟨t⟩ [*batch, in].

        Returns:
          carry⟨t⟩, and y⟨t⟩ [*batch, features].
        """
        del params, carry, x
        raise checks.needs_whole_sequence(self)

    def initial_carry_from(
        self,
        params: Params,
        batch_shape: tuple[int, ...] = (),
        dtype: Any = jnp.float32,
    ) -> Carry:
        """Returns the state that a run begins with, and that `resets` return to.

        It is `initial_carry`, unless a layer learns it.
        """
        del params
        return self.initial_carry(batch_shape, dtype)

    def trainable(self, params: Params) -> Any:
        """Returns a tree of booleans like `params`: False where weights stay fixed."""
        return jax.tree.map(lambda _: True, params)

    def step(self, params: Params, carry: Carry, x: Array) -> tuple[Carry, Array]:
        """Takes one step.

        Args:
          params: from `init`.
          carry: carry⟨t−1⟩, leaves [*batch, ...].
          x: the input of this one step, x⟨t⟩ [*batch, in].

        Returns:
          carry⟨t⟩, and y⟨t⟩ [*batch, features].

        Raises:
          ValueError: a shape or the carry's structure does not fit.
          TypeError: x is not an array, or the arguments are in another order.
          NotImplementedError: the layer needs the whole sequence.
        """
        checks.can_step(self)
        x = checks.step_input(self, params, x)
        checks.parameters(self, params, x.shape[-1])
        checks.step_carry(self, carry, x)
        return self.run_step(params, carry, x)

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
        way: Way | None = None,
        chunk: int | None = None,
        dtype: Any = None,
        watch: Watch | None = None,
        key: Array | Keys | None = None,
    ) -> tuple[Carry, Array]:
        """Runs the layer over a sequence.

        Args:
          params: from `init`.
          xs: inputs [T, *batch, in].
          carry: the state before the first step, or None for `initial_carry_from`:
            zeros, or learned. Its dtype is kept from step to step, and is that of
            the carry that is returned.
          mask: [T, *batch] bool, True where valid. A masked step leaves the carry
            as it was and outputs zero; nothing that stands there has any effect.
          resets: [T, *batch] bool. `resets[t]` puts `initial_carry_from` back before
            step t, whether it is masked or not: for packed segments, or episodes.
          reverse: whether to run from the last step to the first. Outputs stay at
            the steps of their inputs.
          gradient: "lean" keeps each step's incoming state and runs back with the
            parameters as constants; "plain" is autodiff of the scan, against which
            the others are tested, and has forward mode; "remat" keeps the carries
            between chunks only, for long sequences.
          way: how to go through time: in "steps", one after the other; all at once by
            "associative" scans, where cells are linear; or by "newton", for any cell
            of few units, in linear recurrences that are solved until they agree with
            its steps (see `seqjax.newton`). None lets the library choose.
          chunk: how many steps to take at a time; None lets the library choose.
          dtype: of the computation and the outputs; None takes the one that params
            and xs promote to.
          watch: sees every state and gate, and then the scan is differentiated as
            "plain" is; `seqjax.inspect.trace` is what to call.
          key: a random key, for training: layers that have noise (`Zoneout`,
            `LockedDropout`, a cell with noise of its own) draw it from this key, once
            for each step t of xs or once for all of xs, whatever `chunk` and
            `gradient` are. Or `seqjax.noise.Keys`, one for each of the two. None draws
            none: every layer then computes what it does in the mean.

        Returns:
          (carry, ys): the carry after the last step that is taken; outputs
          [T, *batch, features].

        Raises:
          ValueError: a shape, a name or the carry's structure does not fit.
          TypeError: xs is not an array, key is none, or the arguments are in another
            order.
        """
        xs = checks.sequence(self, params, xs)
        checks.parameters(self, params, xs.shape[-1])
        checks.gradient(gradient)
        checks.chunk(chunk)
        checks.way(self, way, gradient)
        mask, resets = checks.flags(xs, mask=mask, resets=resets)
        dtype = compute_dtype(params, xs) if dtype is None else jnp.dtype(dtype)
        keys, wide = checks.keys(key), jnp.promote_types(dtype, "float32")

        def run(params, carry, xs, mask, resets, keys):
            starts = None if resets is None else _segment_starts(resets, reverse)
            initial = self.initial_carry_from(params, xs.shape[1:-1], wide)
            carry = initial if carry is None else carry
            checks.carry(self, carry, initial, xs.shape[1:-1])
            xs = zero_invalid(mask, xs.astype(dtype))
            params, carry, initial, xs = sharded.alike((params, carry, initial, xs))
            options = ScanOptions(
                mask, starts, reverse, gradient, chunk, dtype, watch, keys, way
            )
            return self.run(params, carry, initial, xs, options)

        run = sharded.with_auto_axes(run, self.initial_carry, xs)
        return run(params, carry, xs, mask, resets, keys)


def _segment_starts(resets: Array, reverse: bool) -> Array:
    """Marks the places between steps where a segment starts: bool [T+1, *batch]."""
    none = jnp.zeros_like(resets[:1], shape=(1, *resets.shape[1:]))
    return jnp.concatenate([none, resets] if reverse else [resets, none])
