"""Batches of ragged sequences, in an order that is a function of (seed, epoch, step).

Sequences of like length share a bucket, and a bucket is one padded array that batches
index, so that there are as many shapes to compile as buckets. An epoch's batches come
in runs of one bucket, whose steps can go in one dispatch; the runs are shuffled.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np


class Batch(NamedTuple):
    """Sequences of a batch, or of several stacked on each other."""

    tokens: np.ndarray  # [..., B, T] int32, 0 from a row's length on
    lengths: np.ndarray  # [..., B] int32, 0 where a row is empty


class _Plan(NamedTuple):
    """An epoch's batches in order."""

    bucket: np.ndarray  # [steps], which bucket
    rows: np.ndarray  # [steps, B], which of its rows; -1 is the empty one
    until: np.ndarray  # [steps], the first step after this one of another bucket


class Batches:
    """Batches by length, each sequence once an epoch.

    A bucket's last batch is filled up with empty rows.

    Args:
      sequences: integers [length] each.
      batch_size: B.
      seed: of the order.
      buckets: how many groups to make of the lengths, with equal counts as far as
        ties allow; fewer come out where lengths are few. Each is padded to the
        longest of its own.
      run: the most batches of a bucket that are kept together.

    Raises:
      ValueError: nothing to batch, an empty or a non-integer sequence, or a number
        below 1.
    """

    def __init__(
        self,
        sequences: Sequence[np.ndarray],
        batch_size: int,
        seed: int = 0,
        buckets: int = 1,
        run: int = 16,
    ):
        _check(sequences, batch_size=batch_size, buckets=buckets, run=run)
        self.batch_size, self.seed, self._run = batch_size, seed, run
        lengths = np.array([len(sequence) for sequence in sequences], np.int32)
        shares = np.arange(1, buckets + 1) / buckets
        longest = np.unique(np.quantile(lengths, shares, method="inverted_cdf"))
        of = np.searchsorted(longest, lengths)
        self._buckets = [
            _pad([sequences[i] for i in np.flatnonzero(of == k).tolist()])
            for k in range(len(longest))
        ]
        self._cached = (0, self._plan(0))

    @property
    def steps_per_epoch(self) -> int:
        """How many batches show every sequence once."""
        return len(self._cached[1].bucket)

    def at(self, step: int) -> Batch:
        """The batch of a training step: tokens [B, T], lengths [B]."""
        return Batch(*(array[0] for array in self.stacked(step, 1)))

    def run_length(self, step: int, most: int) -> int:
        """How many steps from `step` on, at most `most`, share its bucket and epoch."""
        plan, i = self._find(step)
        return min(most, int(plan.until[i]) - i)

    def stacked(self, step: int, count: int) -> Batch:
        """The batches of `count` steps: tokens [count, B, T], lengths [count, B].

        Raises:
          ValueError: `count` is not in 1 … `run_length(step, count)`.
        """
        plan, i = self._find(step)
        if not 1 <= count <= plan.until[i] - i:
            raise ValueError(
                f"from step {step} on 1 to {plan.until[i] - i} batches have one shape, "
                f"not {count}"
            )
        return _take(self._buckets[plan.bucket[i]], plan.rows[i : i + count])

    def once(self) -> Iterator[Batch]:
        """Every sequence once: bucket by bucket, each in the order given.

        With one bucket, the default, that is the order of `sequences`.
        """
        for bucket in self._buckets:
            for rows in self._grouped(np.arange(_count(bucket))):
                yield _take(bucket, rows)

    def _find(self, step: int) -> tuple[_Plan, int]:
        epoch, i = divmod(step, self.steps_per_epoch)
        if self._cached[0] != epoch:
            self._cached = (epoch, self._plan(epoch))
        return self._cached[1], i

    def _plan(self, epoch: int) -> _Plan:
        rng = np.random.default_rng([self.seed, epoch])
        runs = []
        for k, bucket in enumerate(self._buckets):
            rows = self._grouped(rng.permutation(_count(bucket)))
            runs += [(k, part) for part in _split(rows, self._run)]
        runs = [runs[i] for i in rng.permutation(len(runs))]
        bucket = np.repeat([k for k, _ in runs], [len(part) for _, part in runs])
        ends = np.append(np.flatnonzero(np.diff(bucket)) + 1, len(bucket))
        until = ends[np.searchsorted(ends, np.arange(len(bucket)), side="right")]
        return _Plan(bucket, np.concatenate([part for _, part in runs]), until)

    def _grouped(self, rows: np.ndarray) -> np.ndarray:
        """Rows [N] as batches [steps, B]; -1 fills up the last."""
        filled = np.full(-(-len(rows) // self.batch_size) * self.batch_size, -1)
        filled[: len(rows)] = rows
        return filled.reshape(-1, self.batch_size)


def _pad(sequences: Sequence[np.ndarray]) -> Batch:
    """All sequences of a bucket [N + 1, T]; the last row is the empty one."""
    lengths = np.array([len(sequence) for sequence in sequences] + [0], np.int32)
    tokens = np.zeros((len(lengths), lengths.max()), np.int32)
    tokens[np.arange(lengths.max()) < lengths[:, None]] = np.concatenate(sequences)
    return Batch(tokens, lengths)


def _count(bucket: Batch) -> int:
    return len(bucket.lengths) - 1


def _take(bucket: Batch, rows: np.ndarray) -> Batch:
    return Batch(bucket.tokens[rows], bucket.lengths[rows])


def _split(rows: np.ndarray, run: int) -> list[np.ndarray]:
    return [rows[i : i + run] for i in range(0, len(rows), run)]


def _check(sequences: Sequence[np.ndarray], **numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name} must be at least 1, not {number}")
    if not len(sequences):
        raise ValueError("there are no sequences to batch")
    for i, sequence in enumerate(sequences):
        array = np.asarray(sequence)
        if array.ndim != 1 or not array.size:
            raise ValueError(f"sequence {i} must be [length >= 1], got {array.shape}")
        if not np.issubdtype(array.dtype, np.integer):
            raise ValueError(f"sequence {i} must be integers, got {array.dtype}")
