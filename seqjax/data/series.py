"""Time series in CSV files with a header: the numbers of a column, or of several."""

import datetime
import math
import pathlib
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seqjax.data.files import DataError, numbered_lines
from seqjax.data.parsing import columns as split_columns
from seqjax.data.parsing import is_number, number
from seqjax.data.quoting import listed, shown

TIMES = frozenset("time date datetime timestamp ds year month day step".split())
GAPS = frozenset(("", "na", "nan", "null", "none", "?"))
MOST = 50  # steps of the grid for each line of a file


class Variables(NamedTuple):
    """Variables that were measured at the same times, at steps of one length."""

    names: tuple[str, ...]  # V of them
    values: np.ndarray  # [T, V], NaN where there is none
    lines: int  # of the file; T is larger where times are left out


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
    names, lines = _header(path)
    (place,) = _places(path, names, [column])
    return np.array([_value(line, place, f"{path}, line {n}") for n, line in lines])


def read_variables(path: str | pathlib.Path, columns: Sequence[str] = ()) -> Variables:
    """Reads variables with their gaps, at the times that a file tells.

    A column named time, date, year or the like has numbers or ISO dates that grow from
    line to line. The length of a step is the median of what lies between them, or whole
    months where all dates have one day; a value goes to the nearest step, the mean of
    several to the same, and a step without a line is a gap. Without such a column, each
    line is a step. An empty field, NA or NaN is a gap too.

    Args:
      path: a CSV file, parted by commas, whose first line names its columns.
      columns: which variables; if none, the one named value, or the only one there is.

    Raises:
      DataError: as `numbered_lines` does, there is no such column, a field is neither a
        number nor a gap, a column has gaps only, or times do not grow. The message
        names the file and the line.
    """
    names, lines = _header(path)
    time = next((n for n in names if n.lower() in TIMES and n not in columns), None)
    measured = [name for name in names if name != time]
    if not columns:
        columns = ["value"] if "value" in measured or len(measured) != 1 else measured
    places = _places(path, names, columns)
    rows = np.array(
        [
            [_value(line, place, f"{path}, line {n}", True) for place in places]
            for n, line in lines
        ]
    )
    for name, column in zip(columns, rows.T, strict=True):
        if np.isnan(column).all():
            raise DataError(f"{path}: the column {name!r} has no value, only gaps")
    if time is not None:
        rows = _on_grid(rows, _steps(path, lines, names.index(time)), path)
    return Variables(tuple(columns), rows, len(lines))


def _header(path: str | pathlib.Path) -> tuple[list[str], list[tuple[int, str]]]:
    """The names of a file's columns, and the lines below them with their numbers."""
    (_, header), *lines = numbered_lines(path)
    while lines and not lines[-1][1]:
        lines.pop()
    if not lines:
        raise DataError(f"{path}: a header, but no value below it")
    return [name.strip() for name in split_columns(header, f"{path}, line 1")], lines


def _places(path: object, names: list[str], columns: Sequence[str]) -> list[int]:
    for column in columns:
        if names.count(column) != 1:
            raise DataError(
                f"{path}, line 1: the header must name one column {column!r}; it "
                f"has {listed(names)}"
            )
    return [names.index(column) for column in columns]


def _field(line: str, place: int, where: str) -> str:
    fields = split_columns(line, where)
    return fields[place].strip() if place < len(fields) else ""


def _value(line: str, place: int, where: str, gaps: bool = False) -> float:
    text = _field(line, place, where)
    if gaps and text.lower() in GAPS:
        return math.nan
    if not text:
        raise DataError(f"{where}: a gap, for there is no value")
    return number(text, where)


def _steps(path: object, lines: list[tuple[int, str]], place: int) -> np.ndarray:
    """The step of each line on a grid that begins with the first: integers [lines]."""
    where = [f"{path}, line {n}" for n, _ in lines]
    texts = [_field(line, place, w) for (_, line), w in zip(lines, where, strict=True)]
    are_days = all(re.fullmatch("[0-9]{8}", text) for text in texts)  # as in 20200131
    if are_days or not all(map(is_number, texts)):
        times, months = _dates(texts, where)
    else:
        pairs = zip(texts, where, strict=True)
        times, months = np.array([number(text, w) for text, w in pairs]), None
    for i in np.flatnonzero(np.diff(times) <= 0)[:1] + 1:
        raise DataError(
            f"{where[i]}: {shown(texts[i])} is not after the time before it"
        )
    if len(times) < 2:
        return np.zeros(len(times), int)
    if months is not None:
        return (months - months[0]) // np.gcd.reduce(np.diff(months))
    steps = np.rint((times - times[0]) / np.median(np.diff(times)))
    return np.minimum(steps, 2**53).astype(int)  # of which most would be gaps


def _dates(texts: list[str], where: list[str]) -> tuple[np.ndarray, np.ndarray | None]:
    """Seconds, and months if all dates have the same day and hour."""
    dates = []
    for text, place in zip(texts, where, strict=True):
        try:
            dates.append(datetime.datetime.fromisoformat(text).replace(tzinfo=None))
        except ValueError:
            raise DataError(
                f"{place}: {shown(text)} is no time: a number or an ISO date is needed"
            ) from None
    seconds = [(date - dates[0]).total_seconds() for date in dates]
    same = len({(d.day, d.hour, d.minute, d.second) for d in dates}) == 1
    months = np.array([12 * d.year + d.month for d in dates])
    whole = same and len(dates) > 1 and bool(np.all(np.diff(months) > 0))
    return np.array(seconds), months if whole else None


def _on_grid(rows: np.ndarray, steps: np.ndarray, path: object) -> np.ndarray:
    """Rows [lines, V] at their steps, the mean of several, NaN where there is none."""
    if (length := int(steps[-1]) + 1) > MOST * len(rows) + 1:
        raise DataError(
            f"{path}: {len(rows)} lines for {length} steps of the usual length between "
            f"them; most of the series would be a gap"
        )
    known = ~np.isnan(rows)
    totals, counts = np.zeros((2, length, rows.shape[1]))
    np.add.at(totals, steps, np.where(known, rows, 0))
    np.add.at(counts, steps, known)
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)
