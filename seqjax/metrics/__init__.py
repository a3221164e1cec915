"""Scores that merge: sums and their weights, never a mean of means."""

from seqjax.metrics.classification import (
    F1,
    OUTSIDE,
    accuracy,
    as_iob2,
    entities,
    entity_f1,
)
from seqjax.metrics.forecasts import coverage, naive_error, scaled_error
from seqjax.metrics.matthews import Matthews
from seqjax.metrics.mean import Mean, perplexity
from seqjax.metrics.regression import Moments, Nrmse
from seqjax.metrics.text import (
    Bleu,
    character_error_rate,
    corpus_bleu,
    word_error_rate,
)

__all__ = [
    "F1",
    "OUTSIDE",
    "Bleu",
    "Matthews",
    "Mean",
    "Moments",
    "Nrmse",
    "accuracy",
    "as_iob2",
    "character_error_rate",
    "corpus_bleu",
    "coverage",
    "entities",
    "entity_f1",
    "naive_error",
    "perplexity",
    "scaled_error",
    "word_error_rate",
]
