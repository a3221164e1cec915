"""Trained models, asked from Python: score, sample, tag, classify, translate, hear.

A predictor is a frozen dataclass of a model, its variables and the codec between texts
and integers. `save` puts one into a folder, and `load` gives it back. While training,
``dataclasses.replace(predictor, variables=variables)`` asks the variables of the moment
about data that were encoded and batched once; nothing is compiled again for it.
"""

from seqjax.predict.captions import CaptionPredictor
from seqjax.predict.classes import ClassPredictor
from seqjax.predict.hearing import Spoken
from seqjax.predict.images import ImageClassPredictor
from seqjax.predict.language import LanguagePredictor
from seqjax.predict.predictor import init
from seqjax.predict.rolls import NextFrame, RollPredictor
from seqjax.predict.saving import load, save
from seqjax.predict.solos import Solo, SoloPredictor
from seqjax.predict.sounds import SoundClassPredictor
from seqjax.predict.speech import Heard, SpeechPredictor
from seqjax.predict.tags import TagPredictor
from seqjax.predict.translation import TranslationPredictor
from seqjax.predict.vectors import VectorPredictor

__all__ = [
    "CaptionPredictor",
    "ClassPredictor",
    "Heard",
    "ImageClassPredictor",
    "LanguagePredictor",
    "SoundClassPredictor",
    "SpeechPredictor",
    "Spoken",
    "Solo",
    "SoloPredictor",
    "NextFrame",
    "RollPredictor",
    "TagPredictor",
    "TranslationPredictor",
    "VectorPredictor",
    "init",
    "load",
    "save",
]
