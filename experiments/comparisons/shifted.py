"""Sentences pushed to places where none began in training, padded to one length."""

from typing import NamedTuple

import numpy as np

from experiments.name_entity.data import TABLE, Tagged
from seqjax.data import Vocabulary
from seqjax.metrics import OUTSIDE

FILLER = "the old green house near and of by very then it was".split()
WORDS = 400  # known words


class Padded(NamedTuple):
    """Sentences as integers, padded to one length L."""

    tokens: np.ndarray  # [B, L], <EOS> in the padding
    names: np.ndarray  # [B, L], 1 where a word is part of a name
    counted: np.ndarray  # [B, L], 1 where a word is of the sentence itself
    lengths: np.ndarray  # [B], filler and sentence


class Problem(NamedTuple):
    """Sentences to learn from, and others at each shift."""

    size: int  # of the vocabulary
    train: Padded
    test: dict[int, Padded]  # by the number of words in front


def make(count: int, shown: int, shifts: tuple[int, ...], seed: int) -> Problem:
    """Puts generated sentences behind words that are no names.

    Args:
      count: sentences to learn from.
      shown: in training so many words stand in front at most.
      shifts: words that stand in front of the held-out sentences.
      seed: of what is drawn.

    Returns:
      The problem, whose length L is that of the longest sentence after the widest
      shift.
    """
    rng = np.random.default_rng(seed)
    splits = TABLE.load("synthetic").examples
    train = [splits.train[i] for i in rng.permutation(len(splits.train))[:count]]
    test = splits.test
    vocabulary = Vocabulary.build([s.words for s in train] + [FILLER], WORDS)
    length = max(len(s.words) for s in [*train, *test]) + max(*shifts, shown)

    def padded(sentences: list[Tagged], before: np.ndarray) -> Padded:
        rows = [
            _row(rng, s, n, length, vocabulary)
            for s, n in zip(sentences, before, strict=True)
        ]
        return Padded(*map(np.stack, zip(*rows, strict=True)))

    held_out = {n: padded(test, np.full(len(test), n)) for n in shifts}
    before = rng.integers(0, shown + 1, len(train))
    return Problem(len(vocabulary), padded(train, before), held_out)


def _row(rng, sentence: Tagged, before: int, length: int, vocabulary: Vocabulary):
    words = [*rng.choice(FILLER, before), *sentence.words]
    tokens, names, counted = (np.zeros(length, np.int32) for _ in range(3))
    tokens[:] = vocabulary.eos
    tokens[: len(words)] = vocabulary.encode(words, eos=False)
    names[before : len(words)] = [tag != OUTSIDE for tag in sentence.tags]
    counted[before : len(words)] = 1
    return tokens, names, counted, np.int32(len(words))
