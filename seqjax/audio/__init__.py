"""Sound: WAV files, the features that models read, and notes made audible."""

from seqjax.audio.features import MFCC, LogMel, deltas
from seqjax.audio.front_end import FrontEnd
from seqjax.audio.given import Given
from seqjax.audio.pitch import median_pitch, pitch_track
from seqjax.audio.wav import Sound, read_wav, write_wav

__all__ = [
    "MFCC",
    "FrontEnd",
    "Given",
    "LogMel",
    "Sound",
    "deltas",
    "median_pitch",
    "pitch_track",
    "read_wav",
    "write_wav",
]
