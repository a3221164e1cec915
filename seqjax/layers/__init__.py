"""Layers made of layers: depth, directions, attention, readout, feedback, noise."""

from seqjax.layers.attention import (
    AdditiveAttention,
    Attention,
    AttentionCarry,
    FixedContext,
    Memory,
    MultiplicativeAttention,
)
from seqjax.layers.bidirectional import Bidirectional, Directions, Reversed
from seqjax.layers.feedback import Feedback, FeedbackCarry, FeedbackParams
from seqjax.layers.initial_carry import LearnedInitialCarry, random_carry
from seqjax.layers.mixed_precision import MixedPrecision
from seqjax.layers.readout import Readout, ReadoutParams
from seqjax.layers.recurrent_dropout import LockedDropout, Zoneout
from seqjax.layers.stack import Residual, Stack

__all__ = [
    "AdditiveAttention",
    "Attention",
    "AttentionCarry",
    "Bidirectional",
    "Directions",
    "Feedback",
    "FeedbackCarry",
    "FeedbackParams",
    "FixedContext",
    "LearnedInitialCarry",
    "LockedDropout",
    "Memory",
    "MixedPrecision",
    "MultiplicativeAttention",
    "Readout",
    "ReadoutParams",
    "Residual",
    "Reversed",
    "Stack",
    "Zoneout",
    "random_carry",
]
