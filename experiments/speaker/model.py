"""The classifier of voices, and what it reads."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.shared.layers import layer_of
from experiments.speaker.clip import Clip, Clips
from seqjax.audio import FrontEnd, LogMel
from seqjax.data import DataError, Splits
from seqjax.models import Classifier
from seqjax.predict import SoundClassPredictor


def make_predictor(
    clips: Clips, train: Sequence[Clip], options: Any
) -> SoundClassPredictor:
    """The classifier that the flags ask for, without variables."""
    o, extract = options, clips.extract
    if extract is None:
        window, hop = (round(clips.rate * seconds) for seconds in (0.025, 0.01))
        extract = LogMel(clips.rate, window, hop, o.bands)
    front = FrontEnd(extract, "corpus", o.deltas, o.stack)
    classes = tuple(sorted({clip.label for clip in train}))
    sizes = {"dropout": o.dropout, "gradient": o.gradient}
    model = Classifier(layer_of(o), len(classes), None, o.pooling, **sizes)
    return SoundClassPredictor(model, front, classes)


def prepare(
    teller: SoundClassPredictor, splits: Splits
) -> tuple[SoundClassPredictor, list[list[np.ndarray]]]:
    """Extracts features, with the mean and deviation of those to learn from.

    Returns:
      The predictor, whose front end knows them, and the inputs of each part.

    Raises:
      DataError: a sound is shorter than a step of the model.
    """
    front = teller.front

    def frames(clip):
        return front.frames(clip.sound) if clip.sound.ndim == 1 else clip.sound

    parts = [[frames(clip) for clip in part] for part in splits]
    front = front.fit(parts[0])
    inputs = [[front.inputs(f) for f in part] for part in parts]
    for clip, x in zip(sum(splits, []), sum(inputs, []), strict=True):
        if not len(x):
            raise DataError(f"{clip.name}: this sound is shorter than one step")
    return dataclasses.replace(teller, front=front), inputs


def labels_of(teller: SoundClassPredictor, clips: Sequence[Clip]) -> np.ndarray:
    """Places of the labels among the classes, [N]."""
    return np.array([teller.classes.index(clip.label) for clip in clips])
