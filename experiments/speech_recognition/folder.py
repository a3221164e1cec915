"""A folder of WAV files with their texts."""

import pathlib

from experiments.speech_recognition.utterance import Recordings, Utterance
from seqjax.audio import read_wav
from seqjax.data import DataError
from seqjax.data.files import is_file, is_folder, numbered_lines
from seqjax.data.quoting import shown

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
    utterances = []
    for name, text, speaker in listed(path, TRANSCRIPT, "text"):
        sound = read_wav(pathlib.Path(path) / name, RATE)
        utterances.append(Utterance(name, sound.samples, text.lower(), speaker))
    return Recordings(utterances, RATE)


def listed(
    path: str | pathlib.Path, table: str, column: str
) -> list[tuple[str, str, str]]:
    """Finds the WAV files of a folder, and what a table or their names say of them.

    Args:
      path: of the folder.
      table: the name of a file in it with two or three columns by tab: a file, what is
        known of it, and who speaks. Without it, a file is KNOWN_SPEAKER_NUMBER.wav,
        KNOWN_SPEAKER.wav or KNOWN_NUMBER.wav.
      column: what is known.

    Returns:
      A file's name, what is known of it, and who speaks, which may be empty; at least
      one.

    Raises:
      DataError: it is no folder, a line has too few columns or an empty one, a file is
        missing, or there are none.
    """
    folder = pathlib.Path(path)
    if not is_folder(folder):
        raise DataError(f"{path}: a folder of WAV files is needed")
    is_there = is_file(folder / table)
    found = _table(folder, table, column) if is_there else _names(folder, column)
    if not found:
        raise DataError(f"{path}: there is no WAV file, and no {table}")
    return found


def _table(folder: pathlib.Path, table: str, column: str) -> list[tuple[str, str, str]]:
    found, path = [], folder / table
    for number, line in numbered_lines(path):
        if not line.strip():
            continue
        columns = [column.strip() for column in line.split("\t")]
        where = f"{path}, line {number}"
        if len(columns) not in (2, 3) or not columns[1]:
            raise DataError(
                f"{where}: two or three columns by tab are needed: file, {column}, "
                f"speaker"
            )
        if not is_file(folder / columns[0]):
            raise DataError(f"{where}: there is no file {shown(columns[0])}")
        found.append((columns[0], columns[1], (columns[2:] or [""])[0]))
    return found


def _names(folder: pathlib.Path, column: str) -> list[tuple[str, str, str]]:
    found = []
    for file in sorted(folder.glob("*.wav")):
        known, *rest = file.stem.split("_")
        if not known:
            raise DataError(f"{file}: its name should begin with its {column} and _")
        is_number = len(rest) == 1 and rest[0].isdecimal()
        found.append((file.name, known, rest[0] if rest and not is_number else ""))
    return found
