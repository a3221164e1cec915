"""Scores of classes: accuracy, and F1 over labels and over the entities of IOB2 tags."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.masks import zero_invalid
from seqjax.metrics.mean import Mean

Array = jax.Array
OUTSIDE = "O"


class F1(NamedTuple):
    """The harmonic mean of precision and recall before its divisions.

    Example:
      >>> print(F1(hits=2, predicted=3, gold=5).result())
      0.5
    """

    hits: int  # predicted and gold
    predicted: int
    gold: int

    def merge(self, other: "F1") -> "F1":
        """That of both."""
        return F1(*(a + b for a, b in zip(self, other, strict=True)))

    def result(self) -> float:
        """2 hits / (predicted + gold); 0 where there is neither."""
        return 2 * self.hits / max(self.predicted + self.gold, 1)


def accuracy(logits: Array, labels: Array, mask: Array | None = None) -> Mean:
    """Counts the steps whose largest logit is the label.

    Args:
      logits: [..., classes].
      labels: integers [...].
      mask: bool [...], True where valid.

    Returns:
      The mean over valid steps.
    """
    hits = jnp.argmax(logits, axis=-1) == labels
    valid = jnp.ones_like(hits) if mask is None else mask
    return Mean(jnp.sum(zero_invalid(valid, hits)), jnp.sum(valid))


def as_iob2(tags: Sequence[str]) -> tuple[str, ...]:
    """Begins every entity with B, as in IOB2, whichever of the two the tags are.

    Example:
      >>> as_iob2(["I-PER", "I-PER", "B-PER", "O", "I-LOC"])
      ('B-PER', 'I-PER', 'B-PER', 'O', 'B-LOC')
    """
    before = (OUTSIDE, *tags)
    return tuple(
        f"B{tag[1:]}" if tag[0] == "I" and tag[1:] != last[1:] else tag
        for last, tag in zip(before, tags, strict=False)
    )


def entities(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """The kind, first word and end of each entity, as conlleval finds them.

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
    """Of entities that are right in kind and extent, over sentences of tags."""
    total = F1(0, 0, 0)
    for tags, others in zip(gold, predicted, strict=True):
        right, claimed = entities(tags), entities(others)
        total = total.merge(F1(len(right & claimed), len(claimed), len(right)))
    return total
