"""Scores that merge: a sum and its weight, never a mean of means."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

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


def perplexity(nll: Mean) -> Array:
    """exp of the mean negative log-likelihood a token, in nats."""
    return jnp.exp(nll.result())
