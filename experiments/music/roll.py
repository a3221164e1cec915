"""Pieces as piano rolls: which of the 88 keys of a piano are down in each frame."""

import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seqjax.data.chords import NAMES
from seqjax.data.files import DataError
from seqjax.data.midi import Note, write_midi
from seqjax.data.quoting import shown

KEYS, LOWEST = 88, 21  # of a piano; A0, as a number of MIDI
LONGEST = 250_000  # frames of a piece
SILENT = -1  # in a file of pitches, a voice that has none
TEMPO = 80.0  # quarter notes a minute, of what is written
EARLY = 1e-3  # of a frame; a note that begins later by no more is not late
SIGNS = str.maketrans({"b": "♭", "#": "♯"})


class Piece(NamedTuple):
    """A piece of music."""

    name: str
    roll: np.ndarray  # bool [T, 88], True where a key is down


class Notes(NamedTuple):
    """The notes of a piece, with times in quarter notes."""

    onsets: np.ndarray  # [N], 0 is the first bar line of a score
    durations: np.ndarray  # [N]
    pitches: np.ndarray  # [N], integers of MIDI, 60 is middle C


def key_name(key: int) -> str:
    """The name of a key, such as C4 for middle C, which is key 39."""
    octave, name = divmod(key + LOWEST, 12)
    return f"{NAMES[name].translate(SIGNS)}{octave - 1}"


def checked(roll: Any, where: str) -> np.ndarray:
    """A roll as bool [T, 88].

    Args:
      roll: numbers, 0 or 1.
      where: what the error names.

    Raises:
      DataError: it has another shape, other numbers, fewer than two frames, or no note.
    """
    roll = np.asarray(roll)
    if roll.ndim != 2 or roll.shape[1] != KEYS:
        raise DataError(
            f"{where}: a piano roll is [frames, {KEYS}], not {list(roll.shape)}"
        )
    if roll.dtype.kind not in "biuf" or not np.isin(roll, (0, 1)).all():
        raise DataError(f"{where}: a piano roll holds 0 and 1 alone")
    if len(roll) < 2:
        raise DataError(
            f"{where}: {len(roll)} frames, where a next frame needs 2 or more"
        )
    if not roll.any():
        raise DataError(f"{where}: no note in it")
    return roll.astype(bool)


def from_frames(frames: Sequence[Sequence[int]], where: str) -> np.ndarray:
    """A roll from the pitches of each frame, as numbers of MIDI; −1 is none.

    Raises:
      DataError: as `checked` does, or a pitch is none of the 88 keys.
    """
    roll = np.zeros((len(frames), KEYS), bool)
    for t, pitches in enumerate(frames):
        for pitch in pitches:
            if pitch == SILENT:
                continue
            if not isinstance(pitch, int) or not 0 <= pitch - LOWEST < KEYS:
                raise DataError(
                    f"{where}, frame {t + 1}: {shown(pitch)} is none of the {KEYS} "
                    f"keys of a piano, {LOWEST} to {LOWEST + KEYS - 1}"
                )
            roll[t, pitch - LOWEST] = True
    return checked(roll, where)


def from_notes(notes: Notes, frames: int, where: str) -> np.ndarray:
    """A roll whose frames are the moments 0, 1, 2, … in units of 1 / frames quarters.

    A key is down where a note sounds at that moment, so a note between two moments is
    in no frame. What comes before the first bar line, an upbeat, has frames too.

    Raises:
      DataError: as `checked` does, or notes are outside of the 88 keys.
    """
    keys = notes.pitches - LOWEST
    if (outside := (keys < 0) | (keys >= KEYS)).any():
        raise DataError(
            f"{where}: {outside.sum()} of {len(keys)} notes are outside of the {KEYS} "
            f"keys of a piano, the first has the number {notes.pitches[outside][0]}"
        )
    if not len(keys):
        raise DataError(f"{where}: no note in it")
    times = np.stack([notes.onsets, notes.onsets + notes.durations])
    if not (np.abs(times) * frames <= LONGEST).all():
        raise DataError(
            f"{where}: a note beyond {LONGEST} frames, which is as long as a piece may "
            f"be"
        )
    begins, ends = np.ceil(times * frames - EARLY).astype(int)
    first = min(begins.min(), 0)
    roll = np.zeros((max(ends.max() - first, 0), KEYS), bool)
    for begin, end, key in zip(begins - first, ends - first, keys, strict=True):
        roll[begin:end, key] = True
    return checked(roll, where)


def write_roll(path: str | pathlib.Path, roll: np.ndarray, frames: int) -> None:
    """Writes a roll as a MIDI file; a key that stays down is one note.

    Args:
      path: of the file.
      roll: bool [T, 88].
      frames: in a quarter note.
    """
    columns = to_notes(roll, frames)
    rows = zip(columns.pitches, columns.onsets, columns.durations, strict=True)
    notes = [Note(int(pitch), *map(float, times)) for pitch, *times in rows]
    write_midi(path, {"piano": notes}, TEMPO)


def to_notes(roll: np.ndarray, frames: int) -> Notes:
    """The notes of a roll; a key that stays down in the next frame is held."""
    padded = np.pad(np.asarray(roll, int), ((1, 1), (0, 0)))
    changes = np.diff(padded, axis=0).T  # [keys, T + 1], so that a key's come in turn
    keys, begins = np.nonzero(changes == 1)
    ends = np.nonzero(changes == -1)[1]
    order = np.lexsort((keys, begins))
    times = begins / frames, (ends - begins) / frames, keys + LOWEST
    return Notes(*(column[order] for column in times))
