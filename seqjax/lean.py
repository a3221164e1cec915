"""The lean gradient: backpropagation through time with one product in the loop.

The forward scan keeps each step's carry and residuals. The scan back then finds the
cotangents of every state, with the parameters as constants. The gradient of every
parameter is taken afterwards, over all steps at once (E9 of the course: ∂L/∂W is the
sum over t of ∂L/∂W at t, and a sum of products is one larger product).
"""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from seqjax import loops, newton
from seqjax.masks import select, zero_invalid
from seqjax.recurrence import Static, Steps, cast_like, recur, scan

Array = jax.Array
Tree = Any


class Saved(NamedTuple):
    """What the forward scan keeps for the way back."""

    params: Tree
    initial: Tree
    first: Tree  # the carry before the first step
    u_like: Tree  # u of no step at all: its dtypes, for only arrays can be kept
    flags: Steps  # without u
    afters: Tree  # the carry after each step, leaves [T, *batch, ...]
    residuals: Tree  # of each step


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def lean(static: Static, params: Tree, initial: Tree, carry: Tree, steps: Steps):
    """Scans as `recurrence.scan` does, and is differentiated as this module says."""
    return _through(static)(static, params, initial, carry, steps)[:2]


def _through(static: Static) -> Any:
    return newton.scan if static.newton else scan


def _forward(static: Static, params, initial, carry, steps: Steps):
    last, ys, (afters, residuals) = _through(static)(
        static, params, initial, carry, steps, static.cell.residuals
    )
    u_like, flags = jax.tree.map(lambda a: a[:0], steps.u), steps._replace(u=())
    saved = Saved(params, initial, carry, u_like, flags, afters, residuals)
    return (last, ys), saved


def _backward(static: Static, saved: Saved, cotangents):
    d_last, d_ys = cotangents
    d_ys = zero_invalid(saved.flags.valid, d_ys)
    befores = _befores(saved, static.reverse)
    (d_first, d_initial), (d_us, d_vs, d_updates) = _scan_back(
        static, saved, befores, d_last, d_ys
    )
    d_params = _parameter_gradient(static, saved, befores, d_vs, d_updates, d_ys)
    return d_params, d_initial, d_first, Steps(d_us, None, None)


lean.defvjp(_forward, _backward)


def _scan_back(static: Static, saved: Saved, befores: Tree, d_last: Tree, d_ys: Array):
    """Scans back over the steps, with the parameters as constants.

    With ∂ for ∂L/∂, and with the transposed derivatives of the cell's two functions,

        ∂b⟨t⟩, ∂u⟨t⟩, ∂v⟨t⟩ = updateᵀ(∂carry⟨t⟩, ∂y⟨t⟩)
        ∂before⟨t⟩ = ∂b⟨t⟩ + recurᵀ(∂v⟨t⟩), or ∂carry⟨t⟩ where masked
        ∂carry⟨t−1⟩ = ∂before⟨t⟩, or 0 where resets⟨t⟩
        ∂initial = Σ_t ∂before⟨t⟩ where resets⟨t⟩

    Args:
      static: the cell, the dtype and the direction of the forward scan.
      saved: what the forward scan kept.
      befores: before⟨t⟩ of every step.
      d_last: ∂carry⟨T⟩.
      d_ys: ∂y of every step, zero where masked.

    Returns:
      (∂carry⟨0⟩, ∂initial), and of every step (∂u, ∂v, what `update` was handed back
      as ∂carry), the last one None if `update` reads no parameters.
    """

    def body(params, state, at):
        (d_after, d_initial), (flags, before, residual, d_y) = state, at
        d_updated = zero_invalid(flags.valid, d_after)  # a masked update went nowhere
        d_params, d_before, d_u, d_v = static.cell.pull_back(
            params, before, residual, d_updated, d_y
        )
        v, pull_recur = jax.vjp(lambda b: recur(static, params, b), before)
        d_v = cast_like(d_v, v)
        d_before = cast_like(_add(d_before, *pull_recur(d_v)), before)
        d_before = select(flags.valid, d_before, d_after)
        if flags.reset is not None:
            d_initial = _add(d_initial, zero_invalid(flags.reset, d_before))
            d_before = zero_invalid(~flags.reset, d_before)
        # Only a cell whose `update` reads parameters needs ∂carry again afterwards.
        d_update = None if d_params is None else d_updated
        return (d_before, d_initial), (cast_like(d_u, saved.u_like), d_v, d_update)

    return loops.scan(
        body,
        saved.params,
        (d_last, jax.tree.map(jnp.zeros_like, d_last)),
        (saved.flags, befores, saved.residuals, d_ys),
        reverse=not static.reverse,
        transposed=math.prod(d_ys.shape[1:-1]) != 1,  # a single row is read as it is
    )


def _parameter_gradient(
    static: Static, saved: Saved, befores: Tree, d_vs: Tree, d_updates: Tree, d_ys
) -> Tree:
    """Takes the gradient of every parameter over all steps at once.

        ∂params = Σ_t recurᵀ(∂v⟨t⟩) + Σ_t updateᵀ(∂carry⟨t⟩, ∂y⟨t⟩)

    where the transposed derivatives are now those by the parameters. The first sum is
    one product: for v = W_h h it is [H, T·B] times [T·B, G·H]. What goes through
    u = project(x) is left to JAX, since `project` runs outside the scan.

    Args:
      static: the cell, the dtype and the direction.
      saved: what the forward scan kept.
      befores: before⟨t⟩ of every step.
      d_vs: ∂v of every step.
      d_updates: the ∂carry that `update` was handed back, or None.
      d_ys: ∂y of every step.
    """
    _, pull_params = jax.vjp(lambda p: recur(static, p, befores), saved.params)
    (d_params,) = pull_params(d_vs)
    if d_updates is None:
        return d_params
    residuals = saved.residuals
    d_direct = static.cell.pull_back(saved.params, befores, residuals, d_updates, d_ys)[
        0
    ]
    return _add(d_params, d_direct)


def _befores(saved: Saved, reverse: bool) -> Tree:
    """Returns before⟨t⟩ of every step from the carries after each.

    They are shifted, not kept: the forward scan would have to stack them a second time.
    """

    shift = functools.partial(loops.before_each, reverse=reverse)
    befores = jax.tree.map(shift, saved.first, saved.afters)
    reset = saved.flags.reset
    return befores if reset is None else select(~reset, befores, saved.initial)


def _add(a: Tree, b: Tree) -> Tree:
    return jax.tree.map(jnp.add, a, b)
