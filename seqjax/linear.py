"""Linear recurrences: h⟨t⟩ = a⟨t⟩ ∗ h⟨t−1⟩ + b⟨t⟩, with a and b of the input alone.

Nothing of a step but a product and a sum waits for the step before, and two steps are
one again, (a₂ ∗ a₁, a₂ ∗ b₁ + b₂). So there are two ways through a sequence: one step
after the other, or all of them in log₂ T rounds (Blelloch, 1990; Martin and Cundy,
2018, "Parallelizing linear recurrent neural nets over sequence length"). A mask makes
a = 1 and b = 0, and a reset lets b begin from the initial state.

The way back is linear too, and takes the same way: with ∂ for ∂L/∂,

    ∂h⟨t⟩ = ∂y⟨t⟩ + a⟨t+1⟩ᵀ ∂h⟨t+1⟩,   ∂b⟨t⟩ = ∂h⟨t⟩,   ∂a⟨t⟩ = ∂h⟨t⟩ ∗ h⟨t−1⟩

so that a and h are all that is kept of a step.
"""

import functools
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax import lax

from seqjax import loops, recurrence
from seqjax.masks import select, zero_invalid
from seqjax.recurrence import Recurrence, Static, Steps

Array = jax.Array
Tree = Any
Way = Literal["steps", "associative"]


# On a CPU: the bytes of u that are kept whole, of all or for each input, and those of a
# chunk that stays in a cache with all that is made of it; and its rows, at least.
WHOLE_BYTES, WHOLE_BYTES_PER_INPUT = 2**22, 2**15
CHUNK_BYTES, CHUNK_ROWS = 2**18, 2**7


class Complex(NamedTuple):
    """Complex numbers, of any real dtype. An array [..., 2K] has them side by side."""

    re: Array  # [..., K]
    im: Array  # [..., K]

    @classmethod
    def of(cls, array: Array) -> "Complex":
        """Reads an array [..., 2K]: the real parts, then the imaginary ones."""
        return cls(*jnp.split(array, 2, axis=-1))

    def side_by_side(self) -> Array:
        """Returns an array [..., 2K]."""
        return jnp.concatenate(self, axis=-1)


class LinearStep(NamedTuple):
    """The two numbers of a step, for each unit.

    Both are trees like the carry. An a may leave out the axes of time and batch where
    it is the same along them. A leaf of a that is `Complex` multiplies the leaf of the
    carry as complex numbers side by side.
    """

    a: Tree  # leaves [..., H], or Complex of [..., K]
    b: Tree  # leaves [..., H]

    def __call__(self, h: Tree) -> Tree:
        """Returns h⟨t⟩ = a ∗ h⟨t−1⟩ + b."""
        return jax.tree.map(lambda b, a, h: times(a, h) + b, self.b, self.a, h)


@runtime_checkable
class LinearRecurrence(Recurrence, Protocol):
    """What the scan needs of a linear cell; see `seqjax.LinearCell`."""

    def linear_step(self, params: Tree, u: Tree) -> LinearStep:
        """Returns a⟨t⟩ and b⟨t⟩."""
        ...

    def read(self, params: Tree, carry: Tree, u: Tree) -> Array:
        """Returns y⟨t⟩."""
        ...


class How(NamedTuple):
    """How to take the steps; hashable."""

    way: Way
    reverse: bool


def times(a: Tree, h: Tree) -> Tree:
    """Returns a ∗ h, leaf by leaf; either may have leaves that are `Complex`."""

    def leaf(a, h):
        if not isinstance(a, Complex):
            return a * h
        x = h if isinstance(h, Complex) else Complex.of(h)
        product = Complex(a.re * x.re - a.im * x.im, a.im * x.re + a.re * x.im)
        return product if isinstance(h, Complex) else product.side_by_side()

    return jax.tree.map(leaf, a, h, is_leaf=_is_complex)


def times(a: Any, h: Any) -> Any:
    """Returns a ∗ h of a leaf; either may be `Complex`."""
    if not isinstance(a, Complex):
        return a * h
    x = h if isinstance(h, Complex) else Complex.of(h)
    product = Complex(a.re * x.re - a.im * x.im, a.im * x.re + a.re * x.im)
    return product if isinstance(h, Complex) else product.side_by_side()


