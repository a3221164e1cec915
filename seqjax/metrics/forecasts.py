"""Scores of forecasts that merge: errors in units of a naive one, and coverage."""

from typing import Any

import numpy as np

from seqjax.metrics.mean import Mean


def naive_error(history: Any, season: int = 1) -> np.ndarray:
    """Returns the mean absolute error of the value one season before.

    It is the unit of the mean absolute scaled error, computed on the history that a
    model learns from and never on what is forecast. Hyndman and Koehler (2006).

    Args:
      history: [T, ...], NaN where there is no value; pairs with a gap are left out.
      season: the steps of a season; 1 for none.

    Returns:
      [...], in units of the history.

    Raises:
      ValueError: no pair of values is a season apart, or all of them are equal.

    Example:
      >>> print(naive_error([1.0, 2.0, 4.0, 7.0]))
      2.0
    """
    history = np.asarray(history, float)
    changes = np.abs(history[season:] - history[:-season])
    known = ~np.isnan(changes)
    count = known.sum(axis=0)
    error = np.sum(changes, axis=0, where=known) / np.maximum(count, 1)
    if not np.all(count) or not np.all(error):
        raise ValueError(
            f"the history has no two values {season} steps apart that differ, so that "
            f"no error can be scaled by them"
        )
    return error


def scaled_error(forecasts: Any, truth: Any, scale: Any) -> Mean:
    """Returns the mean absolute scaled error, MASE, of forecasts.

    Args:
      forecasts: [...].
      truth: [...], NaN where there is no value: it does not count.
      scale: from `naive_error`, such that it divides the errors.

    Returns:
      The mean over all values; below 1, forecasts are better than the naive one was
      on the history.

    Example:
      >>> print(scaled_error([2.0, 5.0, 9.0], [3.0, 5.0, float("nan")], 2.0))
      Mean(total=0.5, weight=2.0)
    """
    errors = np.abs(np.subtract(forecasts, truth)) / scale
    known = ~np.isnan(np.broadcast_to(truth, errors.shape))
    return Mean(float(np.sum(errors, where=known)), float(known.sum()))


def coverage(low: Any, high: Any, truth: Any) -> Mean:
    """Returns the share of values that lie in their intervals, ends included.

    Args:
      low: [...], the lower ends.
      high: [...], the upper ends.
      truth: [...], NaN where there is no value: it does not count.

    Example:
      >>> print(coverage([0, 0, 0], [2, 2, 2], [1.0, 3.0, float("nan")]).result())
      0.5
    """
    truth = np.asarray(truth, float)
    inside = (np.asarray(low) <= truth) & (truth <= np.asarray(high))
    return Mean(float(inside.sum()), float((~np.isnan(truth)).sum()))
