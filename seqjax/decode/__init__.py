"""Decoding: any ``step(carry, token) -> (carry, logits)`` turned into sequences."""

from seqjax.decode.generation import Choice, Hypotheses, Strategy, generate
from seqjax.decode.rules import Rules
from seqjax.decode.scoring import Ranked, log_probs, rank
from seqjax.decode.strategies import Beam, Sampling
from seqjax.decode.unknown import replace_unknown

__all__ = [
    "Beam",
    "Choice",
    "Hypotheses",
    "Ranked",
    "Rules",
    "Sampling",
    "Strategy",
    "generate",
    "log_probs",
    "rank",
    "replace_unknown",
]
