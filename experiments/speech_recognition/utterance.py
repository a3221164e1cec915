"""What was said, and how it sounds."""

from typing import NamedTuple

import numpy as np

from seqjax.audio import MFCC, LogMel
from seqjax.data import Splits


class Utterance(NamedTuple):
    """A sound with its text."""

    name: str
    sound: np.ndarray  # samples [N], or features [T, F]
    text: str
    speaker: str  # the empty string where that is unknown


class Recordings(NamedTuple):
    """All utterances of a data set."""

    utterances: list[Utterance]
    rate: int  # samples a second
    extract: MFCC | LogMel | None = None  # how features were made; None for samples
    joined: bool = False  # whether strings are made of them: each is a single word
    words: tuple[str, ...] = ()  # if no other can occur
    parts: Splits | None = None  # if the utterances come in parts of their own
    sayings: tuple[str, ...] = ()  # texts that a language model may learn from
    ceiling: float = 0.0  # hertz above which there is no sound; 0: half of the rate
