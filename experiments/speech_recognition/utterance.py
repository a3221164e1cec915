"""One utterance: how it sounds, and what was said."""

from typing import NamedTuple

import numpy as np


class Utterance(NamedTuple):
    """Features of sound with their text."""

    name: str
    frames: np.ndarray  # [T, F], as the data set's `extract` gives them
    text: str
    speaker: str  # the empty string where that is unknown
