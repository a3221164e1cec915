"""Losses of whole sequences, E6 and E7, as sums with their weights.

L = Σ_t L⟨t⟩: the loss of a sequence is the sum over its valid steps, and the batch's
is the mean over its sequences. Asked for by name, ``over_time="mean"`` divides by the
number of valid steps instead. The choice scales the gradient by the length, and with
it what a learning rate and a clipping threshold mean.
"""

import math
from typing import Literal

import chex
import jax
import jax.numpy as jnp
import optax

from seqjax import loops
from seqjax.layers.readout import ReadoutParams
from seqjax.masks import zero_invalid
from seqjax.metrics import Mean

Array = jax.Array
OverTime = Literal["sum", "mean"]

LOGITS_BYTES = 2**23  # of logits at a time in `readout_cross_entropy`


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


def readout_cross_entropy(
    readout: ReadoutParams,
    states: Array,
    labels: Array,
    mask: Array | None = None,
    over_time: OverTime = "sum",
) -> Mean:
    """`cross_entropy` of a readout's logits that never holds them all; E3, E7.

    For a large vocabulary it takes two thirds of the time. A few steps of logits
    exist at once, and become gradients before the next few: the loss is a sum, so its
    own cotangent can wait. Reverse mode only; `cross_entropy` has all derivatives.

    Args:
      readout: parameters of a `Readout`.
      states: what it reads, [T, *batch, in].
      labels: as in `cross_entropy`.
      mask: as there.
      over_time: as there.

    Returns:
      The loss in nats; differentiate its `result()`.

    Raises:
      AssertionError: the shapes differ.
      ValueError: an unknown `over_time`.
    """
    chex.assert_equal_shape_prefix([states, labels], labels.ndim)
    valid = jnp.ones(labels.shape, bool) if mask is None else mask
    total = _total(readout, *zero_invalid(valid, (states, labels)), valid)
    return Mean(total, _weight(valid, over_time).astype(total.dtype))


@jax.custom_vjp
def _total(readout: ReadoutParams, states: Array, labels: Array, valid: Array) -> Array:
    def add(total, part):
        return total + _part(readout, *part), ()

    zero = jnp.zeros((), jnp.result_type(states, readout.w))
    steps, size = (states, labels, valid), _steps_at_once(readout, labels)
    return loops.in_chunks(add, zero, steps, size)[0]


def _total_forward(readout, states, labels, valid):
    def add(sums, part):
        value_and_grad = jax.value_and_grad(_part, argnums=(0, 1))
        value, (d_readout, d_states) = value_and_grad(readout, *part)
        return jax.tree.map(jnp.add, sums, (value, d_readout)), d_states

    zero = jnp.zeros((), jnp.result_type(states, readout.w))
    sums = zero, jax.tree.map(jnp.zeros_like, readout)
    steps, size = (states, labels, valid), _steps_at_once(readout, labels)
    (total, d_readout), d_states = loops.in_chunks(add, sums, steps, size)
    return total, (d_readout, d_states)


def _total_backward(slopes, d_total: Array):
    d_readout, d_states = jax.tree.map(lambda a: d_total.astype(a.dtype) * a, slopes)
    return d_readout, d_states, None, None


_total.defvjp(_total_forward, _total_backward)


def _part(readout: ReadoutParams, states: Array, labels: Array, valid: Array) -> Array:
    logits = states @ readout.w + readout.b
    nats = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return jnp.sum(nats, where=valid)


def _steps_at_once(readout: ReadoutParams, labels: Array) -> int:
    step_bytes = math.prod(labels.shape[1:]) * readout.b.nbytes
    return loops.divisor(len(labels), max(LOGITS_BYTES // max(step_bytes, 1), 1))


def _over_sequences(steps: Array, mask: Array | None, over_time: OverTime) -> Mean:
    valid = jnp.ones(steps.shape, bool) if mask is None else mask
    total = jnp.sum(steps, where=valid)
    return Mean(total, _weight(valid, over_time).astype(steps.dtype))


def _weight(valid: Array, over_time: OverTime) -> Array:
    """How many sequences have a valid step, or how many steps are valid."""
    counted = {"sum": jnp.any(valid, axis=0), "mean": valid}
    if over_time not in counted:
        raise ValueError(f"over_time must be 'sum' or 'mean', not {over_time!r}")
    return jnp.sum(counted[over_time])
