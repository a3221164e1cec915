"""Pairs of sentences: files of them, and splits in which no sentence stands twice."""

import pathlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from seqjax.data.files import DataError, is_file, numbered_lines
from seqjax.data.quoting import shown
from seqjax.data.splits import Splits, normalize, split


class Pair(NamedTuple):
    """A sentence, and the same in the other language."""

    source: str
    target: str


def read_pairs(path: str | pathlib.Path) -> Splits:
    """Reads two columns by tab, or two files "FILE,FILE" with a sentence a line each.

    A line that is blank, in two files on either side, is no pair.

    Raises:
      DataError: as `numbered_lines` does, a line lacks a column, or the files differ in
        their number of lines.
    """
    first, comma, second = str(path).partition(",")
    if comma and not is_file(path):
        sides = [numbered_lines(name or "a file", 10_000) for name in (first, second)]
        counts = list(map(len, sides))
        if counts[0] != counts[1]:
            raise DataError(
                f"{first}, {second}: {counts[0]} and {counts[1]} lines are no pairs"
            )
        pairs = [Pair(a, b) for (_, a), (_, b) in zip(*sides, strict=True) if a and b]
    else:
        pairs = [
            _columns(line, f"{path}, line {number}")
            for number, line in numbered_lines(path, longest=20_000)
            if line
        ]
    try:
        return split_pairs(pairs)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _columns(line: str, where: str) -> Pair:
    columns = [column.strip() for column in line.split("\t")]
    if len(columns) != 2 or not all(columns):
        raise DataError(
            f"{where}: two columns by tab are needed, not {len(columns)} as in "
            f"{shown(line)}"
        )
    return Pair(*columns)


def split_pairs(
    pairs: Sequence[Pair], alike: Callable[[str], str] = normalize
) -> Splits:
    """Cuts pairs at random; no sentence, on either side, stands twice.

    Args:
      pairs: of which the first of those alike is kept.
      alike: gives what sentences that are alike share.
    """
    sides: tuple[set[str], set[str]] = set(), set()
    kept = []
    for pair in pairs:
        keys = list(map(alike, pair))
        if not any(found in side for found, side in zip(keys, sides, strict=True)):
            kept.append(pair)
            for side, found in zip(sides, keys, strict=True):
                side.add(found)
    return split(kept, kept)
