"""From the losses of steps to the loss of a batch, as a sum with its weight.

L = Σ_t L⟨t⟩: the loss of a sequence is the sum over its valid steps, and the batch's
is the mean over its sequences. Asked for by name, ``over_time="mean"`` divides by the
number of valid steps instead. The choice scales the gradient by the length, and with
it what a learning rate and a clipping threshold mean.
"""

from typing import Literal

import jax
import jax.numpy as jnp

from seqjax.metrics import Mean

Array = jax.Array
OverTime = Literal["sum", "mean"]


def reduce_steps(steps: Array, mask: Array | None, over_time: OverTime) -> Mean:
    """Sums the losses of valid steps.

    Args:
      steps: [T, *batch].
      mask: bool [T, *batch], True where valid; None where all steps are.
      over_time: "sum" or "mean"; see `weight`.
    """
    valid = jnp.ones(steps.shape, bool) if mask is None else mask
    total = jnp.sum(steps, where=valid)
    return Mean(total, weight(valid, over_time).astype(steps.dtype))


def weight(valid: Array, over_time: OverTime) -> Array:
    """Counts what the loss of a batch is the mean of.

    Args:
      valid: bool [T, *batch].
      over_time: "sum" counts the sequences that have a valid step, "mean" counts the
        valid steps.

    Raises:
      ValueError: `over_time` is unknown.
    """
    counted = {"sum": jnp.any(valid, axis=0), "mean": valid}
    if over_time not in counted:
        raise ValueError(f"over_time must be 'sum' or 'mean', not {over_time!r}")
    return jnp.sum(counted[over_time])
