"""A recurrence: one step of it, and the scan over many steps forward.

One step, for a cell with its three functions, is

    before⟨t⟩ = initial where resets⟨t⟩, else carry⟨t−1⟩
    v⟨t⟩ = recur(before⟨t⟩)
    carry⟨t⟩, y⟨t⟩ = update(before⟨t⟩, u⟨t⟩, v⟨t⟩), or before⟨t⟩, 0 where masked

with u = project(x), which is taken over all steps of a chunk at once.
"""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Protocol

import jax
import jax.numpy as jnp

from seqjax import loops
from seqjax.masks import select, zero_invalid

Array = jax.Array
Tree = Any


class Recurrence(Protocol):
    """What a scan needs of a cell; `seqjax.Cell` says what each method means."""

    heavy_update: ClassVar[bool]

    @property
    def noisy(self) -> bool:
        """Whether a key makes a difference."""
        ...

    def project(self, params: Tree, x: Array) -> Tree:
        """Returns u⟨t⟩."""
        ...

    def noisy_params(self, params: Tree, key: Array, batch_shape: tuple) -> Tree:
        """Returns the parameters with the noise that holds for a whole sequence."""
        ...

    def noisy_project(self, params: Tree, x: Array, key: Array) -> Tree:
        """Returns u⟨t⟩ with the noise of one step."""
        ...

    def recur(self, params: Tree, carry: Tree) -> Tree:
        """Returns v⟨t⟩."""
        ...

    def update(self, params: Tree, carry: Tree, u: Tree, v: Tree) -> tuple[Tree, Array]:
        """Returns carry⟨t⟩ and y⟨t⟩."""
        ...

    def residuals(
        self, params: Tree, carry: Tree, u: Tree, v: Tree, after: Tree
    ) -> Tree:
        """Returns what `pull_back` needs of a step beside the carry before it."""
        ...

    def pull_back(
        self, params: Tree, carry: Tree, residuals: Tree, d_after: Tree, d_y: Array
    ) -> tuple[Tree | None, Tree, Tree, Tree]:
        """Returns the derivative of `update`."""
        ...

    def gates(self, params: Tree, carry: Tree, u: Tree, v: Tree) -> dict[str, Array]:
        """Returns what `update` computes on the way, by name."""
        ...


class Watch(Protocol):
    """Sees every state and gate of the cells that a scan runs, and may add to states.

    It lives outside of `jit`, which it would tell the arrays of one trace: it is made
    where the scan is traced, and asked once for each cell.
    """

    def nudge(self, cell: Recurrence, carry: Tree, time: int) -> Tree | None:
        """Returns what to add to the carry after each step, leaves [T, *batch, ...]."""
        ...

    def see(self, cell: Recurrence, carries: Tree, gates: dict[str, Array]) -> None:
        """Takes the carry after each step, and the gates: leaves [T, *batch, ...]."""
        ...


class Static(NamedTuple):
    """What is not an array in a scan; hashable, so that traces are shared."""

    cell: Recurrence
    dtype: Any  # of the computation
    reverse: bool
    newton: bool = False  # all steps at once, by `newton.scan`


class Steps(NamedTuple):
    """What changes from step to step; every leaf [T, *batch, ...]."""

    u: Tree
    valid: Array | None
    reset: Array | None
    nudge: Tree = None  # added to the carry after the step


Keep = Callable[[Tree, Tree, Tree, Tree, Tree], Tree]  # params, before, u, v, after


def scan(
    static: Static,
    params: Tree,
    initial: Tree,
    carry: Tree,
    steps: Steps,
    keep: Keep | None = None,
) -> tuple[Tree, Array, Tree]:
    """Scans a cell forward.

    Args:
      static: the cell, the dtype and the direction.
      params: of the cell, in the dtype of the computation.
      initial: the state to put back at resets, in the dtypes of `carry`.
      carry: the state before the first step.
      steps: u, the mask and the resets of every step.
      keep: makes what is kept of each step beside the carry after it; None keeps
        neither.

    Returns:
      The last carry, outputs [T, *batch, features], and the carry after each step with
      what `keep` made, or nothing.
    """

    def body(params, carry, at: Steps):
        before = carry if at.reset is None else select(at.reset, initial, carry)
        after, y, kept = step(static, params, before, at, keep)
        return after, (y, (after, kept) if keep else ())

    carry, (ys, kept) = loops.scan(body, params, carry, steps, reverse=static.reverse)
    return carry, zero_invalid(steps.valid, ys.astype(static.dtype)), kept


def step(
    static: Static, params: Tree, before: Tree, at: Steps, keep: Keep | None = None
) -> tuple[Tree, Array, Tree]:
    """Returns the carry after a step, its output (not masked yet), what is kept."""
    cell, v = static.cell, recur(static, params, before)
    updated, y = cell.update(params, before, at.u, v)
    after = cast_like(updated, before)
    if at.nudge is not None:
        after = jax.tree.map(jnp.add, after, at.nudge)
    after = select(at.valid, after, before)
    # An output that is a part of the carry (h, mostly) is named by the carry's array:
    # the loop stacks an array once, and knows it by its identity.
    pairs = zip(jax.tree.leaves(updated), jax.tree.leaves(after), strict=True)
    y = next((kept for new, kept in pairs if new is y), y)
    return after, y, keep(params, before, at.u, v, after) if keep else ()


def recur(static: Static, params: Tree, carry: Tree) -> Tree:
    """Returns v⟨t⟩, in the dtype of the computation whatever the carry's is."""
    return static.cell.recur(params, cast(carry, static.dtype))


def cast(tree: Tree, dtype: Any) -> Tree:
    """Casts the floating-point leaves of a tree."""
    return jax.tree.map(
        lambda a: a.astype(dtype) if jnp.issubdtype(a.dtype, jnp.inexact) else a, tree
    )


def cast_like(tree: Tree, other: Tree) -> Tree:
    """Casts every leaf of a tree to the dtype of its counterpart."""
    return jax.tree.map(lambda a, b: a.astype(b.dtype), tree, other)
