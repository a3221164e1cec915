"""Word for word: the least that a translator must beat.

Brown et al. (1993), model 1: P(target, alignment | source) ∝ Π_j t(e_j | f_a(j)), every
alignment as likely as every other; t by expectation and maximisation.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Sentence = Sequence[str]


class WordForWord(NamedTuple):
    """The word most often aligned with each source word."""

    best: dict[str, str]

    def translate(self, sentence: Sentence) -> list[str]:
        """Each word by itself, in the source's order; an unknown one is copied."""
        return [self.best.get(word, word) for word in sentence]


def word_for_word(
    sources: Sequence[Sentence], targets: Sequence[Sentence], rounds: int = 8
) -> WordForWord:
    """Aligns sentences with their translations.

    Args:
      sources: words of each sentence.
      targets: words of each translation.
      rounds: of expectation and maximisation.
    """
    f_names, f_words = _numbered(sources)
    e_names, e_words = _numbered(targets)
    f, e, place = _pairs(f_words, e_words)
    kinds, kind = np.unique(f * len(e_names) + e, return_inverse=True)
    f_of_kind = kinds // len(e_names)
    t = np.ones(len(kinds))
    counts = t
    for _ in range(rounds):
        share = t[kind] / np.bincount(place, t[kind])[place]
        counts = np.bincount(kind, share, len(kinds))
        t = counts / np.bincount(f_of_kind, counts)[f_of_kind]
    order = np.argsort(counts, kind="stable")  # the last of a word's is its best
    best = dict(zip(f_of_kind[order], kinds[order] % len(e_names), strict=True))
    return WordForWord({f_names[i]: e_names[j] for i, j in best.items()})


def _numbered(sentences: Sequence[Sentence]) -> tuple[list[str], list[np.ndarray]]:
    names = sorted({word for sentence in sentences for word in sentence})
    places = {name: i for i, name in enumerate(names)}
    return names, [np.array([places[w] for w in s], int) for s in sentences]


def _pairs(f_words, e_words) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every source word beside every target word of its pair, and which place it is."""
    ends = np.cumsum([len(e) for e in e_words])
    f = [np.tile(f, len(e)) for f, e in zip(f_words, e_words, strict=True)]
    e = [np.repeat(e, len(f)) for f, e in zip(f_words, e_words, strict=True)]
    place = [
        np.repeat(np.arange(end - len(e), end), len(f))
        for f, e, end in zip(f_words, e_words, ends, strict=True)
    ]
    return np.concatenate(f), np.concatenate(e), np.concatenate(place)
