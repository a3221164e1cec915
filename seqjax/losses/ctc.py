"""Connectionist temporal classification (CTC): labels that are fewer than the steps.

P(labels | logits) = Σ_π Π_t softmax(logits⟨t⟩)[π⟨t⟩] over all alignments π, which give
each step a label or a blank, and become the labels when equal neighbours are merged and
then blanks are dropped: Graves et al. (2006), eqs. 2 and 3. The forward recursion is
Optax's. Masked steps are skipped, wherever they are.
"""

import math

import jax
import jax.numpy as jnp
import optax

from seqjax.masks import zero_invalid
from seqjax.metrics import Mean

Array = jax.Array


def feasible(labels: Array, mask: Array, label_mask: Array | None = None) -> Array:
    """Returns whether a row's valid steps are enough for its labels.

    Each label takes a step, and a blank must stand between two equal ones.

    Args:
      labels: integers [L, *batch].
      mask: bool [T, *batch], True where a step is valid.
      label_mask: bool [L, *batch], True for a row's labels, then False; None if all
        are.

    Returns:
      bool [*batch].
    """
    real = jnp.ones(labels.shape, bool) if label_mask is None else label_mask
    repeats = (labels[1:] == labels[:-1]) & real[1:]
    needed = jnp.sum(real, axis=0) + jnp.sum(repeats, axis=0)
    return jnp.sum(mask, axis=0) >= needed


def log_likelihood(
    logits: Array,
    labels: Array,
    mask: Array | None = None,
    label_mask: Array | None = None,
    blank: int = 0,
) -> Array:
    """Returns log P(labels | logits).

    Args:
      logits: finite where valid, [T, *batch, K], T at least 1.
      labels: integers [L, *batch] of 0 … K − 1 but `blank`.
      mask: bool [T, *batch], True where valid; None if all are.
      label_mask: as in `feasible`.
      blank: the class that stands for no label.

    Returns:
      [*batch], in nats, never above 0; −∞, with a gradient of zero, where the steps
      are too few for the labels.
    """
    batch = logits.shape[1:-1]
    valid = jnp.ones(logits.shape[:-1], bool) if mask is None else mask
    real = jnp.ones(labels.shape, bool) if label_mask is None else label_mask
    logits = zero_invalid(valid, logits)
    labels = jnp.where(real, labels, blank)

    def rows(a):  # [time, *batch, ...] to [B, time, ...]
        flat = a.reshape(a.shape[0], math.prod(batch), *a.shape[1 + len(batch) :])
        return flat.swapaxes(0, 1)

    dtype = logits.dtype
    paddings = (1 - rows(valid).astype(dtype)), (1 - rows(real).astype(dtype))
    nats = optax.ctc_loss(
        rows(logits), paddings[0], rows(labels), paddings[1], blank_id=blank
    )
    log_p = jnp.minimum(-nats.reshape(batch), 0)  # rounding may lift it above
    return jnp.where(feasible(labels, valid, real), log_p, -jnp.inf)


def loss(
    logits: Array,
    labels: Array,
    mask: Array,
    label_mask: Array | None = None,
    blank: int = 0,
) -> Mean:
    """Returns −log P(labels | logits), the mean over the rows that can be labelled so.

    Rows with too few steps, for which no alignment exists, and rows without any step
    are left out; `feasible` tells which.

    Args:
      logits: as in `log_likelihood`, as are the others.
      labels: as there.
      mask: as there.
      label_mask: as there.
      blank: as there.
    """
    log_p = log_likelihood(logits, labels, mask, label_mask, blank)
    counted = (log_p > -jnp.inf) & jnp.any(mask, axis=0)
    total = -jnp.sum(log_p, where=counted)
    return Mean(total, jnp.sum(counted).astype(total.dtype))
