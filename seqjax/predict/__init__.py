"""Trained models, asked from Python: score, sample, tag, classify, translate, hear.

A predictor is a frozen dataclass of a model, its variables and the codec between texts
and integers. `save` puts one into a folder, and `load` gives it back. While training,
``dataclasses.replace(predictor, variables=variables)`` asks the variables of the moment
about data that were encoded and batched once; nothing is compiled again for it.
"""

from seqjax.predict.captions import CaptionPredictor
from seqjax.predict.classes import ClassPredictor
from seqjax.predict.forecasts import Forecast, ForecastPredictor
from seqjax.predict.hearing import Spoken
from seqjax.predict.images import ImageClassPredictor
from seqjax.predict.language import LanguagePredictor
from seqjax.predict.nucleotides import NucleotidePredictor
from seqjax.predict.predictor import init
from seqjax.predict.rolls import NextFrame, RollPredictor
from seqjax.predict.saving import NAME, load, save
from seqjax.predict.series import Scale, SeriesPredictor
from seqjax.predict.solos import Solo, SoloPredictor
from seqjax.predict.sounds import SoundClassPredictor
from seqjax.predict.speech import Heard, SpeechPredictor
from seqjax.predict.tags import TagPredictor
from seqjax.predict.translation import TranslationPredictor
from seqjax.predict.vectors import VectorPredictor
from seqjax.predict.videos import VideoClassPredictor

__all__ = [
    "NAME",
    "CaptionPredictor",
    "ClassPredictor",
    "Forecast",
    "ForecastPredictor",
    "Heard",
    "ImageClassPredictor",
    "LanguagePredictor",
    "SoundClassPredictor",
    "Scale",
    "SeriesPredictor",
    "SpeechPredictor",
    "Spoken",
    "Solo",
    "SoloPredictor",
    "NextFrame",
    "NucleotidePredictor",
    "RollPredictor",
    "TagPredictor",
    "TranslationPredictor",
    "VectorPredictor",
    "VideoClassPredictor",
    "init",
    "load",
    "save",
]
