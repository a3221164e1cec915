"""Scores that merge: a sum and its weight, never a mean of means."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.masks import zero_invalid

Array = jax.Array


class Mean(NamedTuple):
    """A weighted mean before its division.

    Example:
      >>> print(Mean(6.0, 3.0).merge(Mean(1.0, 1.0)).result())
      1.75
    """

    total: Array | float
    weight: Array | float

    def merge(self, other: "Mean") -> "Mean":
        """The mean over both."""
        return Mean(self.total + other.total, self.weight + other.weight)

    def result(self) -> Array:
        """total / weight; 0 where nothing was seen."""
        weight = jnp.asarray(self.weight)
        return jnp.where(weight > 0, self.total / jnp.where(weight > 0, weight, 1), 0)


def accuracy(logits: Array, labels: Array, mask: Array | None = None) -> Mean:
    """Counts the steps whose largest logit is the label.

    Args:
      logits: [..., classes].
      labels: integers [...].
      mask: bool [...], True where valid.

    Returns:
      The mean over valid steps.
    """
    hits = jnp.argmax(logits, axis=-1) == labels
    valid = jnp.ones_like(hits) if mask is None else mask
    return Mean(jnp.sum(zero_invalid(valid, hits)), jnp.sum(valid))


def perplexity(nll: Mean) -> Array:
    """exp of the mean negative log-likelihood a token, in nats."""
    return jnp.exp(nll.result())
