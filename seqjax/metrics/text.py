"""Scores of texts: error rates by edit distance, and BLEU."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from seqjax import extras
from seqjax.metrics.mean import Mean


class Bleu(NamedTuple):
    """A BLEU score, and how it was computed."""

    score: float  # from 0 to 100
    signature: str  # sacrebleu's: tokenisation, smoothing, version


def edit_distance(hypothesis: Sequence[Hashable], reference: Sequence[Hashable]) -> int:
    """Counts the edits from one sequence to another (Levenshtein, 1966).

    Args:
      hypothesis: a string of characters, or a list of words.
      reference: the same.

    Returns:
      The least number of insertions, deletions and substitutions.

    Example:
      >>> edit_distance("sitting", "kitten")
      3
    """
    codes = {token: i for i, token in enumerate({*hypothesis, *reference})}
    target = np.array([codes[token] for token in hypothesis], int)
    places = np.arange(len(target) + 1)
    row = places  # distances of no reference to each prefix of the hypothesis
    for i, token in enumerate(reference, 1):
        # Substitute or delete, which look at the row before alone …
        other = np.minimum(row[:-1] + (target != codes[token]), row[1:] + 1)
        other = np.append(i, other)
        # … then insert: min over k ≤ j of other[k] + (j − k), without a loop over j.
        row = np.minimum.accumulate(other - places) + places
    return int(row[-1])


def word_error_rate(hypotheses: Iterable[str], references: Iterable[str]) -> Mean:
    """Returns the edits of words for each word of the references.

    Args:
      hypotheses: texts, whose words are separated by white space.
      references: a text for each of them.

    Raises:
      ValueError: there are more of one than of the other.

    Example:
      >>> print(word_error_rate(["the cat sat", "on mat"], ["a cat sat", "on the mat"]))
      Mean(total=2.0, weight=6.0)
    """
    return _error_rate(hypotheses, references, str.split)


def character_error_rate(hypotheses: Iterable[str], references: Iterable[str]) -> Mean:
    """Returns the edits of characters for each character of the references.

    Args:
      hypotheses: texts.
      references: a text for each of them.

    Raises:
      ValueError: there are more of one than of the other.

    Example:
      >>> print(character_error_rate(["sitting"], ["kitten"]).result())
      0.5
    """
    return _error_rate(hypotheses, references, list)


def corpus_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> Bleu:
    """Scores translations by sacrebleu's BLEU (Papineni et al., 2002; Post, 2018).

    Args:
      hypotheses: translations.
      references: a correct translation of each.

    Returns:
      The score of the whole corpus, with the signature to report beside it.

    Raises:
      MissingLibrary: sacrebleu is not installed.
      ValueError: there are more of one than of the other, or none at all.
    """
    if len(hypotheses) != len(references) or not hypotheses:
        raise ValueError(
            f"BLEU needs a reference for each hypothesis, and at least one: "
            f"{len(hypotheses)} hypotheses, {len(references)} references"
        )
    metric = extras.library("sacrebleu").BLEU()
    score = metric.corpus_score(list(hypotheses), [list(references)]).score
    return Bleu(score, str(metric.get_signature()))


def _error_rate(
    hypotheses: Iterable[str],
    references: Iterable[str],
    tokenize: Callable[[str], Sequence[str]],
) -> Mean:
    total = Mean(0.0, 0.0)
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        tokens, expected = tokenize(hypothesis), tokenize(reference)
        edits = edit_distance(tokens, expected)
        total = total.merge(Mean(float(edits), float(len(expected))))
    return total
