"""Interpolated modified Kneser–Ney n-grams: Chen and Goodman (1999).

p(w | h) = (c(h w) − D(c(h w)) + Σ_v D(c(h v)) p(w | h')) / Σ_v c(h v)

where h' is h without its oldest token, and the shortest context leans on 1 / V, so
that every token has a probability. The longest context counts c as they occur. A
shorter one counts how many different tokens stand before h w, except where h begins a
sequence and nothing does. D has three values a context length, for counts of 1, 2 and
more, each from the numbers of n-grams that occur one to four times (and kept between
0.01 and the count; 0.5 where one of the numbers is zero).
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from seqjax.metrics import Mean

SCALES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4)  # of the discounts, to try


class Level(NamedTuple):
    """All contexts of one length; C of them, before G different n-grams."""

    contexts: np.ndarray  # [C] sorted keys: shorter context · (V + 1) + older token
    grams: np.ndarray  # [G] sorted keys: context · V + token
    counts: np.ndarray  # [G]
    discounts: np.ndarray  # [G], before scaling
    kept: np.ndarray  # [G], counts less scaled discounts
    passed_on: np.ndarray  # [C], the scaled discounts' sum
    total: np.ndarray  # [C], the counts' sum


@dataclasses.dataclass(frozen=True, eq=False)
class Ngram:
    """A model of integer sequences, each with its end marked by its last token.

    Attributes:
      order: n; a token is predicted from the n − 1 before it, or from as many as
        there are and the knowledge that there are no more.
      size: V, the tokens being 0 … V − 1.
      levels: for contexts of length 0 … n − 1, as far as there are any.
    """

    order: int
    size: int
    levels: tuple[Level, ...]

    @classmethod
    def fit(
        cls, sequences: Iterable[Sequence[int] | np.ndarray], order: int, size: int
    ) -> "Ngram":
        """Counts.

        Args:
          sequences: integers [length] each.
          order: n.
          size: V.

        Returns:
          The model.

        Raises:
          ValueError: order below 1, no token at all, or one outside 0 … V − 1.
        """
        if order < 1:
            raise ValueError(f"order must be at least 1, not {order}")
        tokens, history = _windows(sequences, order, size)
        if not tokens.size:
            raise ValueError("there are no tokens to count")
        return cls(order, size, _count(tokens, history, size))

    def scaled(self, length: int, scale: float) -> "Ngram":
        """The model with its discounts in contexts of one length times `scale`."""
        levels = list(self.levels)
        levels[length] = _discount(levels[length], scale, self.size)
        return dataclasses.replace(self, levels=tuple(levels))

    def log_probs(self, sequence: Sequence[int] | np.ndarray) -> np.ndarray:
        """log P of each token given those before it, in nats: float64 [length].

        Raises:
          ValueError: a token outside 0 … V − 1.
        """
        return self._log_probs([sequence])

    def nll(self, sequences: Iterable[Sequence[int] | np.ndarray]) -> Mean:
        """The negative log-likelihood in nats, over the number of tokens.

        Raises:
          ValueError: a token outside 0 … V − 1.
        """
        log_probs = self._log_probs(sequences)
        return Mean(float(np.sum(-log_probs)), float(log_probs.size))

    def _log_probs(self, sequences) -> np.ndarray:
        tokens, history = _windows(sequences, self.order, self.size)
        p, ids = np.full(len(tokens), 1 / self.size), np.zeros_like(tokens)
        for level, older in zip(self.levels, history, strict=False):
            ids = _find(level.contexts, ids * (self.size + 1) + older)
            gram = _find(level.grams, ids * self.size + tokens)
            kept = np.where(gram >= 0, level.kept[gram], 0)
            finer = (kept + level.passed_on[ids] * p) / level.total[ids]
            p = np.where(ids >= 0, finer, p)
        return np.log(p)


def unigram(train: Iterable[Sequence[int] | np.ndarray], size: int) -> Ngram:
    """The model that knows how frequent each token is, and nothing else."""
    return Ngram.fit(train, 1, size)


def best_ngram(
    train: Sequence[Sequence[int] | np.ndarray],
    valid: Sequence[Sequence[int] | np.ndarray],
    size: int,
    orders: Iterable[int] = range(1, 8),
) -> Ngram:
    """The n-gram of `train` that does best on `valid`.

    It has the best order and then, of each context length in turn, the best scale of
    the discounts.

    Args:
      train: integers [length] each.
      valid: sequences to choose by.
      size: V.
      orders: to try.

    Returns:
      The model.

    Raises:
      ValueError: as `Ngram.fit` does, or `valid` is empty.
    """

    def nats(model: Ngram) -> Mean:
        return model.nll(valid)

    best = min((Ngram.fit(train, order, size) for order in orders), key=nats)
    if not nats(best).weight:
        raise ValueError("there are no tokens to choose the order by")
    for _ in range(2):
        for length in range(len(best.levels)):
            best = min((best.scaled(length, scale) for scale in SCALES), key=nats)
    return best


def _windows(sequences, order: int, size: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Tokens [N], and for each context length the oldest token [N]; V before a start.

    The empty context has none: zeros.
    """
    sequences, start = list(sequences), np.full(order - 1, size)
    parts = [part for sequence in sequences for part in (start, sequence)]
    flat = np.concatenate([start[:0], *parts]).astype(np.int64)
    starts = np.repeat(np.arange(1, len(sequences) + 1), [len(s) for s in sequences])
    at = np.arange(len(starts)) + starts * (order - 1)
    tokens = flat[at]
    if tokens.size and not 0 <= tokens.min() <= tokens.max() < size:
        raise ValueError(f"tokens must be in 0 … {size - 1}")
    return tokens, [np.zeros_like(tokens), *(flat[at - j] for j in range(1, order))]


def _find(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Places in sorted keys, −1 where missing; no key is negative."""
    at = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)


def _count(tokens: np.ndarray, history: list, size: int) -> tuple[Level, ...]:
    ids, contexts, grams = np.zeros_like(tokens), [], []
    for older in history:
        if not (ids >= 0).any():  # no sequence is that long
            break
        keys = ids * (size + 1) + older
        contexts.append(np.unique(keys[ids >= 0]))
        ids = _find(contexts[-1], keys)
        grams.append(ids * size + tokens)
        ids = np.where(older == size, -1, ids)  # no context reaches past a start
    levels, counted = [], grams[-1] >= 0
    for length in reversed(range(len(grams))):
        levels.append(_level(contexts[length], grams[length][counted], size))
        if length:
            counted = history[length - 1] == size
            counted[np.unique(grams[length], return_index=True)[1]] = True
            counted &= grams[length - 1] >= 0
    return tuple(reversed(levels))


def _level(contexts: np.ndarray, grams: np.ndarray, size: int) -> Level:
    grams, counts = np.unique(grams, return_counts=True)
    n = np.bincount(counts, minlength=5)[1:5]
    discounts = np.full(3, 0.5)
    if n.all():
        y, k = n[0] / (n[0] + 2 * n[1]), np.arange(1, 4)
        discounts = np.clip(k - (k + 1) * y * n[1:] / n[:-1], 0.01, k)
    discounts = discounts[counts.clip(max=3) - 1]
    total = np.bincount(grams // size, counts)
    level = Level(contexts, grams, counts, discounts, counts, total, total)
    return _discount(level, 1.0, size)


def _discount(level: Level, scale: float, size: int) -> Level:
    discounts = np.minimum(scale * level.discounts, level.counts)
    passed_on = np.bincount(level.grams // size, discounts)
    return level._replace(kept=level.counts - discounts, passed_on=passed_on)
