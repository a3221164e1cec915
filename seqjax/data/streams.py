"""Running text in parallel streams, cut into pieces for truncated BPTT."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class Piece(NamedTuple):
    """A piece of every stream, or of several steps stacked on each other."""

    tokens: np.ndarray  # [..., B, T] int32
    targets: np.ndarray  # [..., B, T] int32, the tokens that follow
    begins: np.ndarray  # [...] bool, True where no piece is before it


class Streams:
    """A text as B streams of equal length, read side by side.

    Piece after piece of an epoch goes on where the last one ended, so that a state can
    be carried over. What does not fill a piece of every stream is left out.

    Args:
      tokens: integers [N].
      batch_size: B.
      length: T, tokens of a piece.

    Raises:
      ValueError: a number below 1, or fewer tokens than one piece needs.
    """

    def __init__(self, tokens: np.ndarray, batch_size: int, length: int):
        for name, number in (("batch_size", batch_size), ("length", length)):
            if number < 1:
                raise ValueError(f"{name} must be at least 1, not {number}")
        each = (len(tokens) - 1) // batch_size
        if each < length:
            raise ValueError(
                f"{len(tokens)} tokens do not fill one piece of {length} in "
                f"{batch_size} streams"
            )
        self._length = length
        used = np.asarray(tokens[: each * batch_size + 1], np.int32)
        self._tokens = used[:-1].reshape(batch_size, each)
        self._targets = used[1:].reshape(batch_size, each)
        self.steps_per_epoch = each // length

    def run_length(self, step: int, most: int) -> int:
        """How many steps from `step` on, at most `most`, are of one epoch."""
        return min(most, self.steps_per_epoch - step % self.steps_per_epoch)

    def stacked(self, step: int, count: int) -> Piece:
        """The pieces of `count` steps, leaves [count, ...]."""
        first = step % self.steps_per_epoch
        part = slice(first * self._length, (first + count) * self._length)
        begins = np.arange(first, first + count) == 0
        return Piece(
            self._cut(self._tokens, part), self._cut(self._targets, part), begins
        )

    def once(self) -> Iterator[Piece]:
        """Every token of every stream once; the last piece may be shorter."""
        for start in range(0, self._tokens.shape[1], self._length):
            part = slice(start, start + self._length)
            yield Piece(
                self._tokens[:, part], self._targets[:, part], np.array(start == 0)
            )

    def _cut(self, array: np.ndarray, part: slice) -> np.ndarray:
        rows = array[:, part].reshape(len(array), -1, self._length)
        return rows.swapaxes(0, 1)
