"""Batches whose rows the devices cannot share equally.

An array on a mesh lies in equal parts. So a batch travels with rows that are filled up,
and the loss sees it as it was: the compiler divides what is left unequally. Nothing is
computed of a row that is not there, and random numbers are drawn for the same shapes
as on one device.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh


@dataclasses.dataclass(frozen=True)
class Trimmed:
    """A loss of filled batches, as `Task.loss`; equal ones share a compiled program."""

    loss: Callable[..., Any]
    rows: int  # that a batch had
    filled: tuple[bool, ...]  # of each leaf of a batch, whether it was filled up

    def __call__(self, params: Any, batch: Any, key: Any, recurrent_state: Any) -> Any:
        """Calls the loss with the batch as it was."""
        leaves, structure = jax.tree.flatten(batch)
        pairs = zip(leaves, self.filled, strict=True)
        batch = structure.unflatten([a[: self.rows] if f else a for a, f in pairs])
        return self.loss(params, batch, key, recurrent_state)


def rows_of(batches: Any) -> int:
    """Returns the rows of stacked batches, whose second axis is the batch."""
    sizes = (a.shape[1] for a in jax.tree.leaves(batches) if a.ndim > 1)
    return next(sizes, 1)


def fill(
    mesh: Mesh | None, loss: Callable[..., Any], batches: Any
) -> tuple[Callable[..., Any], Any]:
    """Fills the rows of batches up to a multiple of the devices of a mesh.

    Args:
      mesh: the devices; None for one.
      loss: as in `Task`.
      batches: stacked, leaves [steps, B, ...]. Those with another second axis, or
        without one, stay as they are.

    Returns:
      The loss of what the batches have become, and these.
    """
    rows = rows_of(batches)
    missing = -rows % mesh.size if mesh is not None else 0
    if not missing:
        return loss, batches
    leaves, structure = jax.tree.flatten(batches)
    filled = tuple(a.ndim > 1 and a.shape[1] == rows for a in leaves)

    def leaf(a, is_filled):
        more = [(0, missing if is_filled and i == 1 else 0) for i in range(a.ndim)]
        return np.pad(a, more)

    pairs = zip(leaves, filled, strict=True)
    batches = structure.unflatten([leaf(*pair) for pair in pairs])
    return Trimmed(loss, rows, filled), batches
