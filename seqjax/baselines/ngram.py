"""Interpolated modified Kneser–Ney n-grams: Chen and Goodman (1999).

p(w | h) = (c(h w) − D(c(h w)) + Σ_v D(c(h v)) p(w | h')) / Σ_v c(h v)

Here h' is h without its oldest token. The empty context interpolates with 1 / V, so
that every token has a probability.

The counts c are frequencies for the longest context. For a shorter context, c(h w) is
the number of different tokens that occur before h w; where h begins a sequence no
token can occur before it, and c is the frequency.

The discount D has three values for each context length: for counts of 1, of 2 and of
more. They are estimated from the numbers of n-grams that occur one to four times, and
kept between 0.01 and the count. Where one of those numbers is zero, D is 0.5.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from seqjax.baselines.counts import Counter, Level, discount, find, windows
from seqjax.metrics import Mean

SCALES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4)  # of the discounts, to try


@dataclasses.dataclass(frozen=True, eq=False)
class Ngram:
    """An n-gram model of sequences of integers, whose last token marks their end.

    Attributes:
      order: n. A token is predicted from the n − 1 tokens before it. Near the beginning
        of a sequence it is predicted from all tokens before it and from the fact that
        the sequence begins there.
      size: V; the tokens are 0 … V − 1.
      levels: the counts for contexts of length 0 … n − 1; fewer if all sequences are
        shorter.
    """

    order: int
    size: int
    levels: tuple[Level, ...]

    @classmethod
    def fit(
        cls, sequences: Iterable[Sequence[int] | np.ndarray], order: int, size: int
    ) -> "Ngram":
        """Counts the n-grams of sequences.

        Args:
          sequences: integers [length] each.
          order: n.
          size: V.

        Returns:
          The model.

        Raises:
          ValueError: `order` is below 1, there is no token, or a token is outside
            0 … V − 1.
        """
        return fit_each(sequences, [order], size)[0]

    def scaled(self, length: int, scale: float) -> "Ngram":
        """Returns the model with other discounts for one context length.

        Args:
          length: of the contexts, 0 … n − 1.
          scale: multiplies the estimated discounts.
        """
        levels = list(self.levels)
        levels[length] = discount(levels[length], scale, self.size)
        return dataclasses.replace(self, levels=tuple(levels))

    def log_probs(self, sequence: Sequence[int] | np.ndarray) -> np.ndarray:
        """Returns log P of each token given those before it.

        Args:
          sequence: integers [length].

        Returns:
          Nats, float64 [length].

        Raises:
          ValueError: a token is outside 0 … V − 1.
        """
        return self._log_probs([sequence])

    def nll(self, sequences: Iterable[Sequence[int] | np.ndarray]) -> Mean:
        """Returns the negative log-likelihood in nats, over the number of tokens.

        Args:
          sequences: integers [length] each.

        Raises:
          ValueError: a token is outside 0 … V − 1.
        """
        log_probs = self._log_probs(sequences)
        return Mean(float(np.sum(-log_probs)), float(log_probs.size))

    def _log_probs(self, sequences) -> np.ndarray:
        places = Places.of(self, sequences)
        return np.log(places.refine(places.nothing(), self.levels))


class Places(NamedTuple):
    """Where N tokens stand in the counts of a model.

    Each level refines the P of the level before it, from the empty context to the
    longest. A context that was never counted has the index −1, and so have all longer
    ones, whose keys are then negative: P stays as it is from there on.
    """

    size: int
    contexts: list[np.ndarray]  # [N] for each level, −1 where it was never counted
    grams: list[np.ndarray]  # [N] for each level, −1 where it was never counted

    @classmethod
    def of(cls, model: Ngram, sequences) -> "Places":
        """Looks up every token of sequences behind its context."""
        tokens, history = windows(sequences, model.order, model.size)
        ids, contexts, grams = np.zeros_like(tokens), [], []
        for level, older in zip(model.levels, history, strict=False):
            ids = find(level.contexts, ids * (model.size + 1) + older)
            contexts.append(ids)
            grams.append(find(level.grams, ids * model.size + tokens))
        return cls(model.size, contexts, grams)

    def nothing(self) -> np.ndarray:
        """P of each token before anything is known of it: [N]."""
        return np.full(len(self.grams[0]), 1 / self.size)

    def refine(
        self, p: np.ndarray, levels: Sequence[Level], begin: int = 0
    ) -> np.ndarray:
        """Refines P by levels.

        Args:
          p: by the levels before, [N].
          levels: one after the other.
          begin: the length of the first one's contexts.

        Returns:
          P, [N].
        """
        for length, level in enumerate(levels, begin):
            ids, gram = self.contexts[length], self.grams[length]
            kept = np.where(gram >= 0, level.kept[gram], 0)
            finer = (kept + level.passed_on[ids] * p) / level.total[ids]
            p = np.where(ids >= 0, finer, p)
        return p


def fit_each(
    sequences: Iterable[Sequence[int] | np.ndarray], orders: Iterable[int], size: int
) -> list[Ngram]:
    """Counts n-grams of several orders, which takes little longer than one.

    Args:
      sequences: as in `Ngram.fit`, as are the errors.
      orders: n of each model.
      size: V.

    Returns:
      A model for each order.
    """
    orders = list(orders)
    for order in orders:
        if order < 1:
            raise ValueError(f"order must be at least 1, not {order}")
    tokens, history = windows(sequences, max(orders), size)
    if not tokens.size:
        raise ValueError("there are no tokens to count")
    counter = Counter(tokens, history, size)
    return [Ngram(order, size, counter.levels(order)) for order in orders]


def unigram(train: Iterable[Sequence[int] | np.ndarray], size: int) -> Ngram:
    """Returns the model that predicts every token by its frequency alone.

    Args:
      train: integers [length] each.
      size: V.

    Raises:
      ValueError: as `Ngram.fit` does.
    """
    return Ngram.fit(train, 1, size)


def best_ngram(
    train: Sequence[Sequence[int] | np.ndarray],
    valid: Sequence[Sequence[int] | np.ndarray],
    size: int,
    orders: Iterable[int] = range(1, 8),
) -> Ngram:
    """Returns the n-gram model of `train` that predicts `valid` best.

    The order is chosen first. Then the scale of the discounts is chosen for one context
    length after another, in two rounds, since each choice depends on the others.

    Args:
      train: integers [length] each.
      valid: the sequences by which the order and the scales are chosen.
      size: V.
      orders: to try.

    Returns:
      The model.

    Raises:
      ValueError: as `Ngram.fit` does, or `valid` has no token.
    """

    models = fit_each(train, orders, size)
    places = Places.of(max(models, key=lambda model: model.order), valid)
    if not len(places.grams[0]):
        raise ValueError("there are no tokens to choose the order by")

    def nats(p: np.ndarray) -> float:
        return float(np.sum(-np.log(p)))

    def nats_of(model: Ngram) -> float:
        return nats(places.refine(places.nothing(), model.levels))

    best = min(models, key=nats_of)
    for _ in range(2):
        p = places.nothing()
        for length in range(len(best.levels)):
            scaled = [best.scaled(length, scale) for scale in SCALES]
            refined = [places.refine(p, m.levels[length:], length) for m in scaled]
            best = scaled[int(np.argmin([nats(each) for each in refined]))]
            p = places.refine(p, best.levels[length : length + 1], length)
    return best
