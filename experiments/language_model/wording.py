"""How a language model's data and scores are said."""

import math
from collections.abc import Callable

from seqjax.data import Corpus


def describe(corpus: Corpus, level: str) -> str:
    """How much there is to learn from, to choose by and to score on."""
    train, valid, test = (sum(map(len, part)) for part in corpus[2:])
    return (
        f"{train:,} {level}s to learn from, {valid:,} to choose by, {test:,} held out; "
        f"{len(corpus.vocabulary):,} different ones"
    )


def listed(nats: dict[str, float]) -> str:
    """Scores with their models, for a line of text."""
    return ", ".join(f"{value:.4f} by the {name}" for name, value in nats.items())


def in_unit(level: str) -> tuple[str, Callable[[float], float]]:
    """The unit of the score, and how nats per token become it."""
    if level == "char":
        return "bits per character", lambda nats: nats / math.log(2)
    return "perplexity per word", math.exp
