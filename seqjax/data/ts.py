"""The .ts format of sktime and aeon: time series of several dimensions, with classes.

Lines that begin with # are comments and those with @ say what follows. After @data each
line is one series: its dimensions parted by colons, the numbers of each by commas, and
at last its class.
"""

import pathlib
from typing import NamedTuple

import numpy as np

from seqjax.data.files import DataError, decoded_lines, read_text
from seqjax.data.parsing import number, whole_number
from seqjax.data.quoting import shown


class Series(NamedTuple):
    """One time series."""

    values: np.ndarray  # [T, dimensions] float32
    label: str
    line: int  # of the file


class _Header(NamedTuple):
    """What stands above the data."""

    classes: tuple[str, ...]
    dimensions: int  # 0 where that is not said


def read_ts(path: str | pathlib.Path) -> list[Series]:
    """Reads a .ts file with classes.

    Raises:
      DataError: as `parse_ts` does, or the file cannot be read.
    """
    return parse_ts(read_text(path), path)


def parse_ts(raw: bytes, path: object) -> list[Series]:
    """Reads the content of a .ts file with classes.

    Args:
      raw: the content.
      path: the file, for messages.

    Returns:
      The series in the file's order, at least one.

    Raises:
      DataError: there is no @data line or no series, the file has no classes, or has
        time stamps, or a line has another number of dimensions, dimensions of different
        lengths, a class that is not declared, or what is no finite number. The message
        names the file and the line.
    """
    declared: dict[str, str] = {}
    header, series = None, []
    for place, line in enumerate(decoded_lines(raw, path), 1):
        text, where = line.strip(), f"{path}, line {place}"
        if not text or text.startswith("#"):
            continue
        if header is not None:
            values, label = _series(text, header, where)
            header = header._replace(dimensions=values.shape[1])
            series.append(Series(values, label, place))
        elif text.lower() == "@data":
            header = _header(declared, path)
        elif text.startswith("@"):
            name, _, value = text[1:].partition(" ")
            declared[name.lower()] = value.strip()
        else:
            raise DataError(f"{where}: a line before @data must begin with @ or #")
    if header is None:
        raise DataError(f"{path}: no .ts file, for there is no line @data")
    if not series:
        raise DataError(f"{path}: no series after @data")
    return series


def _header(declared: dict[str, str], path: object) -> _Header:
    if declared.get("timestamps", "false").lower() == "true":
        raise DataError(f"{path}: series with time stamps cannot be read")
    has, *classes = declared.get("classlabel", "false").split() or ["false"]
    if has.lower() != "true" or not classes:
        raise DataError(
            f"{path}: a line such as “@classLabel true a b” is needed above @data"
        )
    if len(set(classes)) < len(classes):
        raise DataError(f"{path}: @classLabel names a class twice")
    text = declared.get("dimensions") or declared.get("dimension") or "0"
    if declared.get("univariate", "").lower() == "true":
        text = "1"
    return _Header(tuple(classes), whole_number(text, str(path), "@dimensions"))


def _series(text: str, header: _Header, where: str) -> tuple[np.ndarray, str]:
    *parts, label = (part.strip() for part in text.split(":"))
    if label not in header.classes:
        raise DataError(
            f"{where}: the class {shown(label)} is not among those of @classLabel"
        )
    if not parts or len(parts) != (header.dimensions or len(parts)):
        raise DataError(
            f"{where}: {len(parts)} dimensions, where {header.dimensions or 1} are "
            f"needed"
        )
    columns = [[number(n, where) for n in part.split(",")] for part in parts]
    lengths = sorted({len(column) for column in columns})
    if len(lengths) > 1:
        raise DataError(
            f"{where}: its dimensions differ in length: {lengths[0]} and {lengths[-1]}"
        )
    return np.array(columns, np.float32).T, label
