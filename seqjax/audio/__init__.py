"""Sound: WAV files, and the features that models read."""

from seqjax.audio.features import MFCC, LogMel, deltas
from seqjax.audio.front_end import FrontEnd
from seqjax.audio.wav import Sound, read_wav

__all__ = ["MFCC", "FrontEnd", "LogMel", "Sound", "deltas", "read_wav"]
