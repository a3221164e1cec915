"""Sequences of symbols, of which the first is to be recalled at the end."""

import pathlib
from typing import NamedTuple

import numpy as np

from seqjax.data import DataError, Dataset, Table, read_lines

ASKED = 512  # held-out sequences, or those that the gradient is averaged over
LEAST = 1000  # symbols, so that the parts can be drawn from


class Symbols(NamedTuple):
    """A long row of symbols."""

    ids: np.ndarray  # integers [N]
    count: int  # how many different ones there are


class Windows:
    """Batches of random windows of a row of symbols: a function of the step.

    Args:
      ids: integers [N].
      length: of a window, in symbols.
      batch_size: windows in a batch.
      seed: of where they begin.
    """

    def __init__(self, ids: np.ndarray, length: int, batch_size: int, seed: int):
        self.ids, self.length = ids, length
        self.batch_size, self.seed = batch_size, seed

    def run_length(self, step: int, most: int) -> int:
        """All batches have one shape."""
        del step
        return most

    def stacked(self, step: int, count: int) -> np.ndarray:
        """The windows of `count` steps from `step` on: [count, B, length]."""
        return np.stack([self._at(step + i) for i in range(count)])

    def _at(self, step: int) -> np.ndarray:
        rng = np.random.default_rng([self.seed, step])
        starts = rng.integers(0, len(self.ids) - self.length + 1, self.batch_size)
        return self.ids[starts[:, None] + np.arange(self.length)]


def split_symbols(symbols: Symbols) -> list[np.ndarray]:
    """Splits a row into eight tenths, a tenth and a tenth."""
    tenth = len(symbols.ids) // 10
    return np.split(symbols.ids, [8 * tenth, 9 * tenth])


def read_symbols(path: str | pathlib.Path) -> Symbols:
    """Reads the characters of a text as symbols.

    Raises:
      DataError: as `read_lines` does, or the text is too short or all one character.
    """
    text = "\n".join(read_lines(path))
    kinds, ids = np.unique(list(text), return_inverse=True)
    if len(text) < LEAST or len(kinds) < 2:
        raise DataError(
            f"{path}: {len(text)} characters, {len(kinds)} different ones; {LEAST} and "
            f"2 are needed"
        )
    return Symbols(ids.astype(np.int32), len(kinds))


def draw_symbols() -> tuple[Symbols, float]:
    """Draws symbols that tell nothing about each other."""
    ids = np.random.default_rng(0).integers(0, 8, 200_000, dtype=np.int32)
    return Symbols(ids, 8), 1.0


TABLE = Table(
    format="A text file; its characters are the symbols.",
    read=read_symbols,
    datasets=(
        Dataset(
            name="synthetic",
            load=draw_symbols,
            licence="none needed: generated",
            origin="experiments.gradient_flow.data.draw_symbols()",
            description="200,000 symbols of eight kinds drawn at random; a perfect "
            "memory recalls all.",
        ),
    ),
)
