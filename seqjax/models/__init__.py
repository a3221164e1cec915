"""Models for the shapes of task, as Flax (linen) modules over any layer.

One to one is `FeedForward`, one to many `Generator`, many to one `Classifier`, many to
many `Tagger` (equal lengths), `Transcriber` (fewer labels than steps, by CTC) and
`EncoderDecoder` (any lengths); `LanguageModel` predicts each token from those before
it, and can `remember` a text; `EventGenerator` writes events that last, over what is
known of each beat; a `ConvEncoder` makes vectors of images for any of them. Inputs and
outputs are batch-major, [B, T, ...]; each model transposes once. No model knows a
cell's equations. `spec` writes any of them as JSON.
"""

from seqjax.models.classifier import Classifier
from seqjax.models.codons import Bases, CodonFeatures
from seqjax.models.conv_encoder import ConvEncoder
from seqjax.models.encoder_decoder import EncoderDecoder
from seqjax.models.event_generator import EventGenerator, Form
from seqjax.models.feed_forward import FeedForward
from seqjax.models.forecaster import Forecaster
from seqjax.models.generator import Generator
from seqjax.models.language_model import LanguageModel
from seqjax.models.nearest_neighbors import NearestNeighborLanguageModel, remember
from seqjax.models.placed import PlacedEmbed
from seqjax.models.recurrent import BOS, Recurrent
from seqjax.models.tagger import Tagger
from seqjax.models.transcriber import Transcriber
from seqjax.models.word_features import WordFeatures, Words

__all__ = [
    "BOS",
    "Bases",
    "Classifier",
    "CodonFeatures",
    "ConvEncoder",
    "EncoderDecoder",
    "EventGenerator",
    "FeedForward",
    "Forecaster",
    "Form",
    "Generator",
    "LanguageModel",
    "NearestNeighborLanguageModel",
    "PlacedEmbed",
    "Recurrent",
    "Tagger",
    "Transcriber",
    "WordFeatures",
    "Words",
    "remember",
]
