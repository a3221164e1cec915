"""Translation word for word, which a translation model has to beat.

Brown et al. (1993), model 1: P(target, alignment | source) ∝ Π_j t(e_j | f_a(j)), where
every alignment is equally likely. Expectation maximisation estimates t.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Sentence = Sequence[str]


class WordForWord(NamedTuple):
    """A translator that replaces every word by one word.

    Attributes:
      best: each source word with the target word that it is most often aligned with.
    """

    best: dict[str, str]

    def translate(self, sentence: Sentence) -> list[str]:
        """Replaces each word, in the source's order, and copies unknown words.

        Args:
          sentence: the words of the source.

        Returns:
          As many words.
        """
        return [self.best.get(word, word) for word in sentence]


def word_for_word(
    sources: Sequence[Sentence], targets: Sequence[Sentence], rounds: int = 8
) -> WordForWord:
    """Estimates which words translate each other from pairs of sentences.

    Args:
      sources: the words of each sentence.
      targets: the words of each translation, as many sentences.
      rounds: of expectation maximisation.

    Returns:
      The translator.
    """
    f_names, f_words = _numbered(sources)
    e_names, e_words = _numbered(targets)
    f, e, place = _pairs(f_words, e_words)
    # t has an entry for each pair of words that ever occur in one sentence pair, which
    # is far fewer than all pairs of the vocabularies. `kind` is the entry of each link.
    kinds, kind = np.unique(f * len(e_names) + e, return_inverse=True)
    f_of_kind = kinds // len(e_names)
    t = np.ones(len(kinds))
    counts = t
    for _ in range(rounds):
        # expectation: each target place shares one alignment among its source words
        share = t[kind] / np.bincount(place, t[kind])[place]
        counts = np.bincount(kind, share, len(kinds))
        # maximisation: t(e | f) sums to one over e
        t = counts / np.bincount(f_of_kind, counts)[f_of_kind]
    # a dict keeps the last of equal keys, which in this order has the largest count
    order = np.argsort(counts, kind="stable")
    best = dict(zip(f_of_kind[order], kinds[order] % len(e_names), strict=True))
    return WordForWord({f_names[i]: e_names[j] for i, j in best.items()})


def _numbered(sentences: Sequence[Sentence]) -> tuple[list[str], list[np.ndarray]]:
    """Returns the different words, sorted, and each sentence as their indices."""
    names = sorted({word for sentence in sentences for word in sentence})
    places = {name: i for i, name in enumerate(names)}
    return names, [np.array([places[w] for w in s], int) for s in sentences]


def _pairs(f_words, e_words) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns every link between a source word and a target word of its sentence pair.

    Returns:
      The source words, the target words and the target places, one of each a link. A
      place is the position of a target word in all targets one after the other.
    """
    ends = np.cumsum([len(e) for e in e_words])
    f = [np.tile(f, len(e)) for f, e in zip(f_words, e_words, strict=True)]
    e = [np.repeat(e, len(f)) for f, e in zip(f_words, e_words, strict=True)]
    place = [
        np.repeat(np.arange(end - len(e), end), len(f))
        for f, e, end in zip(f_words, e_words, ends, strict=True)
    ]
    return np.concatenate(f), np.concatenate(e), np.concatenate(place)
