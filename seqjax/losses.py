"""Losses of whole sequences, E6 and E7, as sums with their weights.

L = Σ_t L⟨t⟩: the loss of a sequence is the sum over its valid steps, and the batch's
is the mean over its sequences. Asked for by name, ``over_time="mean"`` divides by the
number of valid steps instead. The choice scales the gradient by the length, and with
it what a learning rate and a clipping threshold mean.
"""

from typing import Literal

import chex
import jax
import jax.numpy as jnp
import optax

from seqjax.masks import select, zero_invalid
from seqjax.metrics import Mean

Array = jax.Array
OverTime = Literal["sum", "mean"]


def binary_cross_entropy(
    logits: Array, labels: Array, mask: Array | None = None, over_time: OverTime = "sum"
) -> Mean:
    """L⟨t⟩ = −y log ŷ − (1 − y) log(1 − ŷ) with ŷ = σ(logits). E6.

    Args:
      logits: [T, *batch].
      labels: 0 or 1, [T, *batch].
      mask: bool [T, *batch], True where valid; nothing under a False counts.
      over_time: "sum": the weight is the number of sequences with a valid step;
        "mean": the weight is the number of valid steps.

    Returns:
      The loss in nats; differentiate its `result()`.

    Raises:
      AssertionError: the shapes differ.
      ValueError: an unknown `over_time`.
    """
    chex.assert_equal_shape([logits, labels])
    logits, labels = zero_invalid(mask, (logits, labels))
    steps = optax.sigmoid_binary_cross_entropy(logits, labels.astype(logits.dtype))
    return _over_sequences(steps, mask, over_time)


def cross_entropy(
    logits: Array, labels: Array, mask: Array | None = None, over_time: OverTime = "sum"
) -> Mean:
    """L⟨t⟩ = −log ŷ_y with ŷ = softmax(logits). E7.

    Args:
      logits: [T, *batch, classes].
      labels: the class y of each step, integers [T, *batch].
      mask: bool [T, *batch], True where valid; nothing under a False counts.
      over_time: "sum": the weight is the number of sequences with a valid step;
        "mean": the weight is the number of valid steps.

    Returns:
      The loss in nats; differentiate its `result()`.

    Raises:
      AssertionError: the shapes differ.
      ValueError: an unknown `over_time`.
    """
    chex.assert_equal_shape_prefix([logits, labels], labels.ndim)
    logits, labels = zero_invalid(mask, (logits, labels))
    steps = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return _over_sequences(steps, mask, over_time)


def _over_sequences(steps: Array, mask: Array | None, over_time: OverTime) -> Mean:
    valid = jnp.ones(steps.shape, bool) if mask is None else mask
    counted = {"sum": jnp.any(valid, axis=0), "mean": valid}
    if over_time not in counted:
        raise ValueError(f"over_time must be 'sum' or 'mean', not {over_time!r}")
    total = jnp.sum(select(valid, steps, jnp.zeros_like(steps)))
    return Mean(total, jnp.sum(counted[over_time]).astype(steps.dtype))
