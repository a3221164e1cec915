"""Words as integers: the word itself, its letters, and how it is written."""

import collections
import dataclasses
import functools
import re
from collections.abc import Iterable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.data.tokenize import casing
from seqjax.data.vocabulary import Vocabulary
from seqjax.models.word_features import Words

LONGEST = 24  # letters of a word that are read


@dataclasses.dataclass(frozen=True)
class Lexicon:
    """The words and letters that are known.

    Attributes:
      words: the tokens of a `Vocabulary` of words in lower case.
      letters: the tokens of one of letters.

    Raises:
      ValueError: the tokens make no vocabulary.
    """

    words: tuple[str, ...]
    letters: tuple[str, ...]

    def __post_init__(self):
        Vocabulary(self.words)
        Vocabulary(self.letters)

    @classmethod
    def build(cls, texts: Iterable[Sequence[str]], min_count: int) -> "Lexicon":
        """Takes the words that occur so often in texts, and all letters."""
        texts = list(texts)
        counts = collections.Counter(_lookup(word) for text in texts for word in text)
        known = max(sum(count >= min_count for count in counts.values()), 1)
        return cls(
            Vocabulary.build([counts.elements()], known).tokens,
            Vocabulary.build(word for text in texts for word in text).tokens,
        )

    def encode(self, words: Sequence[str]) -> Words:
        """Turns words into integers; leaves [T] and [T, C]."""
        letters = [self._letters.encode(w[:LONGEST], eos=False) for w in words]
        spelled = np.zeros((len(letters), max(map(len, letters))), np.int32)
        for row, ids in zip(spelled, letters, strict=True):
            row[: len(ids)] = ids
        return Words(
            self._words.encode(map(_lookup, words), eos=False),
            spelled,
            np.array([len(ids) for ids in letters]),
            np.array([casing(word) for word in words]),
        )

    def word_dropout(self, words: Words, key: jax.Array, rate: float) -> Words:
        """Replaces a share of the words, drawn at random, by the unknown one."""
        dropped = jax.random.bernoulli(key, rate, words.word.shape)
        return words._replace(word=jnp.where(dropped, self._words.unk, words.word))

    @functools.cached_property
    def _words(self) -> Vocabulary:
        return Vocabulary(self.words)

    @functools.cached_property
    def _letters(self) -> Vocabulary:
        return Vocabulary(self.letters)


def _lookup(word: str) -> str:
    """How a word is looked up: in lower case, every digit a zero."""
    return re.sub(r"\d", "0", word.lower())
