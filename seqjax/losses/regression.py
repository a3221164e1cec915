"""Losses of real-valued sequences, such as the next value of a time series."""

import chex
import jax
import jax.numpy as jnp

from seqjax.losses.reduction import OverTime, reduce_steps
from seqjax.masks import zero_invalid
from seqjax.metrics import Mean

Array = jax.Array


def squared_error(
    predictions: Array,
    targets: Array,
    mask: Array | None = None,
    over_time: OverTime = "sum",
) -> Mean:
    """L⟨t⟩ = Σᵢ (ŷᵢ − yᵢ)².

    Args:
      predictions: ŷ, [T, *batch, n].
      targets: y, [T, *batch, n].
      mask: bool [T, *batch], True where valid; nothing under a False counts.
      over_time: "sum" makes the weight the number of sequences that have a valid
        step; "mean" makes it the number of valid steps.

    Returns:
      The loss in squared units of y; differentiate its `result()`.

    Raises:
      AssertionError: the shapes differ.
      ValueError: `over_time` is unknown.
    """
    errors = _errors(predictions, targets, mask)
    return reduce_steps(jnp.sum(errors**2, axis=-1), mask, over_time)


def absolute_error(
    predictions: Array,
    targets: Array,
    mask: Array | None = None,
    over_time: OverTime = "sum",
) -> Mean:
    """L⟨t⟩ = Σᵢ |ŷᵢ − yᵢ|, which outliers move less than `squared_error`.

    Args:
      predictions: as in `squared_error`.
      targets: as there.
      mask: as there.
      over_time: as there.

    Returns:
      The loss in units of y; differentiate its `result()`.

    Raises:
      AssertionError: the shapes differ.
      ValueError: `over_time` is unknown.
    """
    errors = _errors(predictions, targets, mask)
    return reduce_steps(jnp.sum(jnp.abs(errors), axis=-1), mask, over_time)


def _errors(predictions: Array, targets: Array, mask: Array | None) -> Array:
    """Returns ŷ − y [T, *batch, n], zero where masked."""
    chex.assert_equal_shape([predictions, targets])
    if mask is not None:
        chex.assert_shape(mask, predictions.shape[:-1])
    predictions, targets = zero_invalid(mask, (predictions, targets))
    return predictions - targets
