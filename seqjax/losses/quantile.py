"""The quantile loss, whose minimum is a quantile of what is to come."""

from collections.abc import Sequence

import chex
import jax
import jax.numpy as jnp

from seqjax.losses.reduction import OverTime, reduce_steps
from seqjax.masks import zero_invalid
from seqjax.metrics import Mean

Array = jax.Array


def quantile_loss(
    predictions: Array,
    targets: Array,
    levels: Sequence[float],
    mask: Array | None = None,
    over_time: OverTime = "sum",
) -> Mean:
    """L⟨t⟩ = 2/Q Σ_q max(τ_q (y − ŷ_q), (τ_q − 1)(y − ŷ_q)), the pinball loss.

    With the one level ½ it is the absolute error; with many levels it approaches the
    continuous ranked probability score. Koenker and Bassett (1978); Gneiting and
    Raftery (2007), section 6.

    Args:
      predictions: ŷ, [T, *batch, Q], a quantile for each level.
      targets: y, [T, *batch].
      levels: τ, Q numbers between 0 and 1.
      mask: bool [T, *batch], True where valid; nothing under a False counts.
      over_time: as in `squared_error`.

    Returns:
      The loss in units of y; differentiate its `result()`.

    Raises:
      AssertionError: the shapes differ.
      ValueError: a level is not between 0 and 1, or `over_time` is unknown.
    """
    if not all(0 < level < 1 for level in levels):
        raise ValueError(f"levels must lie between 0 and 1, not {tuple(levels)}")
    chex.assert_shape(predictions, (*targets.shape, len(levels)))
    if mask is not None:
        chex.assert_shape(mask, targets.shape)
    predictions, targets = zero_invalid(mask, (predictions, targets))
    τ = jnp.asarray(levels, predictions.dtype)
    below = targets[..., None] - predictions
    steps = 2 * jnp.mean(jnp.maximum(τ * below, (τ - 1) * below), axis=-1)
    return reduce_steps(steps, mask, over_time)
