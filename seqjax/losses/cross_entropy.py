"""Cross-entropy of binary labels and of classes: E6 and E7."""

import math

import chex
import jax
import jax.numpy as jnp
import optax

from seqjax import loops
from seqjax.layers.readout import ReadoutParams
from seqjax.losses.reduction import OverTime, reduce_steps, weight
from seqjax.masks import zero_invalid
from seqjax.metrics import Mean

Array = jax.Array

LOGITS_BYTES = 2**23  # bytes of logits that `readout_cross_entropy` holds at a time


def binary_cross_entropy(
    logits: Array, labels: Array, mask: Array | None = None, over_time: OverTime = "sum"
) -> Mean:
    """L⟨t⟩ = −y log ŷ − (1 − y) log(1 − ŷ) with ŷ = σ(logits). E6.

    Args:
      logits: [T, *batch].
      labels: 0 or 1, [T, *batch].
      mask: bool [T, *batch], True where valid; nothing under a False counts.
      over_time: "sum" makes the weight the number of sequences that have a valid
        step; "mean" makes it the number of valid steps.

    Returns:
      The loss in nats; differentiate its `result()`.

    Raises:
      AssertionError: the shapes differ.
      ValueError: `over_time` is unknown.
    """
    chex.assert_equal_shape([logits, labels])
    logits, labels = zero_invalid(mask, (logits, labels))
    steps = optax.sigmoid_binary_cross_entropy(logits, labels.astype(logits.dtype))
    return reduce_steps(steps, mask, over_time)


def cross_entropy(
    logits: Array, labels: Array, mask: Array | None = None, over_time: OverTime = "sum"
) -> Mean:
    """L⟨t⟩ = −log ŷ_y with ŷ = softmax(logits). E7.

    Args:
      logits: [T, *batch, classes].
      labels: the class y of each step, integers [T, *batch].
      mask: bool [T, *batch], True where valid; nothing under a False counts.
      over_time: "sum" makes the weight the number of sequences that have a valid
        step; "mean" makes it the number of valid steps.

    Returns:
      The loss in nats; differentiate its `result()`.

    Raises:
      AssertionError: the shapes differ.
      ValueError: `over_time` is unknown.
    """
    chex.assert_equal_shape_prefix([logits, labels], labels.ndim)
    logits, labels = zero_invalid(mask, (logits, labels))
    steps = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return reduce_steps(steps, mask, over_time)


def readout_cross_entropy(
    readout: ReadoutParams,
    states: Array,
    labels: Array,
    mask: Array | None = None,
    over_time: OverTime = "sum",
) -> Mean:
    """Returns `cross_entropy` of a readout's logits, and never holds all of them.

    Only the logits of a few steps exist at once, and become gradients before those of
    the next few steps are computed: E3 and E7 in chunks. For a large vocabulary this
    takes two thirds of the time. It has first derivatives in reverse mode only;
    `cross_entropy` has all of them.

    Args:
      readout: the parameters of a `Readout`.
      states: the readout's inputs, [T, *batch, in].
      labels: as in `cross_entropy`.
      mask: as there.
      over_time: as there.

    Returns:
      The loss in nats; differentiate its `result()`.

    Raises:
      AssertionError: the shapes differ.
      ValueError: `over_time` is unknown.
    """
    chex.assert_equal_shape_prefix([states, labels], labels.ndim)
    valid = jnp.ones(labels.shape, bool) if mask is None else mask
    states, labels = zero_invalid(valid, (states, labels))
    total = _chunked_sum(readout, states, labels, valid)
    return Mean(total, weight(valid, over_time).astype(total.dtype))


# The loss is a sum, so its gradient is the cotangent of the sum, one number, times what
# the forward pass can compute already. The backward pass only multiplies.


@jax.custom_vjp
def _chunked_sum(
    readout: ReadoutParams, states: Array, labels: Array, valid: Array
) -> Array:
    def add(total, chunk):
        return total + _sum_of_steps(readout, *chunk), ()

    zero = jnp.zeros((), jnp.result_type(states, readout.w))
    steps, size = (states, labels, valid), _chunk_length(readout, labels)
    return loops.in_chunks(add, zero, steps, size)[0]


def _chunked_sum_forward(readout, states, labels, valid):
    def add(sums, chunk):
        value_and_grad = jax.value_and_grad(_sum_of_steps, argnums=(0, 1))
        value, (d_readout, d_states) = value_and_grad(readout, *chunk)
        return jax.tree.map(jnp.add, sums, (value, d_readout)), d_states

    zero = jnp.zeros((), jnp.result_type(states, readout.w))
    sums = zero, jax.tree.map(jnp.zeros_like, readout)
    steps, size = (states, labels, valid), _chunk_length(readout, labels)
    (total, d_readout), d_states = loops.in_chunks(add, sums, steps, size)
    return total, (d_readout, d_states)


def _chunked_sum_backward(gradients, d_total: Array):
    d_readout, d_states = jax.tree.map(lambda a: d_total.astype(a.dtype) * a, gradients)
    return d_readout, d_states, None, None


_chunked_sum.defvjp(_chunked_sum_forward, _chunked_sum_backward)


def _sum_of_steps(
    readout: ReadoutParams, states: Array, labels: Array, valid: Array
) -> Array:
    logits = states @ readout.w + readout.b
    nats = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return jnp.sum(nats, where=valid)


def _chunk_length(readout: ReadoutParams, labels: Array) -> int:
    step_bytes = math.prod(labels.shape[1:]) * readout.b.nbytes
    return loops.divisor(len(labels), max(LOGITS_BYTES // max(step_bytes, 1), 1))
