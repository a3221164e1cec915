"""The weighted mean as a sum and its weight, which merge."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array


class Mean(NamedTuple):
    """A weighted mean before its division. Means of means are wrong; these add up.

    Example:
      >>> print(Mean(6.0, 3.0).merge(Mean(1.0, 1.0)).result())
      1.75
    """

    total: Array | float
    weight: Array | float

    def merge(self, other: "Mean") -> "Mean":
        """Returns the mean over both."""
        return Mean(self.total + other.total, self.weight + other.weight)

    def result(self) -> Any:
        """Returns total / weight, or 0 where the weight is 0."""
        xp = jnp if any(isinstance(a, jax.Array) for a in self) else np
        any_weight = xp.asarray(self.weight) > 0
        # A gradient through `where` would still be NaN if the other branch were.
        safe = xp.where(any_weight, self.weight, 1)
        return xp.where(any_weight, self.total / safe, 0)


def perplexity(nll: Mean) -> Array:
    """Returns exp of the mean negative log-likelihood of a token, in nats."""
    return jnp.exp(nll.result())
