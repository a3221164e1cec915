"""Bach's four-part chorales, from the corpus of music21."""

import io
import sys

import numpy as np

from experiments.music.notation import read_score, unpacked
from experiments.music.roll import Notes, Piece, from_notes
from seqjax.data import wheels

MUSIC21 = wheels.Wheel(
    "music21",
    "10.5.1",
    "dc3309498c4c95cebdf8d4f20c868deb6b63bce1d929cad4f51a7ccc982987b1",
    20,
    "BSD-3-Clause; the music is in the public domain",
)
FOLDER = "music21/corpus/bach/"
BROKEN = {"bwv113.8"}  # its file holds 34 bytes and no score
VOICES = 4


def read_chorales(frames: int) -> list[Piece]:
    """The scores of Bach in the corpus that have four parts.

    Args:
      frames: in a quarter note.
    """
    content = wheels.derived(MUSIC21, "four-parts-1.npz", _all_notes)
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        notes = {name: Notes(*archive[name]) for name in archive.files}
    return [
        Piece(name, from_notes(_of_integers(each), frames, f"{FOLDER}{name}"))
        for name, each in notes.items()
    ]


def _all_notes() -> bytes:
    """The notes of all chorales as a .npz: an array [3, notes] by the name of each."""
    paths = [p for p in wheels.members(MUSIC21, ".mxl") if p.startswith(FOLDER)]
    paths = [p for p in paths if _name(p) not in BROKEN]
    print(f"reading {len(paths)} scores once, about half a minute", file=sys.stderr)
    found = {}
    for path, raw in zip(paths, wheels.read(MUSIC21, *paths), strict=True):
        if unpacked(raw, path).count(b"<score-part ") == VOICES:
            found[_name(path)] = np.stack(read_score(raw, path))
    content = io.BytesIO()
    np.savez_compressed(content, **found)
    return content.getvalue()


def _name(path: str) -> str:
    return path.removeprefix(FOLDER).removesuffix(".mxl")


def _of_integers(notes: Notes) -> Notes:
    return notes._replace(pitches=notes.pitches.astype(int))
