"""Scores that merge: a sum and its weight, never a mean of means."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

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

    def result(self) -> Any:
        """total / weight; 0 where nothing was seen."""
        xp = jnp if any(isinstance(a, jax.Array) for a in self) else np
        seen = xp.asarray(self.weight) > 0
        return xp.where(seen, self.total / xp.where(seen, self.weight, 1), 0)


class F1(NamedTuple):
    """The harmonic mean of precision and recall before its divisions.

    Example:
      >>> print(F1(hits=2, told=3, true=5).result())
      0.5
    """

    hits: int  # told, and true
    told: int
    true: int

    def merge(self, other: "F1") -> "F1":
        """That of both."""
        return F1(*(a + b for a, b in zip(self, other, strict=True)))

    def result(self) -> float:
        """2 hits / (told + true); 0 where there is neither."""
        return 2 * self.hits / max(self.told + self.true, 1)


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
