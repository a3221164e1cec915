"""Losses of whole sequences, as sums with their weights."""

from seqjax.losses import crf
from seqjax.losses.cross_entropy import (
    OverTime,
    binary_cross_entropy,
    cross_entropy,
    readout_cross_entropy,
)

__all__ = [
    "OverTime",
    "binary_cross_entropy",
    "crf",
    "cross_entropy",
    "readout_cross_entropy",
]
