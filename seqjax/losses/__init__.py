"""Losses of whole sequences, as sums with their weights."""

from seqjax.losses import crf, ctc
from seqjax.losses.cross_entropy import (
    binary_cross_entropy,
    cross_entropy,
    readout_cross_entropy,
)
from seqjax.losses.quantile import quantile_loss
from seqjax.losses.reduction import OverTime
from seqjax.losses.regression import absolute_error, squared_error

__all__ = [
    "OverTime",
    "absolute_error",
    "binary_cross_entropy",
    "crf",
    "cross_entropy",
    "ctc",
    "quantile_loss",
    "readout_cross_entropy",
    "squared_error",
]
