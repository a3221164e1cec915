"""Batches of ragged examples, in an order that is a function of (seed, epoch, step).

Examples of similar length share a bucket. A bucket is padded once, to one array, and a
batch takes rows of it, so that there are only as many shapes to compile as buckets. An
epoch's batches come in runs of one bucket, whose steps can go in one dispatch, and the
runs are shuffled.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from seqjax.data import padding
from seqjax.data.padding import Batch
from seqjax.metrics import Mean


class _Plan(NamedTuple):
    """The batches of an epoch in their order."""

    bucket: np.ndarray  # [steps], the bucket of each
    rows: np.ndarray  # [steps, B], the rows of the bucket; -1 is the empty last one
    until: np.ndarray  # [steps], the end of the run that the step belongs to


class Batches:
    """Batches of examples of similar length, in which each comes once an epoch.

    The last batch of a bucket is filled up with empty rows.

    Args:
      examples: each is a sequence [length, ...], a number, or a NamedTuple of these,
        such as a sentence and its label. They are integers or floats, and are padded
        along every axis.
      batch_size: B, the rows of a batch.
      seed: the seed of the order.
      buckets: the number of groups by length (that of an example's longest part). They
        hold equally many examples as far as ties allow, and are fewer where there are
        fewer lengths. Each is padded to its own longest example.
      run: the largest number of batches of one bucket that follow each other.

    Raises:
      ValueError: there are no examples, one is empty, they are of different kinds, or
        an argument is below 1.
    """

    def __init__(
        self,
        examples: Sequence[Any],
        batch_size: int,
        seed: int = 0,
        buckets: int = 1,
        run: int = 16,
    ):
        for name, number in (
            ("batch_size", batch_size),
            ("buckets", buckets),
            ("run", run),
        ):
            if number < 1:
                raise ValueError(f"{name} must be at least 1, not {number}")
        self.batch_size, self.seed, self._run = batch_size, seed, run
        parts, self._structure = padding.columns(examples)
        lengths = np.max([padding.lengths(column) for column in parts], axis=0)
        # The quantiles of the lengths are the buckets' longest; equal ones are merged.
        shares = np.arange(1, buckets + 1) / buckets
        longest = np.unique(np.quantile(lengths, shares, method="inverted_cdf"))
        bucket_of = np.searchsorted(longest, lengths)
        self._members = [np.flatnonzero(bucket_of == k) for k in range(len(longest))]
        self._buckets = [
            [padding.pad([column[i] for i in members]) for column in parts]
            for members in self._members
        ]
        self._cached = (0, self._plan(0))  # an epoch, and its plan

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches in which every example comes once."""
        return len(self._cached[1].bucket)

    def at(self, step: int) -> Batch:
        """Returns the batch of a training step; leaves [B, ...]."""
        return jax.tree.map(lambda a: a[0], self.stacked(step, 1))

    def run_length(self, step: int, most: int) -> int:
        """Returns how many steps from `step` on have its bucket and its epoch.

        Args:
          step: the first of them.
          most: the largest number to return.
        """
        plan, i = self._locate(step)
        return min(most, int(plan.until[i]) - i)

    def stacked(self, step: int, count: int) -> Batch:
        """Returns the batches of `count` steps from `step` on; leaves [count, B, ...].

        Raises:
          ValueError: `count` is not in 1 … `run_length(step, count)`.
        """
        plan, i = self._locate(step)
        if not 1 <= count <= plan.until[i] - i:
            raise ValueError(
                f"from step {step} on 1 to {plan.until[i] - i} batches have one shape, "
                f"not {count}"
            )
        return self._take(self._buckets[plan.bucket[i]], plan.rows[i : i + count])

    def once(self) -> Iterator[Batch]:
        """Yields every example once, bucket by bucket, each in the order given.

        With one bucket, the default, this is the order of `examples`.
        """
        for bucket in self._buckets:
            for rows in self._grouped(np.arange(padding.row_count(bucket))):
                yield self._take(bucket, rows)

    def map_rows(self, function: Callable[[Batch], Any]) -> list[np.ndarray]:
        """Returns a function's row for each example, in the order of `examples`.

        Args:
          function: takes a batch, and returns rows [B, ...].
        """
        members = np.concatenate(self._members).tolist()  # in the order of `once`
        rows = (
            row
            for batch in self.once()
            for row, length in zip(
                np.asarray(function(batch)),
                jax.tree.leaves(batch.lengths)[0],
                strict=True,
            )
            if length  # else the row is empty, and no example's
        )
        row_of = dict(zip(members, rows, strict=True))
        return [row_of[i] for i in range(len(members))]

    def mean(self, function: Callable[[Batch], Mean]) -> Mean:
        """Returns the mean over all examples.

        Args:
          function: takes a batch, and returns the mean over it.
        """
        mean = Mean(0.0, 0.0)
        for batch in self.once():
            mean = mean.merge(function(batch))
        return Mean(float(mean.total), float(mean.weight))

    def _locate(self, step: int) -> tuple[_Plan, int]:
        """Returns the plan of a step's epoch, and the step's place in it."""
        epoch, i = divmod(step, self.steps_per_epoch)
        if self._cached[0] != epoch:
            self._cached = (epoch, self._plan(epoch))
        return self._cached[1], i

    def _plan(self, epoch: int) -> _Plan:
        """Shuffles the rows of each bucket into batches, and then runs of batches."""
        rng = np.random.default_rng([self.seed, epoch])
        runs = []
        for k, bucket in enumerate(self._buckets):
            rows = self._grouped(rng.permutation(padding.row_count(bucket)))
            runs += [(k, part) for part in _split(rows, self._run)]
        runs = [runs[i] for i in rng.permutation(len(runs))]
        bucket = np.repeat([k for k, _ in runs], [len(part) for _, part in runs])
        # Two runs of a bucket that come to stand together count as one.
        ends = np.append(np.flatnonzero(np.diff(bucket)) + 1, len(bucket))
        until = ends[np.searchsorted(ends, np.arange(len(bucket)), side="right")]
        return _Plan(bucket, np.concatenate([part for _, part in runs]), until)

    def _take(self, bucket: list[Batch], rows: np.ndarray) -> Batch:
        """Takes rows [...] of a bucket's parts, and groups them as examples are."""
        values, lengths = zip(
            *((part.values[rows], part.lengths[rows]) for part in bucket), strict=True
        )
        return Batch(*map(self._structure.unflatten, (values, lengths)))

    def _grouped(self, rows: np.ndarray) -> np.ndarray:
        """Groups rows [N] into batches [steps, B]; -1 fills up the last."""
        filled = np.full(-(-len(rows) // self.batch_size) * self.batch_size, -1)
        filled[: len(rows)] = rows
        return filled.reshape(-1, self.batch_size)


def _split(rows: np.ndarray, run: int) -> list[np.ndarray]:
    """Splits batches into runs of at most `run`."""
    return [rows[i : i + run] for i in range(0, len(rows), run)]
