"""Words of texts as integers, and the flags of experiments that read words."""

import collections
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from experiments import common
from seqjax.data import Vocabulary
from seqjax.data.words import CASINGS, casing
from seqjax.layer import Gradient
from seqjax.models import WordFeatures, Words

LONGEST = 24  # letters of a word that are read

flags.DEFINE_integer("embedding", 64, "Width of a word's vector.", 1)
flags.DEFINE_integer(
    "letter_features", 16, "Units that read a word's letters, in each direction.", 1
)
flags.DEFINE_integer(
    "min_count", 2, "How often a word must occur to be known by itself.", 1
)
flags.DEFINE_float(
    "word_dropout", 0.1, "Share of words taken for unknown in training.", 0.0, 0.99
)
flags.DEFINE_float(
    "dropout",
    0.5,
    "Share of the layer's inputs and outputs dropped in training.",
    0.0,
    0.99,
)


class Lexicon(NamedTuple):
    """What words and letters are known; of what JSON can hold."""

    words: Sequence[str]
    letters: Sequence[str]

    @classmethod
    def build(cls, texts: Iterable[Sequence[str]], min_count: int) -> "Lexicon":
        """The words that occur so often in texts, in lower case, and all letters."""
        texts = list(texts)
        counts = collections.Counter(normal(word) for text in texts for word in text)
        known = max(sum(count >= min_count for count in counts.values()), 1)
        return cls(
            Vocabulary.build([counts.elements()], known).tokens,
            Vocabulary.build(word for text in texts for word in text).tokens,
        )

    def features(
        self, width: int, cell: str, letter_features: int, gradient: Gradient = "lean"
    ) -> WordFeatures:
        """The module that makes vectors of `Words`."""
        reader = common.stacked(cell, letter_features, bidirectional=True)
        sizes = len(self.words), len(self.letters), len(CASINGS)
        return WordFeatures(*sizes, width, reader, gradient=gradient)


class Encoder:
    """Turns words into integers."""

    def __init__(self, lexicon: Lexicon):
        self.words = Vocabulary(tuple(lexicon.words))
        self.letters = Vocabulary(tuple(lexicon.letters))

    def encode(self, words: Sequence[str]) -> Words:
        """Leaves [T] and [T, C]."""
        letters = [self.letters.encode(w[:LONGEST], eos=False) for w in words]
        spelled = np.zeros((len(letters), max(map(len, letters))), np.int32)
        for row, ids in zip(spelled, letters, strict=True):
            row[: len(ids)] = ids
        return Words(
            self.words.encode(map(normal, words), eos=False),
            spelled,
            np.array([len(ids) for ids in letters]),
            np.array([casing(word) for word in words]),
        )

    def forget(self, words: Words, key: jax.Array, share: float) -> Words:
        """Takes a share of the words, drawn at random, for unknown."""
        forgotten = jax.random.bernoulli(key, share, words.word.shape)
        return words._replace(word=jnp.where(forgotten, self.words.unk, words.word))


def a_word() -> tuple[Words, jax.Array]:
    """A sentence of one word of one letter, and its length, for a model's `init`."""
    one = jnp.ones((1, 1), int)
    return Words(one, one[..., None], one, one), jnp.ones(1, int)


def normal(word: str) -> str:
    """How a word is looked up: in lower case, every digit a zero."""
    return re.sub(r"\d", "0", word.lower())
