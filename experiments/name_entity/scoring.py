"""Scores of tags, and the baseline."""

import collections
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from experiments.name_entity.conll import Tagged
from seqjax.metrics import OUTSIDE, entity_f1


class Scores(NamedTuple):
    """How good tags are."""

    f1: float  # of entities
    accuracy: float  # of words


def score(gold: Sequence[Tagged], predicted: Sequence[Sequence[str]]) -> Scores:
    """Compares tags with the gold ones, as conlleval does."""
    tags = [sentence.tags for sentence in gold]
    pairs = zip(itertools.chain(*tags), itertools.chain(*predicted), strict=True)
    right = [tag == other for tag, other in pairs]
    return Scores(entity_f1(tags, predicted).result(), float(np.mean(right)))


def most_frequent_tags(
    train: Sequence[Tagged], test: Sequence[Tagged]
) -> list[tuple[str, ...]]:
    """Baseline: each word's most frequent tag, and O for words never seen."""
    counts = collections.defaultdict(collections.Counter)
    for sentence in train:
        for word, tag in zip(*sentence, strict=True):
            counts[word][tag] += 1
    best = {word: tags.most_common(1)[0][0] for word, tags in counts.items()}
    return [tuple(best.get(word, OUTSIDE) for word in s.words) for s in test]


def as_columns(gold: Sequence[Tagged], predicted: Sequence[Sequence[str]]) -> str:
    """Word, gold tag and predicted tag by tab, a blank line between sentences."""
    sentences = (
        "".join("\t".join(row) + "\n" for row in zip(*sentence, tags, strict=True))
        for sentence, tags in zip(gold, predicted, strict=True)
    )
    return "\n".join(sentences)
