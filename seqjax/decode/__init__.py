"""Decoding: sequences from any function ``step(carry, token) -> (carry, logits)``.

`generate` writes them, by `Sampling` or by `Beam` search and under `Rules`; `log_probs`
scores given ones, and `rank` lists what may come next. `PrefixBeam` searches the labels
of a CTC model, which are not fed back; a `WordList` leaves it no other words.
"""

from seqjax.decode.generation import Choice, Hypotheses, Strategy, generate
from seqjax.decode.prefix_beam import Guide, PrefixBeam, Prefixes
from seqjax.decode.rules import Rules
from seqjax.decode.scoring import Ranked, log_probs, rank
from seqjax.decode.strategies import Beam, Sampling
from seqjax.decode.unknown import replace_unknown
from seqjax.decode.word_list import WordList

__all__ = [
    "Beam",
    "Choice",
    "Guide",
    "Hypotheses",
    "PrefixBeam",
    "Prefixes",
    "Ranked",
    "Rules",
    "Sampling",
    "Strategy",
    "WordList",
    "generate",
    "log_probs",
    "rank",
    "replace_unknown",
]
