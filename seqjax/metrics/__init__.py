"""Scores that merge: sums and their weights, never a mean of means."""

from seqjax.metrics.classification import (
    F1,
    OUTSIDE,
    accuracy,
    as_iob2,
    entities,
    entity_f1,
)
from seqjax.metrics.mean import Mean, perplexity

__all__ = [
    "F1",
    "OUTSIDE",
    "Mean",
    "accuracy",
    "as_iob2",
    "entities",
    "entity_f1",
    "perplexity",
]
