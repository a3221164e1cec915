"""Strategies: the next tokens are drawn at random, or are the best by beam search."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import lax

from seqjax.decode.generation import Choice, Hypotheses

Array = jax.Array


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Draws ŷ⟨t⟩ and feeds it back as x⟨t+1⟩, as the course describes it.

    Attributes:
      width: the number of samples for each row, drawn independently.
      temperature: the logits are divided by it; 0 takes the likeliest token, which is
        greedy decoding.
      top_k: only the k likeliest tokens are drawn (Fan et al., 2018); 0 draws from all.
      top_p: only the likeliest tokens that together have this share of the probability
        are drawn (Holtzman et al., 2019); the likeliest is always one of them.

    Raises:
      ValueError: a number is out of its range.
    """

    width: int = 1
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self):
        _check(self.width >= 1, "width must be at least 1", self.width)
        _check(self.temperature >= 0, "temperature must be 0 or more", self.temperature)
        _check(self.top_k >= 0, "top_k must be 0 or more", self.top_k)
        _check(0 < self.top_p <= 1, "top_p must be in (0, 1]", self.top_p)

    def begin(self, rows: int) -> Array:
        """Returns log P = 0 for every hypothesis: each is a sample of its own."""
        return jnp.zeros((rows, self.width))

    def choose(
        self, key: Array, log_probs: Array, allowed: Array, before: Hypotheses
    ) -> Choice:
        """Draws the next token of each hypothesis."""
        weights = jnp.where(allowed, log_probs, -jnp.inf)
        tokens = self._draw(key, weights).astype(before.tokens.dtype)
        drawn = jnp.take_along_axis(log_probs, tokens[..., None], -1)[..., 0]
        return Choice(None, tokens, before.log_probs + drawn)

    def _draw(self, key: Array, weights: Array) -> Array:
        if not self.temperature:
            return jnp.argmax(weights, axis=-1)
        scaled = jax.nn.log_softmax(weights / self.temperature)
        return jax.random.categorical(key, self._truncated(scaled))

    def _truncated(self, log_probs: Array) -> Array:
        """Keeps the log P of the likeliest tokens, and puts -inf elsewhere."""
        size = log_probs.shape[-1]
        if self.top_k in (0, size) and self.top_p == 1:
            return log_probs
        best, places = lax.top_k(log_probs, min(self.top_k or size, size))
        p = jax.nn.softmax(best)
        before = jnp.cumsum(p, axis=-1) - p  # the share of all likelier tokens
        best = jnp.where(before < self.top_p, best, -jnp.inf)
        nothing = jnp.full_like(log_probs, -jnp.inf)
        return jnp.put_along_axis(nothing, places, best, -1, inplace=False)


@dataclasses.dataclass(frozen=True)
class Beam:
    """Beam search: keeps the N best of all continuations of N hypotheses.

    They are compared by log P / lp(length), where lp(n) = ((5 + n) / 6)^α (Wu et al.,
    2016, eq. 14), and come best first. A beam as wide as the number of all possible
    sequences is exact.

    Attributes:
      width: the number N of hypotheses.
      length_penalty: α; 0 compares probabilities, which favours short sequences.

    Raises:
      ValueError: a number is out of its range.
    """

    width: int = 4
    length_penalty: float = 0.0

    def __post_init__(self):
        _check(self.width >= 1, "width must be at least 1", self.width)
        alpha = self.length_penalty
        _check(alpha >= 0, "length_penalty must be 0 or more", alpha)

    def begin(self, rows: int) -> Array:
        """Returns log P of one empty hypothesis a row: equal ones would stay equal."""
        return jnp.full((rows, self.width), -jnp.inf).at[:, 0].set(0)

    def choose(
        self, key: Array, log_probs: Array, allowed: Array, before: Hypotheses
    ) -> Choice:
        """Takes the best continuations of all hypotheses of a row."""
        del key
        rows, width, size = log_probs.shape
        totals = before.log_probs[..., None] + jnp.where(allowed, log_probs, -jnp.inf)
        lengths = before.lengths + ~before.ended
        scores = totals / self._penalty(lengths)[..., None]
        _, best = lax.top_k(scores.reshape(rows, width * size), width)
        parents, tokens = jnp.divmod(best, size)
        chosen = jnp.take_along_axis(totals.reshape(rows, width * size), best, -1)
        return Choice(parents, tokens.astype(before.tokens.dtype), chosen)

    def _penalty(self, lengths: Array) -> Array:
        return ((5 + lengths) / 6) ** self.length_penalty


def _check(holds: bool, rule: str, value: float) -> None:
    if not holds:
        raise ValueError(f"{rule}: {value}")
