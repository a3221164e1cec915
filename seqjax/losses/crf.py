"""The linear-chain conditional random field: labels that know their neighbours.

log P(y | x) = Σ_t (logits⟨t⟩[y⟨t⟩] + W[y⟨t−1⟩, y⟨t⟩]) − log Z(x), with W[start, ·] and
W[·, end] at the ends: Lafferty et al. (2001), on a recurrent network's logits as in
Huang et al. (2015). Masked steps are passed over, wherever they stand.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from seqjax.masks import select, zero_invalid

Array = jax.Array


class CRFParams(NamedTuple):
    """Scores of neighbours, in nats."""

    transitions: Array  # [K, K], from a label (row) to the next (column)
    start: Array  # [K], of the first label
    end: Array  # [K], of the last


def init(key: Array, labels: int, dtype=jnp.float32) -> CRFParams:
    """All zero: independent labels; `key` is not needed."""
    del key
    zeros = jnp.zeros(labels, dtype)
    return CRFParams(jnp.zeros((labels, labels), dtype), zeros, zeros)


def log_partition(params: CRFParams, logits: Array, mask: Array | None = None) -> Array:
    """log Z: the logarithm of the summed exponentials of all labellings' scores.

    Args:
      params: from `init`, or learned.
      logits: [T, *batch, K].
      mask: bool [T, *batch], True where valid.

    Returns:
      [*batch], in nats; 0 where no step is valid.
    """
    return _walk(params, logits, mask, jax.nn.logsumexp)[0]


def log_likelihood(
    params: CRFParams, logits: Array, labels: Array, mask: Array | None = None
) -> Array:
    """log P(labels | logits).

    Args:
      params: as in `log_partition`.
      logits: as there.
      labels: integers [T, *batch].
      mask: as there.

    Returns:
      [*batch], in nats.
    """
    given = jax.nn.one_hot(labels, logits.shape[-1], dtype=bool)
    alone = jnp.where(given, logits, -jnp.inf)  # the labelling's score is its own log Z
    return log_partition(params, alone, mask) - log_partition(params, logits, mask)


def marginals(params: CRFParams, logits: Array, mask: Array | None = None) -> Array:
    """P(y⟨t⟩ = k | logits): ∂ log Z / ∂ logits.

    Args:
      params: as in `log_partition`.
      logits: as there.
      mask: as there.

    Returns:
      [T, *batch, K], zero where masked.
    """
    return jax.grad(lambda x: jnp.sum(log_partition(params, x, mask)))(logits)


def viterbi(
    params: CRFParams, logits: Array, mask: Array | None = None
) -> tuple[Array, Array]:
    """The likeliest labelling (Viterbi, 1967).

    Args:
      params: as in `log_partition`.
      logits: as there.
      mask: as there.

    Returns:
      (labels, score): integers [T, *batch], 0 where masked; its score before the
      normalisation [*batch].
    """
    score, last, pointers = _walk(params, logits, mask, jnp.max)

    def back(label, pointer):
        before = jnp.take_along_axis(pointer, label[..., None], axis=-1)[..., 0]
        return before, label

    _, labels = lax.scan(back, last, pointers, reverse=True)
    return zero_invalid(mask, labels), score


def _walk(
    params: CRFParams, logits: Array, mask: Array | None, reduce: Callable
) -> tuple[Array, Array, Array]:
    """The forward recursion, in the semiring of `reduce`.

    Returns:
      The total [*batch], the best last label [*batch], and for each step and label
      the best label before it [T, *batch, K].
    """
    valid = jnp.ones(logits.shape[:-1], bool) if mask is None else mask
    logits = zero_invalid(valid, logits)

    def body(state, step):
        (scores, begun), (emission, valid) = state, step
        ways = scores[..., :, None] + params.transitions
        best = jnp.where(begun[..., None], jnp.argmax(ways, axis=-2), 0)
        moved = jnp.where(begun[..., None], reduce(ways, axis=-2), params.start)
        same = jnp.broadcast_to(jnp.arange(scores.shape[-1]), scores.shape)
        state = select(valid, moved + emission, scores), begun | valid
        return state, select(valid, best, same)

    state = jnp.zeros_like(logits, shape=logits.shape[1:]), jnp.zeros_like(valid[0])
    (scores, begun), pointers = lax.scan(body, state, (logits, valid))
    scores = scores + params.end
    total = jnp.where(begun, reduce(scores, axis=-1), 0)
    return total, jnp.argmax(scores, axis=-1), pointers
