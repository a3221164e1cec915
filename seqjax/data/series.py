"""A time series in a CSV file with a header: the numbers of one column."""

import csv
import math
import pathlib

import numpy as np

from seqjax.data.files import DataError, numbered_lines


def read_series(path: str | pathlib.Path, column: str = "value") -> np.ndarray:
    """Reads the numbers of a column, a line a step, in the order of the file.

    Args:
      path: a CSV file, parted by commas, whose first line names its columns.
      column: the name of the column; other columns are not looked at.

    Returns:
      [T] float64, T ≥ 1.

    Raises:
      DataError: as `numbered_lines` does, there is no such column, or a line has no
        number in it: a gap. The message names the file and the line.
    """
    (number, header), *lines = numbered_lines(path)
    names = [name.strip() for name in next(csv.reader([header]), [])]
    if names.count(column) != 1:
        raise DataError(
            f"{path}, line {number}: the header must name one column {column!r}; it "
            f"has {', '.join(map(repr, names))[:200]}"
        )
    while lines and not lines[-1][1]:
        lines.pop()
    if not lines:
        raise DataError(f"{path}: a header, but no value below it")
    place = names.index(column)
    return np.array([_value(line, place, f"{path}, line {n}") for n, line in lines])


def _value(line: str, place: int, where: str) -> float:
    fields = next(csv.reader([line]), [])
    text = fields[place].strip() if place < len(fields) else ""
    if not text:
        raise DataError(f"{where}: a gap, for there is no value")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where}: {text[:40]!r} is no finite number")
    return value
