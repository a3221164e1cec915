"""Recorded voices."""

from typing import NamedTuple

import numpy as np

from seqjax.audio import MFCC, Given, LogMel


class Clip(NamedTuple):
    """A sound of one speaker."""

    name: str
    sound: np.ndarray  # samples [N], or features [T, F]
    label: str  # the gender, or what else is to be told; empty if that is the speaker
    speaker: str  # empty where that is unknown
    part: str = ""  # "train" or "test", where the data has parts of its own


class Clips(NamedTuple):
    """All sounds of a data set."""

    clips: list[Clip]
    extract: MFCC | LogMel | Given | None = None  # how features were made, if they were
    rate: int = 0  # samples a second, of samples
