"""Scores of texts: error rates by jiwer, and BLEU by sacrebleu."""

import functools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from seqjax import extras
from seqjax.metrics.mean import Mean


class Bleu(NamedTuple):
    """A BLEU score, and how it was computed."""

    score: float  # from 0 to 100
    signature: str  # sacrebleu's: tokenisation, smoothing, version


def word_error_rate(hypotheses: Iterable[str], references: Iterable[str]) -> Mean:
    """Returns the edits of words for each word of the references.

    Args:
      hypotheses: texts, whose words are separated by white space.
      references: a text for each of them.

    Raises:
      MissingLibrary: jiwer is not installed.
      ValueError: there are more of one than of the other.

    Example:
      >>> print(word_error_rate(["the cat sat", "on mat"], ["a cat sat", "on the mat"]))
      Mean(total=2.0, weight=6.0)
    """
    jiwer = extras.library("jiwer", "sound")
    texts = (
        [" ".join(text.split()) for text in side] for side in (hypotheses, references)
    )
    return _error_rate(jiwer.process_words, *texts)


def character_error_rate(hypotheses: Iterable[str], references: Iterable[str]) -> Mean:
    """Returns the edits of characters for each character of the references.

    Args:
      hypotheses: texts.
      references: a text for each of them.

    Raises:
      MissingLibrary: jiwer is not installed.
      ValueError: there are more of one than of the other.

    Example:
      >>> print(character_error_rate(["sitting"], ["kitten"]).result())
      0.5
    """
    jiwer = extras.library("jiwer", "sound")
    whole = jiwer.ReduceToListOfListOfChars()  # outer blanks count, too
    count = functools.partial(
        jiwer.process_characters, reference_transform=whole, hypothesis_transform=whole
    )
    return _error_rate(count, list(hypotheses), list(references))


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
    process: Any, hypotheses: Sequence[str], references: Sequence[str]
) -> Mean:
    if len(hypotheses) != len(references):
        raise ValueError(
            f"each hypothesis needs a reference: {len(hypotheses)} hypotheses, "
            f"{len(references)} references"
        )
    if not references:
        return Mean(0.0, 0.0)
    seen = process(references, hypotheses)
    wrong = seen.substitutions + seen.deletions
    return Mean(float(wrong + seen.insertions), float(wrong + seen.hits))
