"""The shapes of task, as Flax (linen) modules over any layer.

Batch-major in and out: [B, T, ...]; each transposes once. Nothing in here knows a
cell's equations.
"""

from seqjax.models.classifier import Classifier
from seqjax.models.encoder_decoder import EncoderDecoder
from seqjax.models.feed_forward import FeedForward
from seqjax.models.generator import Generator
from seqjax.models.language_model import LanguageModel
from seqjax.models.recurrent import Recurrent
from seqjax.models.tagger import Tagger
from seqjax.models.word_features import WordFeatures, Words

__all__ = [
    "Classifier",
    "EncoderDecoder",
    "FeedForward",
    "Generator",
    "LanguageModel",
    "Recurrent",
    "Tagger",
    "WordFeatures",
    "Words",
]
