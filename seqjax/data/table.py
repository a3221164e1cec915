"""The data of a task: its data sets by name, and the format of a user's own file."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from seqjax.data.files import DataError
from seqjax.data.vocabulary import Vocabulary


class Source(NamedTuple):
    """Examples, and where they come from."""

    examples: Any  # as the task's reader gives them
    name: str  # of the data set, or the path
    licence: str | None  # None for a user's own file
    best: float | None  # the best score there can be, where it is known


class Corpus(NamedTuple):
    """Examples as sequences of integers, in three splits."""

    source: Source
    vocabulary: Vocabulary
    train: list[np.ndarray]
    valid: list[np.ndarray]  # to choose by
    test: list[np.ndarray]  # for the score


@dataclasses.dataclass(frozen=True)
class Dataset:
    """An entry of a table.

    Attributes:
      name: for ``--dataset``.
      load: gives the examples, and the best score that any model can expect on
        examples it has not seen, or None where nobody knows it.
      licence: what the data may be used for.
      origin: where the data comes from.
      description: one sentence.
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
      format: what ``--data`` takes, in one sentence.
      read: reads a file in that format.
      datasets: the first one is the default.
    """

    format: str
    read: Callable[[str | pathlib.Path], Any]
    datasets: tuple[Dataset, ...]

    def load(
        self, dataset: str | None = None, path: str | pathlib.Path | None = None
    ) -> Source:
        """Finds examples.

        Args:
          dataset: a name in the table; the first entry if None.
          path: a file in the task's own format; it wins over `dataset`.

        Returns:
          The examples, and where they come from.

        Raises:
          DataError: there is no such data set, or the file cannot be used.
        """
        if path is not None:
            return Source(self.read(path), str(path), None, None)
        entries = {entry.name: entry for entry in self.datasets}
        name = self.datasets[0].name if dataset is None else dataset
        if name not in entries:
            raise DataError(f"no data set {name!r}; there are {', '.join(entries)}")
        entry = entries[name]
        examples, best = entry.load()
        return Source(examples, entry.name, entry.licence, best)
