"""Notes from MusicXML and MIDI files, as partitura and mido read them."""

import io
import pathlib
import warnings
import zipfile
from typing import Any

import numpy as np

from experiments.music.roll import Notes, Piece, from_notes
from seqjax.data import DataError, Splits
from seqjax.data.files import read_bytes
from seqjax.extras import library

SCORES, MIDI = (".musicxml", ".xml", ".mxl"), (".mid", ".midi")
PERCUSSION = 9  # the channel of General MIDI whose notes are no pitches
PARTS = ("train", "valid", "test")


def read_folder(path: str | pathlib.Path, frames: int) -> Splits | list[Piece]:
    """Reads all files of a folder, or its own parts: folders train, valid and test.

    Args:
      path: the folder, or a single file.
      frames: in a quarter note.

    Raises:
      DataError: there is no such file, or one cannot be read.
    """
    folder = pathlib.Path(path)
    parts = [folder / part for part in PARTS]
    if all(part.is_dir() for part in parts):
        return Splits(*(_read_files(part, frames) for part in parts))
    return _read_files(folder, frames)


def read_notes(raw: bytes, name: str) -> Notes:
    """The notes of a file.

    Args:
      raw: its bytes.
      name: its path, whose ending says what it is, and which errors name.

    Raises:
      DataError: it cannot be read.
    """
    is_midi = name.lower().endswith(MIDI)
    if name.lower().endswith(".mxl"):
        raw = unpacked(raw, name)
    if not is_midi and not raw.strip():
        raise DataError(f"{name}: the file is empty")
    kind = "MIDI file" if is_midi else "MusicXML"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of layout, and of notes that never began
        try:
            return _midi(raw) if is_midi else _score(raw)
        except EOFError:
            raise DataError(f"{name}: this {kind} is cut off before its end") from None
        except ImportError:
            raise
        except Exception as error:  # whatever a damaged file leads to
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise DataError(f"{name}: no readable {kind}: {reason}") from None


def _read_files(path: pathlib.Path, frames: int) -> list[Piece]:
    paths = [path]
    if path.is_dir():
        endings = (*SCORES, *MIDI)
        paths = sorted(p for p in path.rglob("*") if p.suffix.lower() in endings)
        if not paths:
            raise DataError(f"{path}: no file that ends in {', '.join(endings)}")
    pieces = []
    for file in paths:
        notes = read_notes(read_bytes(file), str(file))
        pieces.append(Piece(file.stem, from_notes(notes, frames, str(file))))
    return pieces


def unpacked(raw: bytes, name: str) -> bytes:
    """The score in a .mxl file, which is a zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            inside = [n for n in archive.namelist() if not n.startswith("META-INF/")]
            scores = [n for n in inside if n.lower().endswith((".xml", ".musicxml"))]
            return archive.read(scores[0])
    except (zipfile.BadZipFile, IndexError, OSError, EOFError, ValueError):
        raise DataError(f"{name}: no readable .mxl file, a zip with a score") from None


def _score(raw: bytes) -> Notes:
    """The notes of all parts; those that are tied are one, repeats are played once."""
    score = library("partitura", "sound").load_musicxml(io.BytesIO(raw))
    arrays = [part.note_array() for part in score.parts if len(part.notes)]
    fields = ("onset_quarter", "duration_quarter", "pitch")
    none = [np.zeros(0)]
    onsets, durations, pitches = (
        np.concatenate([array[field] for array in arrays] or none) for field in fields
    )
    return Notes(onsets, durations, pitches.astype(int))


def _midi(raw: bytes) -> Notes:
    """The notes of all tracks but percussion; the beginning of the file is 0."""
    mido, partitura = (library(name, "music") for name in ("mido", "partitura"))
    file = mido.MidiFile(file=io.BytesIO(raw))
    quarter = file.ticks_per_beat
    if quarter < 1:
        raise ValueError("its times are in seconds, and not in quarter notes")
    performance = partitura.load_performance_midi(file, quiet=True)
    notes: list[Any] = [
        note
        for part in performance.performedparts
        for note in part.notes
        if note["channel"] != PERCUSSION
    ]
    rows = [(n["note_on_tick"], n["note_off_tick"], n["midi_pitch"]) for n in notes]
    begins, ends, pitches = np.array(rows, int).reshape(-1, 3).T
    return Notes(begins / quarter, (ends - begins) / quarter, pitches)
