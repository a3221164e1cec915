"""The n-gram baselines of language models."""

from collections.abc import Iterable
from typing import NamedTuple

from seqjax.baselines import best_ngram, unigram
from seqjax.data import Corpus


class Nats(NamedTuple):
    """Nats per token on two splits; the best n-gram's come first."""

    valid: dict[str, float]
    test: dict[str, float]


def ngram_nats(corpus: Corpus, orders: Iterable[int] = range(1, 8)) -> Nats:
    """Scores the n-gram that is best on the validation split, and the unigram.

    Args:
      corpus: its training split is counted.
      orders: of n-grams to try.
    """
    size = len(corpus.vocabulary)
    best = best_ngram(corpus.train, corpus.valid, size, orders)
    models = {f"{best.order}-gram": best, "unigram": unigram(corpus.train, size)}
    return Nats(
        *(
            {name: float(model.nll(split).result()) for name, model in models.items()}
            for split in (corpus.valid, corpus.test)
        )
    )
