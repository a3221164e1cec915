"""The linear-chain conditional random field: labels that depend on their neighbours.

log P(y | x) = Σ_t (logits⟨t⟩[y⟨t⟩] + W[y⟨t−1⟩, y⟨t⟩]) − log Z(x), with W[start, ·] and
W[·, end] at the ends: Lafferty et al. (2001), on a recurrent network's logits as in
Huang et al. (2015). Masked steps are skipped, wherever they are: the valid steps of a
row are treated as one sequence.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from seqjax.masks import select, zero_invalid

Array = jax.Array


class CRFParams(NamedTuple):
    """Scores of neighbouring labels, in nats."""

    transitions: Array  # [K, K], from a label (row) to the next (column)
    start: Array  # [K], of the first label
    end: Array  # [K], of the last


def init(key: Array, labels: int, dtype=jnp.float32) -> CRFParams:
    """Returns parameters that are all zero, with which labels are independent.

    Args:
      key: not used.
      labels: K.
      dtype: of the arrays.
    """
    del key
    zeros = jnp.zeros(labels, dtype)
    return CRFParams(jnp.zeros((labels, labels), dtype), zeros, zeros)


def log_partition(params: CRFParams, logits: Array, mask: Array | None = None) -> Array:
    """Returns log Z, the logarithm of Σ exp(score) over all labellings.

    Args:
      params: scores of neighbouring labels.
      logits: [T, *batch, K].
      mask: bool [T, *batch], True where valid.

    Returns:
      [*batch], in nats; 0 where no step is valid.
    """
    return _forward(params, logits, mask, jax.nn.logsumexp)[0]


def log_likelihood(
    params: CRFParams, logits: Array, labels: Array, mask: Array | None = None
) -> Array:
    """Returns log P(labels | logits).

    Args:
      params: as in `log_partition`.
      logits: as there.
      labels: integers [T, *batch].
      mask: as there.

    Returns:
      [*batch], in nats.
    """
    given = jax.nn.one_hot(labels, logits.shape[-1], dtype=bool)
    # If the given labelling is the only possible one, log Z is its score.
    only_given = jnp.where(given, logits, -jnp.inf)
    score = log_partition(params, only_given, mask)
    return score - log_partition(params, logits, mask)


def marginals(params: CRFParams, logits: Array, mask: Array | None = None) -> Array:
    """Returns P(y⟨t⟩ = k | logits), which is ∂ log Z / ∂ logits.

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
    """Finds the likeliest labelling (Viterbi, 1967).

    Args:
      params: as in `log_partition`.
      logits: as there.
      mask: as there.

    Returns:
      (labels, score): integers [T, *batch], 0 where masked, and the score of the
      labelling before normalisation, [*batch].
    """
    score, last, pointers = _forward(params, logits, mask, jnp.max)

    def back(label, pointer):
        previous = jnp.take_along_axis(pointer, label[..., None], axis=-1)[..., 0]
        return previous, label

    _, labels = lax.scan(back, last, pointers, reverse=True)
    return zero_invalid(mask, labels), score


def _forward(
    params: CRFParams, logits: Array, mask: Array | None, reduce: Callable
) -> tuple[Array, Array, Array]:
    """Runs the forward recursion.

    α⟨t⟩[k] = reduce_j (α⟨t−1⟩[j] + W[j, k]) + logits⟨t⟩[k]: with logsumexp for `reduce`
    it sums over labellings, with max it finds the best one.

    Returns:
      The total [*batch], the best last label [*batch], and for each step and label
      the best label before it [T, *batch, K].
    """
    valid = jnp.ones(logits.shape[:-1], bool) if mask is None else mask
    logits = zero_invalid(valid, logits)

    def body(state, step):
        (alpha, begun), (emission, valid) = state, step
        paths = alpha[..., :, None] + params.transitions  # [*batch, from, to]
        best = jnp.where(begun[..., None], jnp.argmax(paths, axis=-2), 0)
        moved = jnp.where(begun[..., None], reduce(paths, axis=-2), params.start)
        # A masked step points each label to itself, so that going back passes it.
        same = jnp.broadcast_to(jnp.arange(alpha.shape[-1]), alpha.shape)
        state = select(valid, moved + emission, alpha), begun | valid
        return state, select(valid, best, same)

    # `begun` is False before a row's first valid step, which has no label before it.
    state = jnp.zeros_like(logits, shape=logits.shape[1:]), jnp.zeros_like(valid[0])
    (alpha, begun), pointers = lax.scan(body, state, (logits, valid))
    alpha = alpha + params.end
    total = jnp.where(begun, reduce(alpha, axis=-1), 0)
    return total, jnp.argmax(alpha, axis=-1), pointers
