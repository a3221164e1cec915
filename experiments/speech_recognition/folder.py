"""A folder of WAV files with their texts."""

import pathlib

from experiments.speech_recognition.utterance import Recordings, Utterance
from seqjax.audio import read_wav
from seqjax.data import DataError
from seqjax.data.files import numbered_lines

TRANSCRIPT = "transcript.tsv"
RATE = 16000


def read_folder(path: str | pathlib.Path) -> Recordings:
    """Reads a folder of WAV files, whose texts stand in transcript.tsv, or in names.

    A line of the transcript is a file's name, what is said in it, and, if that is
    known, who speaks, parted by tabs. Without it, a file TEXT_SPEAKER_NUMBER.wav holds
    TEXT, as in 7_jackson_32.wav.

    Raises:
      DataError: it is no folder, a line has too few columns or no text, a file is
        missing or cannot be used, or there are none.
    """
    folder = pathlib.Path(path)
    if not folder.is_dir():
        raise DataError(f"{path}: a folder of WAV files is needed")
    listed = _transcript(folder) if (folder / TRANSCRIPT).exists() else _names(folder)
    if not listed:
        raise DataError(f"{path}: there is no WAV file, and no {TRANSCRIPT}")
    utterances = []
    for name, text, speaker in listed:
        sound = read_wav(folder / name, RATE)
        utterances.append(Utterance(name, sound.samples, text.lower(), speaker))
    return Recordings(utterances, RATE)


def _transcript(folder: pathlib.Path) -> list[tuple[str, str, str]]:
    found, path = [], folder / TRANSCRIPT
    for number, line in numbered_lines(path):
        if not line.strip():
            continue
        columns = [column.strip() for column in line.split("\t")]
        where = f"{path}, line {number}"
        if len(columns) not in (2, 3) or not columns[1]:
            raise DataError(
                f"{where}: two or three columns by tab are needed: file, text, speaker"
            )
        if not (folder / columns[0]).is_file():
            raise DataError(f"{where}: there is no file {folder / columns[0]}")
        found.append((columns[0], columns[1], (columns[2:] or [""])[0]))
    return found


def _names(folder: pathlib.Path) -> list[tuple[str, str, str]]:
    found = []
    for file in sorted(folder.glob("*.wav")):
        text, *rest = file.stem.split("_")
        if not text:
            raise DataError(f"{file}: its name should begin with what is said in it")
        found.append((file.name, text, rest[0] if rest else ""))
    return found
