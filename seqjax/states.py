"""The states of a linear recurrence h⟨t⟩ = a⟨t⟩ ∗ h⟨t−1⟩ + b⟨t⟩, by two ways, and back.

In "steps" they come one after the other. By "associative" scans they come in log₂ T
rounds, for two steps are one: (a₂ ∗ a₁, a₂ ∗ b₁ + b₂). The way back is linear too, and
takes the same way: with ∂ for ∂L/∂,

    ∂h⟨t⟩ = ∂y⟨t⟩ + a⟨t+1⟩ᵀ ∂h⟨t+1⟩,   ∂b⟨t⟩ = ∂h⟨t⟩,   ∂a⟨t⟩ = ∂h⟨t⟩ ∗ h⟨t−1⟩

so that a and h are all that is kept of a step. No quotient is ever taken, so products
of many small a may vanish without harm, and nothing needs logarithms.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from seqjax import loops
from seqjax.masks import select, zero_invalid

Array = jax.Array
Way = Literal["steps", "associative", "newton"]


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


class How(NamedTuple):
    """How to take the steps; hashable."""

    way: Way
    reverse: bool


def times(a: Any, h: Any) -> Any:
    """Returns a ∗ h of a leaf; either may be `Complex`."""
    if not isinstance(a, Complex):
        return a * h
    x = h if isinstance(h, Complex) else Complex.of(h)
    product = Complex(a.re * x.re - a.im * x.im, a.im * x.re + a.re * x.im)
    return product if isinstance(h, Complex) else product.side_by_side()


class Through(NamedTuple):
    """What becomes of a state on its way through a step, or through each of many."""

    a: Any  # of a leaf, as in `LinearStep`
    valid: Array | None = None  # [T, *batch]; a masked step leaves it as it is
    fresh: Array | None = None  # [T, *batch]; a new beginning leaves nothing of it

    def __call__(self, h: Array) -> Array:
        """Returns a ∗ h, or h, or 0."""
        kept = select(self.valid, times(self.a, h), h)
        return kept if self.fresh is None else zero_invalid(~self.fresh, kept)

    def transposed(self) -> "Through":
        """Returns the way back of a cotangent."""
        a = self.a
        return self._replace(a=Complex(a.re, -a.im) if isinstance(a, Complex) else a)

    def apart(self, ndim: int) -> tuple[Any, "Through"]:
        """Splits an a that is the same at all steps from what is to be scanned over.

        Args:
          ndim: of a state.

        Returns:
          (a, the rest), or (None, all) where every step has its own.
        """
        own = jnp.ndim(jax.tree.leaves(self.a)[0]) > ndim
        return (None, self) if own else (self.a, self._replace(a=None))

    def joined(self, same: Any) -> "Through":
        """Puts together what `apart` split."""
        return self if same is None else self._replace(a=same)


def plain_states(how: How, through: Through, b: Array, first: Array) -> Array:
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


states = jax.custom_vjp(plain_states, nondiff_argnums=(0,))


def _forward(how: How, through: Through, b: Array, first: Array):
    hs = states(how, through, b, first)
    return hs, (through, b[:0], first, hs)  # b of no step has its dtype


def _backward(how: How, saved: Any, d_hs: Array):
    through, b_like, first, hs = saved
    back = _back_in_steps if how.way == "steps" else _back_at_once
    d_first, d_afters = back(how.reverse, through.transposed(), d_hs)
    befores = loops.before_each(first, hs, how.reverse)
    befores = zero_invalid(through.valid, befores)
    if through.fresh is not None:
        befores = zero_invalid(~through.fresh, befores)
    _, pull = jax.vjp(lambda a: times(a, befores).astype(hs.dtype), through.a)
    d_through = Through(*pull(d_afters))
    return d_through, d_afters.astype(b_like.dtype), d_first


states.defvjp(_forward, _backward)


def _in_steps(reverse: bool, through: Through, b: Array, first: Array) -> Array:
    """Takes one step after the other."""
    same, varying = through.apart(first.ndim)

    def body(h, at):
        varying, b = at
        h = (varying.joined(same)(h) + b).astype(h.dtype)
        return h, h

    return lax.scan(body, first, (varying, b), reverse=reverse)[1]


def _back_in_steps(reverse: bool, through: Through, d_hs: Array):
    """Returns ∂first, and the whole ∂h⟨t⟩ from that of each output alone."""
    same, varying = through.apart(d_hs.ndim - 1)

    def body(d_before, at):
        varying, d_h = at
        d_after = d_h + d_before
        d_before = varying.joined(same)(d_after).astype(d_h.dtype)
        return d_before, d_after

    return lax.scan(body, jnp.zeros_like(d_hs[0]), (varying, d_hs), reverse=not reverse)


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
        return Through(a, fresh=fresh), through_2(b) + b_2

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
    return Through(a, fresh=fresh)


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
