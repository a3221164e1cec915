"""Files that are packed: zip, .npz and gzip, unpacked only if that fits.

A file of some kilobytes can unpack to many gigabytes. Here it may unpack to `FREE`
bytes, or to `TIMES` times its size if that is more.
"""

import gzip
import io
import pathlib
import struct
import zipfile
import zlib
from typing import Any

import numpy as np

from seqjax.data.files import DataError, read_bytes, reason
from seqjax.memory import readable

FREE = 2**27  # bytes, of unpacked content
TIMES = 20
_PACKED = 15  # a type of .mat
_WAYS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # of which no more is unpacked
# than is asked for


def check_size(size: int, raw: bytes, path: object) -> None:
    """Raises DataError if a file would unpack to too many bytes.

    Args:
      size: of what is unpacked, in bytes.
      raw: the file's content.
      path: the file, for the message.
    """
    if size > (most := max(FREE, TIMES * len(raw))):
        raise DataError(
            f"{path}: {readable(len(raw))} that unpack to {readable(size)} or more, "
            f"where {readable(most)} are let through"
        )


def opened(raw: bytes, path: object) -> zipfile.ZipFile:
    """Opens a zip file whose whole content fits.

    Raises:
      DataError: it is no zip file, is damaged, holds too much, or is packed in another
        way than by deflate.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
    except Exception as error:  # whatever a damaged file leads to
        raise DataError(f"{path}: no readable zip file: {reason(error)}") from None
    found = archive.infolist()
    check_size(sum(info.file_size for info in found), raw, path)
    if any(info.compress_type not in _WAYS for info in found):
        raise DataError(f"{path}: packed in another way than by deflate")
    return archive


def member(archive: zipfile.ZipFile, name: str, path: object) -> bytes:
    """Reads a member of a zip file.

    Raises:
      DataError: there is none, it is damaged, or it is larger than the file says.
    """
    try:
        with archive.open(name) as file:
            # no more than was checked; at the end its checksum is
            return file.read(archive.getinfo(name).file_size)
    except Exception as error:
        said = reason(error).strip("'\"")
        raise DataError(f"{path}: {said}") from None


def gunzipped(raw: bytes, path: object) -> bytes:
    """Unpacks gzip.

    Raises:
      DataError: it is damaged, or unpacks to too much.
    """
    most = max(FREE, TIMES * len(raw))
    try:
        content = gzip.GzipFile(fileobj=io.BytesIO(raw)).read(most + 1)
    except Exception as error:  # of zlib, too
        said = reason(error)
        raise DataError(f"{path}: this gzip file is damaged: {said}") from None
    check_size(len(content), raw, path)
    return content


def check_matlab(raw: bytes, path: object) -> None:
    """Raises DataError if a .mat file would unpack to too much.

    Version 5 is a row of elements, each a type, a size in bytes, and content, which is
    packed by zlib where the type is 15. What is damaged is left to the reader.
    """
    order, place, total = ">" if raw[126:128] == b"MI" else "<", 128, 0
    while place + 8 <= len(raw):
        kind, size = struct.unpack(f"{order}II", raw[place : place + 8])
        place += 8
        packed, unpack = raw[place : place + size], zlib.decompressobj()
        while kind == _PACKED and packed:
            try:
                total += len(unpack.decompress(packed, 2**20))
            except zlib.error:
                return
            check_size(total, raw, path)
            packed = unpack.unconsumed_tail
        place += size


def read_npz(path: str | pathlib.Path) -> dict[str, np.ndarray]:
    """Reads the arrays of an .npz file by their names; nothing is ever unpickled.

    Raises:
      DataError: the file is missing, is no .npz file, is damaged or holds too much, or
        an array is pickled, or is empty.
    """
    raw = read_bytes(path)
    if not raw.startswith(b"PK"):
        raise DataError(f"{path}: no .npz file, which is a zip of named arrays")
    archive = opened(raw, f"{path}: no readable .npz file")
    names = [name for name in archive.namelist() if name.endswith(".npy")]
    return {name.removesuffix(".npy"): _array(archive, name, path) for name in names}


def _array(archive: zipfile.ZipFile, name: str, path: Any) -> np.ndarray:
    content = io.BytesIO(member(archive, name, f"{path}: no readable .npz file"))
    name = name.removesuffix(".npy")
    try:
        array = np.lib.format.read_array(content, allow_pickle=False)
    except Exception as error:  # whatever a damaged file leads to
        if "pickle" in str(error):
            raise DataError(
                f"{path}, {name}: this array is pickled, and no pickle is opened; "
                f"store each piece as an array of its own, train_0, train_1 and so on"
            ) from None
        raise DataError(
            f"{path}: no readable .npz file: {name}: {reason(error)}"
        ) from None
    if not array.nbytes:
        raise DataError(f"{path}, {name}: there is nothing in this array")
    return array
