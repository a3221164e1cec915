"""What --data takes: a folder of WAV files with labels, or .ts files."""

import pathlib

from experiments.speaker.clip import Clip, Clips
from experiments.speaker.series import read_series
from experiments.speech_recognition.data import listed
from seqjax.audio import read_wav
from seqjax.data.files import is_folder

LABELS = "labels.tsv"
RATE = 16000


def read_path(path: str | pathlib.Path) -> Clips:
    """Reads .ts files if the path is or holds some, and else a folder of WAV files.

    Raises:
      DataError: what is there cannot be used.
    """
    path = pathlib.Path(path)
    is_series = path.suffix == ".ts" or (is_folder(path) and any(path.glob("*.ts")))
    return read_series(path) if is_series else read_sounds(path)


def read_sounds(path: str | pathlib.Path) -> Clips:
    """Reads a folder of WAV files, whose labels stand in labels.tsv, or in names.

    A line of labels.tsv is a file, its label, and, if that is known, who speaks, parted
    by tabs. Without it, a file LABEL_SPEAKER_NUMBER.wav says it, as in
    female_anna_3.wav.

    Raises:
      DataError: it is no folder, a line has too few columns, a file is missing or
        cannot be used, or there are none.
    """
    clips = []
    for name, label, speaker in listed(path, LABELS, "label"):
        file = pathlib.Path(path) / name
        sound = read_wav(file, RATE)
        clips.append(Clip(str(file), sound.samples, label, speaker))
    return Clips(clips, rate=RATE)
