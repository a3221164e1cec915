"""Piano rolls in files of arrays: .mat, .npz and .json; nothing is ever unpickled."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.music import matlab
from experiments.music.roll import Piece, checked, from_frames
from seqjax.data import DataError, Splits
from seqjax.data.files import read_bytes
from seqjax.data.packed import read_npz as read_arrays
from seqjax.data.parsing import parse_json
from seqjax.data.quoting import listed

PARTS = ("train", "valid", "test")
MAT = ("traindata", "validdata", "testdata")


def read_mat(path: str | pathlib.Path) -> Splits:
    """Reads the published form: traindata, validdata, testdata, a cell for each piece.

    Raises:
      DataError: the file is missing or damaged, lacks a part, or holds no such rolls.
    """
    content = matlab.parse(read_bytes(path), path)
    return _parts(path, content, MAT, checked)


def read_npz(path: str | pathlib.Path) -> Splits:
    """Reads train, valid and test, or arrays train_0, train_1, …, valid_0 and so on.

    A part that is a single array [pieces, frames, 88] has pieces of equal length.

    Raises:
      DataError: as `read_mat` does; also if arrays are pickled.
    """
    return _parts(path, _gathered(read_arrays(path)), PARTS, checked)


def read_json(path: str | pathlib.Path) -> Splits:
    """Reads {"train": [[[60, 64, 67], …], …], "valid": …, "test": …}: pitches.

    The numbers are those of MIDI, and −1 is a voice that is silent.

    Raises:
      DataError: as `read_mat` does, or a pitch is none of the 88 keys.
    """
    content = parse_json(read_bytes(path), path)
    if not isinstance(content, dict):
        raise DataError(f"{path}: an object with train, valid and test is needed")
    return _parts(path, content, PARTS, from_frames)


def _gathered(content: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Parts from arrays of a piece each, named train_0, train_1, …"""
    parts: dict[str, Any] = {name: content[name] for name in PARTS if name in content}
    pieces: dict[str, list[np.ndarray]] = {}
    for name in sorted(content, key=lambda name: (len(name), name)):
        part, _, number = name.rpartition("_")
        if part in PARTS and number.isdecimal():
            pieces.setdefault(part, []).append(content[name])
    return pieces | parts


def _parts(
    path: str | pathlib.Path, content: Mapping[str, Any], names: Sequence[str], read
) -> Splits:
    """Three parts of pieces, each made by `read` from what stands in the file."""
    missing = [name for name in names if name not in content]
    if missing:
        there = [name for name in content if not name.startswith("__")] or ["nothing"]
        raise DataError(
            f"{path}: no {' and no '.join(missing)} in it; there is {listed(there)}"
        )
    return Splits(*(_pieces(path, name, content[name], read) for name in names))


def _pieces(path: str | pathlib.Path, name: str, part: Any, read) -> list[Piece]:
    if isinstance(part, np.ndarray):
        part = list(part)
    if not isinstance(part, list) or not part:
        raise DataError(f"{path}, {name}: a list of pieces is needed")
    pieces = []
    for number, piece in enumerate(part, 1):
        where = f"{path}, {name}, piece {number}"
        try:
            pieces.append(Piece(f"{name} {number}", read(piece, where)))
        except TypeError:
            raise DataError(f"{where}: a list of lists of pitches is needed") from None
    return pieces
