"""Running text as parallel streams, in pieces for truncated back-propagation."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class Piece(NamedTuple):
    """A piece of every stream, or the pieces of several steps stacked on each other."""

    tokens: np.ndarray  # [..., B, T] int32
    targets: np.ndarray  # [..., B, T] int32, the tokens that follow
    begins: np.ndarray  # [...] bool, True for the first piece of the streams
    mask: np.ndarray | None = None  # [..., B, T] bool, False before the first token


class Streams:
    """A text as B streams of equal length, which are read side by side.

    In an epoch, each piece goes on where the one before it ended, so that a recurrent
    state can be carried over. Tokens that do not fill a piece of every stream are left
    out.

    Args:
      tokens: integers [N].
      batch_size: B, the number of streams.
      length: the number of new tokens in a piece.
      context: how many tokens that stand before the new ones a piece has in front, for
        `seqjax.train.truncated_loss`: T is length + context. Where the text begins
        later than that, they are masked.

    Raises:
      ValueError: a number is below 1, or there are fewer tokens than one piece needs.
    """

    def __init__(
        self, tokens: np.ndarray, batch_size: int, length: int, context: int = 0
    ):
        for name, number in (("batch_size", batch_size), ("length", length)):
            if number < 1:
                raise ValueError(f"{name} must be at least 1, not {number}")
        per_stream = (len(tokens) - 1) // batch_size  # the last token is a target only
        if per_stream < length:
            raise ValueError(
                f"{len(tokens)} tokens do not fill one piece of {length} in "
                f"{batch_size} streams"
            )
        if context < 0:
            raise ValueError(f"context must be at least 0, not {context}")
        self._length, self._context = length, context
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
        places = np.arange(first, first + count)
        tokens, targets = (
            self._pieces(array, first, count) for array in (self._tokens, self._targets)
        )
        if not self._context:
            return Piece(tokens, targets, places == 0)
        starts = places * self._length - self._context
        there = starts[:, None, None] + np.arange(tokens.shape[-1]) >= 0
        return Piece(tokens, targets, places == 0, np.broadcast_to(there, tokens.shape))

    def once(self) -> Iterator[Piece]:
        """Yields every token of every stream once; the last piece may be shorter."""
        for start in range(0, self._tokens.shape[1], self._length):
            part = slice(start, start + self._length)
            yield Piece(
                self._tokens[:, part], self._targets[:, part], np.array(start == 0)
            )

    def _pieces(self, array: np.ndarray, first: int, count: int) -> np.ndarray:
        """Returns pieces of streams [B, N], with their contexts: [count, B, T]."""
        end, start = (first + count) * self._length, first * self._length
        start -= self._context
        part = array[:, max(start, 0) : end]
        if not self._context:  # the same, in less time
            return part.reshape(len(part), count, -1).swapaxes(0, 1)
        if start < 0:
            part = np.pad(part, ((0, 0), (-start, 0)))
        length = self._length + self._context
        starts = range(0, count * self._length, self._length)
        return np.stack([part[:, at : at + length] for at in starts])
