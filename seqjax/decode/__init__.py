"""Decoding: sequences from any function ``step(carry, token) -> (carry, logits)``.

`generate` writes them, by `Sampling` or by `Beam` search and under `Rules`; `log_probs`
scores given ones, and `rank` lists what may come next.
"""

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
