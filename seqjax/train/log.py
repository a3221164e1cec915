"""metrics.jsonl: one JSON object a line, the file that figures are drawn from."""

import contextlib
import hashlib
import json
import math
import os
import pathlib
import warnings
from typing import Any, NamedTuple

from seqjax.data.files import DataError, read_bytes
from seqjax.data.writing import whole_file


class Mark(NamedTuple):
    """How far a log had come: its size in bytes, and the SHA-256 of them."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> "Mark":
        """Returns the mark at the end of a log."""
        return cls(len(content), hashlib.sha256(content).hexdigest())

    @classmethod
    def parse(cls, text: str) -> "Mark":
        """Reads what `str` of a mark gives."""
        size, sha256 = text.split()
        return cls(int(size), sha256)

    def __str__(self) -> str:
        return f"{self.size} {self.sha256}"


EMPTY = Mark.of(b"")


class Log:
    """Appends to a run's metrics, after it has dropped what a resumed run will redo.

    Args:
      path: the file.
      kept: what it begins with, the `sound_part` of what is there.
    """

    def __init__(self, path: str | pathlib.Path, kept: bytes = b""):
        self.path = pathlib.Path(path)
        with whole_file(self.path) as partial:
            partial.write_bytes(kept)
        self._digest, self._size = hashlib.sha256(kept), len(kept)
        self._file = self.path.open("ab")

    def write(self, step: int, **numbers: float) -> None:
        """Appends the numbers of a step; one that is not finite becomes null."""
        finite = {k: v if math.isfinite(v) else None for k, v in numbers.items()}
        line = json.dumps({"step": step, **finite}, allow_nan=False).encode() + b"\n"
        self._file.write(line)
        self._file.flush()
        self._digest.update(line)
        self._size += len(line)

    def mark(self) -> Mark:
        """Returns how far it has come, once that is on the disk."""
        os.fsync(self._file.fileno())
        return Mark(self._size, self._digest.hexdigest())

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()


def sound_part(path: pathlib.Path, mark: Mark) -> bytes:
    """Returns the bytes of a log up to a mark; none, with a warning, if it is missing.

    Raises:
      DataError: they are not what was written.
    """
    if not path.exists():
        if mark.size:
            warnings.warn(f"{path}: missing; the history begins anew", stacklevel=3)
        return b""
    content = read_bytes(path)[: mark.size]
    if Mark.of(content) != mark:
        raise DataError(
            f"{path}: damaged, by the digest in the run's checkpoint; delete it to go "
            f"on without the history"
        )
    return content


def read(path: str | pathlib.Path) -> list[dict[str, Any]]:
    """Returns the objects of all lines.

    A last line that was cut off is left out, and a missing file has no lines.

    Raises:
      DataError: a line is no JSON object with a step; the message names it.
    """
    path = pathlib.Path(path)
    *lines, _ = (read_bytes(path) if path.exists() else b"").split(b"\n")
    return [_object(path, number, line) for number, line in enumerate(lines, 1)]


def last_step(path: str | pathlib.Path) -> int:
    """Returns the largest step of the lines that can be read, 0 where there is none."""
    path, found = pathlib.Path(path), [0]
    content = read_bytes(path) if path.exists() else b""
    for number, line in enumerate(content.split(b"\n"), 1):
        with contextlib.suppress(DataError):
            found.append(_object(path, number, line)["step"])
    return max(found)


def _object(path: pathlib.Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        what = "UTF-8" if isinstance(error, UnicodeDecodeError) else "JSON"
        raise DataError(f"{path}, line {number}: not valid {what}") from None
    if not isinstance(found, dict) or type(found.get("step")) is not int:
        raise DataError(f"{path}, line {number}: an object with a step is needed")
    return {k: math.nan if v is None else v for k, v in found.items()}
