"""Scores of classes: accuracy, and the F1 of labels and of entities in IOB2 tags."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.masks import zero_invalid
from seqjax.metrics.mean import Mean

Array = jax.Array
OUTSIDE = "O"


class F1(NamedTuple):
    """The harmonic mean of precision and recall, as counts that add up.

    Example:
      >>> print(F1(hits=2, predicted=3, gold=5).result())
      0.5
    """

    hits: int  # how many were predicted rightly
    predicted: int  # how many were predicted
    gold: int  # how many there are

    def merge(self, other: "F1") -> "F1":
        """Returns the F1 over both."""
        return F1(*(a + b for a, b in zip(self, other, strict=True)))

    def result(self) -> float:
        """Returns 2 hits / (predicted + gold), or 0 where both are 0."""
        return 2 * self.hits / max(self.predicted + self.gold, 1)


def accuracy(logits: Array, labels: Array, mask: Array | None = None) -> Mean:
    """Returns the share of steps whose largest logit is the label's.

    Args:
      logits: [..., classes].
      labels: integers [...].
      mask: bool [...], True where valid.

    Returns:
      The mean over valid steps, as the number of hits and of steps.
    """
    hits = jnp.argmax(logits, axis=-1) == labels
    valid = jnp.ones_like(hits) if mask is None else mask
    return Mean(jnp.sum(zero_invalid(valid, hits)), jnp.sum(valid))


def as_iob2(tags: Sequence[str]) -> tuple[str, ...]:
    """Turns IOB1 tags into IOB2 tags, whose entities all begin with B.

    Tags that are IOB2 already are returned unchanged.

    Example:
      >>> as_iob2(["I-PER", "I-PER", "B-PER", "O", "I-LOC"])
      ('B-PER', 'I-PER', 'B-PER', 'O', 'B-LOC')
    """
    previous = (OUTSIDE, *tags)
    return tuple(
        f"B{tag[1:]}" if tag[0] == "I" and tag[1:] != last[1:] else tag
        for last, tag in zip(previous, tags, strict=False)
    )


def entities(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """Returns (kind, first word, end) of each entity, as conlleval finds them.

    The end is the place after the last word.

    Example:
      >>> sorted(entities(["B-PER", "I-PER", "O", "I-LOC"]))
      [('LOC', 3, 4), ('PER', 0, 2)]
    """
    tags = [*as_iob2(tags), OUTSIDE]
    starts = [i for i, tag in enumerate(tags) if tag[0] == "B"]
    ends = (
        next(i for i in range(start + 1, len(tags)) if tags[i][0] != "I")
        for start in starts
    )
    pairs = zip(starts, ends, strict=True)
    return {(tags[start][2:], start, end) for start, end in pairs}


def entity_f1(gold: Iterable[Sequence[str]], predicted: Iterable[Sequence[str]]) -> F1:
    """Returns the F1 of entities; a hit is right in kind, first word and end.

    Args:
      gold: sentences of tags, IOB1 or IOB2.
      predicted: as many sentences of as many tags.
    """
    total = F1(0, 0, 0)
    for gold_tags, predicted_tags in zip(gold, predicted, strict=True):
        expected, found = entities(gold_tags), entities(predicted_tags)
        total = total.merge(F1(len(expected & found), len(found), len(expected)))
    return total
