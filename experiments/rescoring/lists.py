"""N-best lists as arrays: how they are ranked, and how often the truth comes first."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from experiments.rescoring.data import Hypothesis

WEIGHTS = (0.0, *np.geomspace(0.01, 10, 31).tolist())


class Lists(NamedTuple):
    """Hypotheses with their scores; equal `utterance` is one list."""

    utterance: np.ndarray  # [N] integers, in order
    acoustic: np.ndarray  # [N], nats
    language: np.ndarray  # [N], log P by a model, nats
    is_true: np.ndarray  # [N] bool


def as_lists(hypotheses: Sequence[Hypothesis], language: np.ndarray) -> Lists:
    """Turns hypotheses, sorted by utterance, into arrays."""
    _, utterance = np.unique([h.utterance for h in hypotheses], return_inverse=True)
    return Lists(
        utterance,
        np.array([h.acoustic for h in hypotheses]),
        language,
        np.array([h.is_true for h in hypotheses]),
    )


def ranked(lists: Lists, weight: float) -> np.ndarray:
    """The order of the hypotheses: list by list, the best first."""
    scores = lists.acoustic + weight * lists.language
    return np.lexsort((-scores, lists.utterance))


def truth_first(lists: Lists, weight: float) -> float:
    """How often the truth comes first; where scores are equal, by chance."""
    scores = lists.acoustic + weight * lists.language
    edges = [*np.flatnonzero(np.diff(lists.utterance)) + 1, len(scores)]
    right = []
    for start, end in itertools.pairwise([0, *edges]):
        best = scores[start:end] == scores[start:end].max()
        right.append(float((best & lists.is_true[start:end]).sum() / best.sum()))
    return float(np.mean(right))


def halves(lists: Lists, seed: int) -> tuple[Lists, Lists]:
    """Splits the utterances into half to choose the weight by, and the others."""
    count = int(lists.utterance.max()) + 1
    chosen = np.random.default_rng(seed).permutation(count) < count // 2
    return tuple(
        Lists(*(column[side[lists.utterance]] for column in lists))
        for side in (chosen, ~chosen)
    )


def best_weight(lists: Lists) -> float:
    """The weight that puts the truth first most often; the smallest of equals."""
    return max(WEIGHTS, key=lambda weight: (truth_first(lists, weight), -weight))


def log_frequency(text: str, words: Mapping[str, int]) -> float:
    """Baseline: log P by the frequency of each word, one added to every count."""
    total = sum(words.values()) + len(words) + 1
    return sum(math.log((words.get(word, 0) + 1) / total) for word in text.split())
