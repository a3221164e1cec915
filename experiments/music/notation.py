"""Notes from MusicXML, which partitura reads, and from MIDI files."""

import io
import pathlib
import warnings

import numpy as np

from experiments.music.roll import Notes, Piece, from_notes
from seqjax.data import DataError, Splits
from seqjax.data.files import is_folder, read_bytes
from seqjax.data.midi import read_midi
from seqjax.data.packed import member, opened
from seqjax.data.quoting import reason
from seqjax.extras import library

SCORES, MIDI = (".musicxml", ".xml", ".mxl"), (".mid", ".midi")
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
    if all(map(is_folder, parts)):
        return Splits(*(_read_files(part, frames) for part in parts))
    return _read_files(folder, frames)


def read_file(path: str | pathlib.Path, frames: int) -> np.ndarray:
    """The roll of a MusicXML or MIDI file, bool [T, 88].

    Args:
      path: its ending says what it is.
      frames: in a quarter note.

    Raises:
      DataError: it cannot be read.
    """
    if not str(path).lower().endswith(MIDI):
        notes = read_score(read_bytes(path), str(path))
    else:
        tracks = read_midi(path).tracks.values()
        rows = [note[:3] for track in tracks for note in track]
        pitches, onsets, durations = np.array(rows).T
        notes = Notes(onsets, durations, pitches.astype(int))
    return from_notes(notes, frames, str(path))


def read_score(raw: bytes, name: str) -> Notes:
    """The notes of MusicXML.

    Args:
      raw: its bytes.
      name: its path, which errors name.

    Raises:
      DataError: it cannot be read.
    """
    if name.lower().endswith(".mxl"):
        raw = unpacked(raw, name)
    if not raw.strip():
        raise DataError(f"{name}: the file is empty")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of layout, and of notes that never began
        try:
            return _score(raw)
        except ImportError:
            raise
        except Exception as error:  # whatever a damaged file leads to
            raise DataError(f"{name}: no readable MusicXML: {reason(error)}") from None


def _read_files(path: pathlib.Path, frames: int) -> list[Piece]:
    paths = [path]
    if is_folder(path):
        endings = (*SCORES, *MIDI)
        paths = sorted(p for p in path.rglob("*") if p.suffix.lower() in endings)
        if not paths:
            raise DataError(f"{path}: no file that ends in {', '.join(endings)}")
    return [Piece(file.stem, read_file(file, frames)) for file in paths]


def unpacked(raw: bytes, name: str) -> bytes:
    """The score in a .mxl file, which is a zip."""
    where = f"{name}: no readable .mxl file, a zip with a score"
    archive = opened(raw, where)
    inside = [n for n in archive.namelist() if not n.startswith("META-INF/")]
    scores = [n for n in inside if n.lower().endswith((".xml", ".musicxml"))]
    if not scores:
        raise DataError(where)
    return member(archive, scores[0], where)


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
