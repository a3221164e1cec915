"""Words as integers: each word, its letters, and how it is written."""

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
    """Turns the words of a sentence into integers.

    A word is looked up in lower case and with a zero for every digit, while its letters
    and its casing are kept as they are.

    Attributes:
      words: the tokens of a `Vocabulary` of words.
      letters: the tokens of a `Vocabulary` of letters.

    Raises:
      ValueError: the tokens make no vocabulary.

    Example:
      >>> lexicon = Lexicon.build([["Harry", "met", "12", "cats"]], min_count=1)
      >>> lexicon.words
      ('00', '<EOS>', '<UNK>', 'cats', 'harry', 'met')
      >>> lexicon.encode(["CATS", "met", "dogs"]).word.tolist()
      [3, 5, 2]
    """

    words: tuple[str, ...]
    letters: tuple[str, ...]

    def __post_init__(self):
        Vocabulary(self.words)
        Vocabulary(self.letters)

    @classmethod
    def build(cls, texts: Iterable[Sequence[str]], min_count: int) -> "Lexicon":
        """Learns words and letters.

        Args:
          texts: the words of each text.
          min_count: how often a word must occur in all texts together to be known; at
            least the most frequent one is. Every letter is known.
        """
        texts = list(texts)
        counts = collections.Counter(_lookup(word) for text in texts for word in text)
        known = max(sum(count >= min_count for count in counts.values()), 1)
        return cls(
            Vocabulary.build([counts.elements()], known).tokens,
            Vocabulary.build(word for text in texts for word in text).tokens,
        )

    def encode(self, words: Sequence[str]) -> Words:
        """Turns words into integers.

        Args:
          words: T words, of which the first 24 letters are read.

        Returns:
          Leaves [T], and [T, C] for the letters.

        Raises:
          ValueError: there is no word, or one without letters.
        """
        if not words or not all(words):
            raise ValueError("a sentence needs at least one word, and no word is empty")
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
        """Replaces some words by `<UNK>`, so that a model learns to read unknown ones.

        Args:
          words: of any shape.
          key: of the random choice.
          rate: the chance of each word to be replaced.
        """
        dropped = jax.random.bernoulli(key, rate, words.word.shape)
        return words._replace(word=jnp.where(dropped, self._words.unk, words.word))

    @functools.cached_property
    def _words(self) -> Vocabulary:
        return Vocabulary(self.words)

    @functools.cached_property
    def _letters(self) -> Vocabulary:
        return Vocabulary(self.letters)


def _lookup(word: str) -> str:
    """Returns the word in lower case, with a zero for every digit."""
    return re.sub(r"\d", "0", word.lower())
