"""Files that are packed: zip, .npz and gzip, unpacked only if that fits.

A file of some kilobytes can unpack to many gigabytes. Here it may unpack to `FREE`
bytes, or to `TIMES` times its size if that is more.
"""

import gzip
import io
import pathlib
import zipfile
from typing import Any

import numpy as np

from seqjax.data.files import DataError, read_bytes
from seqjax.data.quoting import reason
from seqjax.memory import readable

FREE = 2**27  # bytes, of unpacked content
TIMES = 20
_WAYS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # of which no more is unpacked
# than is asked for


def most_of(size: int) -> int:
    """Returns how many bytes a file of a size may unpack to."""
    return max(FREE, TIMES * size)


def check_size(unpacked: int, size: int, path: object) -> None:
    """Raises DataError if a file would unpack to too many bytes.

    Args:
      unpacked: bytes that it would unpack to.
      size: its own bytes.
      path: the file, for the message.
    """
    if unpacked > (most := most_of(size)):
        raise DataError(
            f"{path}: {readable(size)} that unpack to {readable(unpacked)} or more, "
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
    check_size(sum(info.file_size for info in found), len(raw), path)
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
    try:
        content = gzip.GzipFile(fileobj=io.BytesIO(raw)).read(most_of(len(raw)) + 1)
    except Exception as error:  # of zlib, too
        said = reason(error)
        raise DataError(f"{path}: this gzip file is damaged: {said}") from None
    check_size(len(content), len(raw), path)
    return content


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
    if not _is_text(array):
        raise DataError(f"{path}, {name}: these are no texts")
    return array


def _is_text(array: np.ndarray) -> bool:
    """Whether all characters of an array of texts exist; bytes must be ASCII."""
    if array.dtype.kind == "S":
        return array.tobytes().isascii()
    if array.dtype.kind != "U":
        return True
    points = np.frombuffer(array.tobytes(), array.dtype.str[0] + "u4")
    surrogate = (points >= 0xD800) & (points < 0xE000)
    return not np.any(surrogate | (points > 0x10FFFF))