def best_way() -> Way:
    """Returns the way that is faster on this device, as far as was measured."""
    return "steps" if jax.default_backend() == "cpu" else "associative"


def chunk_size(time: int, step_bytes: int, step_rows: int, inputs: int) -> int:
    """Returns how many steps a CPU should take at a time.

    The way back through several chunks computes each anew, so that nothing but carries
    lies in memory between the way there and the way back. That costs a product with
    the inputs, and saves fresh pages: whole sequences are faster if they are short, or
    if inputs are wide.

    Args:
      time: of the whole sequence.
      step_bytes: of u of one step.
      step_rows: the sequences of a batch.
      inputs: the width of x.
    """
    if step_bytes * time <= max(WHOLE_BYTES, WHOLE_BYTES_PER_INPUT * inputs):
        return time
    rows = max(CHUNK_ROWS, inputs // 2)
    size = max(CHUNK_BYTES // max(step_bytes, 1), rows // step_rows, 1)
    return loops.divisor(time, size)


def scan(
    static: Static,
    params: Tree,
    initial: Tree,
    carry: Tree,
    steps: Steps,
    way: Way,
    plain: bool = False,
) -> tuple[Tree, Array]:
    """Scans a linear cell forward, as `recurrence.scan` does.

    Args:
      static: the cell, the dtype and the direction.
      params: of the cell, in the dtype of the computation.
      initial: the state to put back at resets, in the dtypes of `carry`.
      carry: the state before the first step.
      steps: u, the mask and the resets of every step, at least one.
      way: in which the steps are taken.
      plain: whether to leave the derivative to JAX.

    Returns:
      The last carry, and outputs [T, *batch, features].
    """
    cell: Any = static.cell
    a, b = cell.linear_step(params, steps.u)
    time, how = len(jax.tree.leaves(steps.u)[0]), How(way, static.reverse)

    def of_leaf(first, start, b, a):
        through = Through(a, steps.valid, steps.reset)
        b = zero_invalid(steps.valid, jnp.broadcast_to(b, (time, *first.shape)))
        if steps.reset is not None:
            begun = Through(a, steps.valid, ~steps.reset)
            b = b + begun(jnp.broadcast_to(start, b.shape))
        return (_states if plain else states)(how, through, b, first)

    hs = jax.tree.map(of_leaf, carry, initial, b, a)
    last = jax.tree.map(lambda h: h[0 if static.reverse else -1], hs)
    ys = cell.read(params, hs, steps.u)
    return last, zero_invalid(steps.valid, ys.astype(static.dtype))


class Through(NamedTuple):
    """What becomes of a state on its way through a step, or through each of many."""

    a: Any  # of a leaf, as in `LinearStep`
    valid: Array | None  # [T, *batch]; a masked step leaves it as it is
    fresh: Array | None  # [T, *batch]; a new beginning leaves nothing of it

    def __call__(self, h: Array) -> Array:
        """Returns a ∗ h, or h, or 0."""
        kept = select(self.valid, times(self.a, h), h)
        return kept if self.fresh is None else zero_invalid(~self.fresh, kept)

    def transposed(self) -> "Through":
        """Returns the way back of a cotangent."""
        a = self.a
        return self._replace(a=Complex(a.re, -a.im) if isinstance(a, Complex) else a)

    def apart(self, ndim: int) -> tuple["Through", "Through"]:
        """Splits what is the same at all steps, with None for the rest, from it.

        Args:
          ndim: of a state.
        """
        if jnp.ndim(jax.tree.leaves(self.a)[0]) > ndim:
            return Through(None, None, None), self
        return Through(self.a, None, None), self._replace(a=None)


def _states(how: How, through: Through, b: Array, first: Array) -> Array:
    """Returns h⟨t⟩ = through⟨t⟩(h⟨t−1⟩) + b⟨t⟩ of every step, [T, *batch, ...].

    Args:
      how: the way and the direction.
      through: of every step.
      b: of every step, zero where masked, [T, *batch, ...].
      first: the state before the first step, whose dtype all states have.
    """
    return (_in_steps if how.way == "steps" else _at_once)(
        how.reverse, through, b, first
    )


states = jax.custom_vjp(_states, nondiff_argnums=(0,))


def _forward(how: How, through: Through, b: Array, first: Array):
    hs = states(how, through, b, first)
    return hs, (through, b[:0], first, hs)  # b of no step has its dtype


def _backward(how: How, saved: Any, d_hs: Array):
    through, b_like, first, hs = saved
    back = _back_in_steps if how.way == "steps" else _back_at_once
    d_first, d_afters = back(how.reverse, through.transposed(), d_hs)
    if how.reverse:
        befores = jnp.concatenate([hs, first[None]])[1:]
    else:
        befores = jnp.concatenate([first[None], hs])[:-1]
    befores = zero_invalid(through.valid, befores)
    if through.fresh is not None:
        befores = zero_invalid(~through.fresh, befores)
    _, pull = jax.vjp(lambda a: times(a, befores).astype(hs.dtype), through.a)
    d_through = Through(*pull(d_afters), None, None)
    return d_through, d_afters.astype(b_like.dtype), d_first


states.defvjp(_forward, _backward)


def _in_steps(reverse: bool, through: Through, b: Array, first: Array) -> Array:
    """Takes one step after the other."""
    same, varying = through.apart(first.ndim)

    def body(h, at):
        varying, b = at
        h = (_joined(same, varying)(h) + b).astype(h.dtype)
        return h, h

    return lax.scan(body, first, (varying, b), reverse=reverse)[1]


def _back_in_steps(reverse: bool, through: Through, d_hs: Array):
    """Returns ∂first, and the whole ∂h⟨t⟩ from that of each output alone."""
    same, varying = through.apart(d_hs.ndim - 1)

    def body(d_before, at):
        varying, d_h = at
        d_after = d_h + d_before
        d_before = _joined(same, varying)(d_after).astype(d_h.dtype)
        return d_before, d_after

    return lax.scan(body, jnp.zeros_like(d_hs[0]), (varying, d_hs), reverse=not reverse)


def _joined(same: Through, varying: Through) -> Through:
    return varying if same.a is None else varying._replace(a=same.a)


def _at_once(reverse: bool, through: Through, b: Array, first: Array) -> Array:
    """Takes all steps in log₂ T rounds, in each of which two steps become one."""
    dtype = jnp.result_type(b, first, *jax.tree.leaves(through.a))
    through, b = _of_each_step(through, b.astype(dtype), first.ndim), b.astype(dtype)
    begin = -1 if reverse else 0
    begun = jax.tree.map(lambda leaf: leaf[begin], through)(first)
    b = b.at[begin].add(begun.astype(dtype))

    def one(earlier, later):
        (through, b), (through_2, b_2) = earlier, later
        a, fresh = times(through_2.a, through.a), through.fresh
        fresh = None if fresh is None else fresh | through_2.fresh
        return Through(a, None, fresh), through_2(b) + b_2

    _, hs = lax.associative_scan(one, (through, b), reverse=reverse)
    return hs.astype(first.dtype)


def _of_each_step(through: Through, b: Array, ndim: int) -> Through:
    """Returns the same in numbers for each step, 1 where masked, in the dtype of b."""
    a, valid, fresh = through
    timed = jnp.ndim(jax.tree.leaves(a)[0]) > ndim

    def leaf(a, one):
        a = a if timed else jnp.expand_dims(a, range(b.ndim - a.ndim))
        if valid is not None:
            a = jnp.broadcast_to(a, (*b.shape[:-1], a.shape[-1]))
            a = select(valid, a, jnp.full_like(a, one))
        return jnp.broadcast_to(a, (len(b), *a.shape[1:])).astype(b.dtype)

    a = Complex(leaf(a.re, 1), leaf(a.im, 0)) if isinstance(a, Complex) else leaf(a, 1)
    return Through(a, None, fresh)


def _back_at_once(reverse: bool, through: Through, d_hs: Array):
    """Does as `_back_in_steps`: what lies behind a step comes through the next one."""
    ndim, end = d_hs.ndim - 1, -1 if reverse else 0
    through = _of_each_step(through, d_hs, ndim)

    def next_one(leaf):
        if reverse:
            return jnp.concatenate([leaf[:1], leaf])[:-1]
        return jnp.concatenate([leaf, leaf[-1:]])[1:]

    zero = jnp.zeros_like(d_hs[0])
    d_afters = _at_once(not reverse, jax.tree.map(next_one, through), d_hs, zero)
    d_first = jax.tree.map(lambda leaf: leaf[end], through)(d_afters[end])
    return d_first.astype(d_hs.dtype), d_afters
