"""Arrays of numbers, and cells of such, in .mat files of version 5.

The format is MathWorks' "MAT-File Format", level 5. SciPy reads more of it, but what is
damaged can end its process. Here every size is held to the bytes there are.
"""

import math
import struct
import zlib
from typing import Any, NamedTuple

import numpy as np

from seqjax.data import DataError
from seqjax.data.packed import check_size, most_of

HEAD, MATRIX, PACKED = 128, 14, 15
CELL, DEEPEST = 1, 3  # a class of arrays; how deep cells may lie in each other
TYPES = dict(zip((1, 2, 3, 4, 5, 6, 7, 9, 12, 13), "bBhHiIfdqQ", strict=True))
NUMBERS = range(6, 16)  # classes: double, single, and whole numbers of 8 to 64 bits


class _Element(NamedTuple):
    kind: int
    content: memoryview
    end: int  # the place after it


def parse(raw: bytes, path: object) -> dict[str, Any]:
    """Reads the arrays of a .mat file by their names.

    Args:
      raw: the file's content.
      path: the file, for messages.

    Returns:
      An array for numbers, a list for a cell, each in the order of its columns; None
      for what is neither.

    Raises:
      DataError: it is of another version, is damaged, or unpacks to too much.
    """
    order = {b"IM": "<", b"MI": ">"}.get(raw[126:HEAD])
    if order is None or 1 not in raw[124:126]:
        raise DataError(f"{path}: no readable .mat file: not of version 5 (save -v7)")
    try:
        return dict(_arrays(memoryview(raw), order, path))
    except (ValueError, struct.error, zlib.error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: no readable .mat file: {error}") from None


def _arrays(raw: memoryview, order: str, path: object):
    place, total = HEAD, 0
    while place < len(raw):
        kind, content, place = _element(raw, place, order, padded=False)
        if kind == PACKED:
            unpack = zlib.decompressobj()
            most = most_of(len(raw)) - total
            whole = unpack.decompress(content, most + 1)
            check_size(total := total + len(whole), len(raw), path)
            if not unpack.eof:
                raise ValueError("a packed array is cut short")
            kind, content, _ = _element(memoryview(whole), 0, order)
        if kind == MATRIX:
            yield _matrix(content, order, 0)


def _element(raw: memoryview, place: int, order: str, padded: bool = True) -> _Element:
    """The element at a place; a size beyond the end raises ValueError."""
    kind, size = struct.unpack_from(f"{order}II", raw, place)
    begin = place + 8
    if kind >> 16:  # a small one, within its own tag
        kind, size, begin = kind & 0xFFFF, kind >> 16, place + 4
        end = place + 8
    else:
        end = begin + (size + 7) // 8 * 8 if padded else begin + size
    if begin + size > min(len(raw), end):
        raise ValueError(f"it is cut short at byte {place}")
    return _Element(kind, raw[begin : begin + size], end)


def _matrix(raw: memoryview, order: str, depth: int) -> tuple[str, Any]:
    """The name of an array and what is in it."""
    if not len(raw):
        return "", None
    flags = _element(raw, 0, order)
    sizes = _element(raw, flags.end, order)
    name = _element(raw, sizes.end, order)
    shape = [size for (size,) in struct.iter_unpack(f"{order}i", sizes.content)]
    if len(flags.content) != 8:
        raise ValueError("an array without a class")
    count, kind = math.prod(shape), flags.content[0 if order == "<" else -5]
    if min(shape, default=-1) < 0 or not 2 <= len(shape) <= 8:
        raise ValueError(f"an array of {len(shape)} axes, or of less than nothing")
    text = bytes(name.content[:100]).decode("ascii", "replace")
    if kind == CELL:
        return text, _cell(raw[name.end :], order, count, depth + 1)
    if kind not in NUMBERS:
        return text, None
    data = _element(raw, name.end, order)
    if data.kind not in TYPES:
        raise ValueError("numbers of an unknown type")
    values = np.frombuffer(data.content, order + TYPES[data.kind])
    if len(values) != count:
        raise ValueError(f"{len(values)} numbers for an array of {count}")
    return text, values.reshape(shape, order="F")


def _cell(raw: memoryview, order: str, count: int, depth: int) -> list[Any]:
    if depth > DEEPEST:
        raise ValueError(f"cells in cells, more than {DEEPEST} deep")
    if 8 * count > len(raw):
        raise ValueError(f"no room for {count} cells")
    found, place = [], 0
    for _ in range(count):
        kind, content, place = _element(raw, place, order)
        if kind != MATRIX:
            raise ValueError("a cell that is no array")
        found.append(_matrix(content, order, depth)[1])
    return found
