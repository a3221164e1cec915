"""What experiments share that read words: flags, and vectors of words."""

from typing import Any

from absl import flags

from experiments.shared.layers import stacked
from seqjax.data import Lexicon
from seqjax.data.tokenize import CASINGS
from seqjax.models import WordFeatures

flags.DEFINE_integer("embedding", 64, "Width of a word's vector.", 1)
flags.DEFINE_integer(
    "letter_features", 16, "Units that read a word's letters, in each direction.", 1
)
flags.DEFINE_integer(
    "min_count", 2, "How often a word must occur to be known by itself.", 1
)
flags.DEFINE_float(
    "word_dropout", 0.1, "Share of words taken for unknown in training.", 0.0, 0.99
)
flags.DEFINE_float(
    "dropout",
    0.5,
    "Share of the layer's inputs and outputs dropped in training.",
    0.0,
    0.99,
)


def word_features(lexicon: Lexicon, options: Any) -> WordFeatures:
    """Makes the module that turns words into vectors.

    Args:
      lexicon: what words and letters are known.
      options: the values of --embedding, --cell, --letter_features, --gradient and
        --dtype.
    """
    how = {"bidirectional": True, "dtype": options.dtype}
    reader = stacked(options.cell, options.letter_features, **how)
    sizes = len(lexicon.words), len(lexicon.letters), len(CASINGS)
    return WordFeatures(*sizes, options.embedding, reader, gradient=options.gradient)
