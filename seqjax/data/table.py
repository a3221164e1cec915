"""The data of a task: its data sets by name, and the format of a user's own file."""

import dataclasses
import difflib
import os
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from seqjax.data.files import DataError
from seqjax.data.vocabulary import Vocabulary


class Source(NamedTuple):
    """The examples of a task, and where they come from."""

    examples: Any  # as the task's reader gives them
    name: str  # of the data set, or the path
    licence: str | None  # None for a user's own file
    best: float | None  # the best score there can be, where it is known


class Corpus(NamedTuple):
    """The examples of a task as sequences of integers, in three splits."""

    source: Source
    vocabulary: Vocabulary
    train: list[np.ndarray]
    valid: list[np.ndarray]  # for choices between models
    test: list[np.ndarray]  # for the reported score


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A data set in a task's table.

    Attributes:
      name: what `Table.load` and ``--dataset`` call it.
      load: returns the examples, and the best score that any model can expect on
        examples it has not seen, or None where that is unknown.
      licence: what the data may be used for.
      origin: where the data come from.
      description: what the data are, in one sentence.
    """

    name: str
    load: Callable[[], tuple[Any, float | None]]
    licence: str
    origin: str
    description: str


@dataclasses.dataclass(frozen=True)
class Table:
    """All data of one task.

    Attributes:
      format: what a file for ``--data`` looks like, in one sentence.
      read: reads a file in that format.
      datasets: at least one; the first is the default.

    Example:
      >>> digits = Dataset("digits", lambda: ([1, 2], None), "CC0-1.0", "", "Two")
      >>> table = Table("A digit a line.", read=print, datasets=(digits,))
      >>> table.load().examples
      [1, 2]
    """

    format: str
    read: Callable[[str | pathlib.Path], Any]
    datasets: tuple[Dataset, ...]

    def load(
        self, dataset: str | None = None, path: str | pathlib.Path | None = None
    ) -> Source:
        """Reads the examples of a data set, or those of a file.

        Args:
          dataset: a name in the table; the first entry if None.
          path: a file in the task's own format; it wins over `dataset`.

        Returns:
          The examples, and where they come from.

        Raises:
          DataError: there is no such data set, or the file cannot be used.
        """
        if path is not None:
            known = [entry.name for entry in self.datasets]
            if str(path) in known and not os.path.exists(path):
                raise DataError(
                    f"{path}: this is a data set and no file: use --dataset, not --data"
                )
            return Source(self.read(path), str(path), None, None)
        entry = self.entry(dataset)
        examples, best = entry.load()
        return Source(examples, entry.name, entry.licence, best)

    def entry(self, dataset: str | None = None) -> Dataset:
        """Returns the entry of a name, without reading it; the first one if None.

        Raises:
          DataError: there is no such data set.
        """
        entries = {entry.name: entry for entry in self.datasets}
        name = self.datasets[0].name if dataset is None else dataset
        if name not in entries:
            raise DataError(_unknown(name, list(entries)))
        return entries[name]


def _unknown(name: str, known: list[str]) -> str:
    """Returns why a name is refused, and what may have been meant."""
    if os.path.exists(name):
        return f"{name}: this is a file and no data set: use --data, not --dataset"
    close = difflib.get_close_matches(name, known, 1)
    meant = f" (did you mean {close[0]}?)" if close else ""
    return f"there is no data set {name!r}{meant}; there are {', '.join(known)}"
