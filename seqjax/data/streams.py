"""Running text as parallel streams, in pieces for truncated back-propagation."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class Piece(NamedTuple):
    """A piece of every stream, or the pieces of several steps stacked on each other."""

    tokens: np.ndarray  # [..., B, T] int32
    targets: np.ndarray  # [..., B, T] int32, the tokens that follow
    begins: np.ndarray  # [...] bool, True for the first piece of the streams


class Streams:
    """A text as B streams of equal length, which are read side by side.

    In an epoch, each piece goes on where the one before it ended, so that a recurrent
    state can be carried over. Tokens that do not fill a piece of every stream are left
    out.

    Args:
      tokens: integers [N].
      batch_size: B, the number of streams.
      length: T, the number of tokens in a piece.

    Raises:
      ValueError: a number is below 1, or there are fewer tokens than one piece needs.
    """

    def __init__(self, tokens: np.ndarray, batch_size: int, length: int):
        for name, number in (("batch_size", batch_size), ("length", length)):
            if number < 1:
                raise ValueError(f"{name} must be at least 1, not {number}")
        per_stream = (len(tokens) - 1) // batch_size  # the last token is a target only
        if per_stream < length:
            raise ValueError(
                f"{len(tokens)} tokens do not fill one piece of {length} in "
                f"{batch_size} streams"
            )
        self._length = length
        used = np.asarray(tokens[: per_stream * batch_size + 1], np.int32)
        self._tokens = used[:-1].reshape(batch_size, per_stream)
        self._targets = used[1:].reshape(batch_size, per_stream)
        self.steps_per_epoch = per_stream // length

    def run_length(self, step: int, most: int) -> int:
        """Returns how many steps from `step` on are in its epoch.

        Args:
          step: the first of them.
          most: the largest number to return.
        """
        return min(most, self.steps_per_epoch - step % self.steps_per_epoch)

    def stacked(self, step: int, count: int) -> Piece:
        """Returns the pieces of `count` steps from `step` on; leaves [count, ...]."""
        first = step % self.steps_per_epoch
        part = slice(first * self._length, (first + count) * self._length)
        begins = np.arange(first, first + count) == 0
        tokens, targets = (
            self._pieces(array[:, part]) for array in (self._tokens, self._targets)
        )
        return Piece(tokens, targets, begins)

    def once(self) -> Iterator[Piece]:
        """Yields every token of every stream once; the last piece may be shorter."""
        for start in range(0, self._tokens.shape[1], self._length):
            part = slice(start, start + self._length)
            yield Piece(
                self._tokens[:, part], self._targets[:, part], np.array(start == 0)
            )

    def _pieces(self, array: np.ndarray) -> np.ndarray:
        """Turns parts of the streams [B, count * T] into pieces [count, B, T]."""
        return array.reshape(len(array), -1, self._length).swapaxes(0, 1)
