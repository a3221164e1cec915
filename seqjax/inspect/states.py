"""A layer's memory as one vector: s⟨t⟩ = F(s⟨t−1⟩, x⟨t⟩).

A carry may be any tree of arrays; what dynamics is about is a map of vectors. The
numbers of s stand in the order of the tree's leaves, each leaf row by row.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from seqjax import checks
from seqjax.inspect.trace import trace
from seqjax.layer import Array, Carry, Layer, Params
from seqjax.scan import compute_dtype


class StateMap(NamedTuple):
    """One step of a layer as a map of vectors of n numbers, for one row."""

    step: Callable[[Array, Array], Array]  # F: (s⟨t−1⟩ [n], x⟨t⟩ [in]) to s⟨t⟩ [n]
    initial: Array  # [n], the carry that was given, or the layer's own
    carry_of: Callable[[Array], Carry]  # from s [n] to a carry


def state_map(
    layer: Layer, params: Params, xs: Array, carry: Carry | None = None
) -> StateMap:
    """Returns a layer's step as a map of vectors.

    Args:
      layer: any layer that can `step`.
      params: from `init`.
      xs: the inputs that are to be read, [..., in]; only their dtype counts here.
      carry: of one row, leaves [...]; None for `initial_carry_from`.

    Raises:
      ValueError: the layer keeps nothing from step to step.
    """
    if carry is None:
        wide = jnp.promote_types(compute_dtype(params, xs), "float32")
        carry = layer.initial_carry_from(params, (), wide)
    initial, carry_of = ravel_pytree(carry)
    if not initial.size:
        raise ValueError(f"{layer!r} keeps nothing from step to step: it has no state")

    def step(state, x):
        return ravel_pytree(layer.step(params, carry_of(state), x)[0])[0]

    return StateMap(step, initial, carry_of)


@jax.jit
def trajectories(
    layer: Layer, params: Params, xs: Array, carry: Carry | None = None
) -> Array:
    """Returns the states of a layer along sequences.

    Args:
      layer: any layer that can `step`.
      params: from `init`.
      xs: inputs [T, *batch, in].
      carry: before the first step, leaves [*batch, ...]; None for
        `initial_carry_from`.

    Returns:
      s⟨1⟩, …, s⟨T⟩: [T, *batch, n].
    """
    checks.can_step(layer)
    cells = trace(layer, params, xs, carry).cells
    leaves = jax.tree.leaves([cell.carry for cell in cells.values()])
    rows = [leaf.reshape(*xs.shape[:-1], -1) for leaf in leaves]
    return jnp.concatenate(rows, axis=-1)
