"""Linear recurrences: h⟨t⟩ = a⟨t⟩ ∗ h⟨t−1⟩ + b⟨t⟩, with a and b of the input alone.

Nothing of a step but a product and a sum waits for the step before, and two steps are
one again, (a₂ ∗ a₁, a₂ ∗ b₁ + b₂). So there are two ways through a sequence: one step
after the other, or all of them in log₂ T rounds (Blelloch, 1990; Martin and Cundy,
2018, "Parallelizing linear recurrent neural nets over sequence length"). `states` has
both, and the way back.

On a CPU a loop of steps reads and writes each number once, at the speed of a copy, and
was 3 to 10 times as fast as the rounds; elsewhere a step is the start of a kernel, and
the rounds are taken.
"""

from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from seqjax.masks import zero_invalid
from seqjax.recurrence import Recurrence, Static, Steps
from seqjax.states import Complex, How, Through, Way, plain_states, states, times

__all__ = ["Complex", "LinearRecurrence", "LinearStep", "Way"]

Array = jax.Array
Tree = Any


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


def best_way() -> Way:
    """Returns the way that is faster on this device, as far as was measured."""
    return "steps" if jax.default_backend() == "cpu" else "associative"


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
    time = jax.tree.leaves(steps.u)[0].shape[0]
    how = How(way, static.reverse)

    def of_leaf(first, start, b, a):
        through = Through(a, steps.valid, steps.reset)
        b = zero_invalid(steps.valid, jnp.broadcast_to(b, (time, *first.shape)))
        if steps.reset is not None:
            begun = Through(a, steps.valid, ~steps.reset)
            b = b + begun(jnp.broadcast_to(start, b.shape))
        return (plain_states if plain else states)(how, through, b, first)

    hs = jax.tree.map(of_leaf, carry, initial, b, a)
    last = jax.tree.map(lambda h: h[0 if static.reverse else -1], hs)
    ys = cell.read(params, hs, steps.u)
    return last, zero_invalid(steps.valid, ys.astype(static.dtype))
