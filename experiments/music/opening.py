"""What a model goes on from: the keys of a frame by their names, or a file."""

import re

import numpy as np

from experiments.music.notation import MIDI, SCORES, read_file
from experiments.music.roll import KEYS, key_name
from experiments.shared.errors import UsageError

PLAIN = str.maketrans({"♯": "#", "♭": "b"})
SAME = {"C#": "Db", "D#": "Eb", "Gb": "F#", "G#": "Ab", "A#": "Bb"}


def opening(text: str, frames: int) -> np.ndarray:
    """The roll to go on from, [T, 88].

    Args:
      text: keys such as "C3 E4 G4", or the path of a MusicXML or MIDI file.
      frames: in a quarter note, for a file.

    Raises:
      UsageError: it is neither, and the message names --begin.
      DataError: the file cannot be read.
    """
    if text.lower().endswith((*SCORES, *MIDI)):
        return read_file(text, frames)
    numbers = {key_name(key).translate(PLAIN): key for key in range(KEYS)}
    roll = np.zeros((1, KEYS), bool)
    for name in re.findall(r"[^\s,]+", text):
        plain = name.translate(PLAIN)
        letter = plain.rstrip("0123456789")
        octave = plain[len(letter) :]
        letter = letter[:1].upper() + letter[1:]
        key = numbers.get(SAME.get(letter, letter) + octave)
        if key is None:
            raise UsageError(
                f"--begin: {name!r} is none of the keys A0 to C8, nor a MusicXML or "
                f"MIDI file"
            )
        roll[0, key] = True
    if not roll.any():
        raise UsageError("--begin: name at least one key, such as C4, or a file")
    return roll
