"""Batches of ragged examples, in an order that is a function of (seed, epoch, step).

Examples of like length share a bucket, and a bucket is one padded array that batches
index, so that there are as many shapes to compile as buckets. An epoch's batches come
in runs of one bucket, whose steps can go in one dispatch; the runs are shuffled.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from seqjax.metrics import Mean


class Batch(NamedTuple):
    """Examples of a batch, or of several stacked on each other.

    Both are arrays where an example is one, and NamedTuples of arrays where it is one.
    """

    values: Any  # [..., B, T, ...] int32 or float32, 0 from a row's length on
    lengths: Any  # [..., B] int32; of a number without T it is 1; 0 in empty rows


class _Plan(NamedTuple):
    """An epoch's batches in order."""

    bucket: np.ndarray  # [steps], which bucket
    rows: np.ndarray  # [steps, B], which of its rows; -1 is the empty one
    until: np.ndarray  # [steps], the first step after this one of another bucket


class Batches:
    """Batches by length, each example once an epoch.

    A bucket's last batch is filled up with empty rows.

    Args:
      examples: each a sequence [length, ...], a number, or a NamedTuple of such, as of
        a sentence and its label; integers or floats, padded along every axis.
      batch_size: B.
      seed: of the order.
      buckets: how many groups to make of the lengths (of an example's longest
        sequence), with equal counts as far as ties allow; fewer come out where lengths
        are few. Each is padded to the longest of its own.
      run: the most batches of a bucket that are kept together.

    Raises:
      ValueError: nothing to batch, an empty sequence, examples of different kinds, or
        an argument below 1.
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
        columns, self._structure = _columns(examples)
        lengths = np.max([_lengths(column) for column in columns], axis=0)
        shares = np.arange(1, buckets + 1) / buckets
        longest = np.unique(np.quantile(lengths, shares, method="inverted_cdf"))
        of = np.searchsorted(longest, lengths)
        self._members = [np.flatnonzero(of == k) for k in range(len(longest))]
        self._buckets = [
            [_pad([column[i] for i in members]) for column in columns]
            for members in self._members
        ]
        self._cached = (0, self._plan(0))

    @property
    def steps_per_epoch(self) -> int:
        """How many batches show every sequence once."""
        return len(self._cached[1].bucket)

    def at(self, step: int) -> Batch:
        """The batch of a training step; leaves [B, ...]."""
        return jax.tree.map(lambda a: a[0], self.stacked(step, 1))

    def run_length(self, step: int, most: int) -> int:
        """How many steps from `step` on, at most `most`, share its bucket and epoch."""
        plan, i = self._find(step)
        return min(most, int(plan.until[i]) - i)

    def stacked(self, step: int, count: int) -> Batch:
        """The batches of `count` steps; leaves [count, B, ...].

        Raises:
          ValueError: `count` is not in 1 … `run_length(step, count)`.
        """
        plan, i = self._find(step)
        if not 1 <= count <= plan.until[i] - i:
            raise ValueError(
                f"from step {step} on 1 to {plan.until[i] - i} batches have one shape, "
                f"not {count}"
            )
        return self._take(self._buckets[plan.bucket[i]], plan.rows[i : i + count])

    def once(self) -> Iterator[Batch]:
        """Every example once: bucket by bucket, each in the order given.

        With one bucket, the default, that is the order of `examples`.
        """
        for bucket in self._buckets:
            for rows in self._grouped(np.arange(_count(bucket))):
                yield self._take(bucket, rows)

    def each(self, function: Callable[[Batch], Any]) -> list[np.ndarray]:
        """The row that belongs to each example, in the order of `examples`.

        Args:
          function: from a batch to rows [B, ...].
        """
        members = np.concatenate(self._members).tolist()
        rows = (
            row
            for batch in self.once()
            for row, length in zip(
                np.asarray(function(batch)),
                jax.tree.leaves(batch.lengths)[0],
                strict=True,
            )
            if length
        )
        found = dict(zip(members, rows, strict=True))
        return [found[i] for i in range(len(members))]

    def mean(self, function: Callable[[Batch], Mean]) -> Mean:
        """The mean over all examples.

        Args:
          function: the mean over a batch.
        """
        found = Mean(0.0, 0.0)
        for batch in self.once():
            found = found.merge(function(batch))
        return Mean(float(found.total), float(found.weight))

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

    def _take(self, bucket: list[Batch], rows: np.ndarray) -> Batch:
        values, lengths = zip(
            *((part.values[rows], part.lengths[rows]) for part in bucket), strict=True
        )
        return Batch(*map(self._structure.unflatten, (values, lengths)))

    def _grouped(self, rows: np.ndarray) -> np.ndarray:
        """Rows [N] as batches [steps, B]; -1 fills up the last."""
        filled = np.full(-(-len(rows) // self.batch_size) * self.batch_size, -1)
        filled[: len(rows)] = rows
        return filled.reshape(-1, self.batch_size)


def _columns(examples: Sequence[Any]) -> tuple[list[list[np.ndarray]], Any]:
    """Every example's first part, their second parts, …, and how parts are grouped."""
    if not len(examples):
        raise ValueError("there are no examples to batch")
    structure = jax.tree.structure(examples[0], is_leaf=_is_part)
    rows = []
    for i, example in enumerate(examples):
        parts, found = jax.tree.flatten(example, is_leaf=_is_part)
        if found != structure:
            raise ValueError(f"example {i} has other parts than example 0")
        rows.append([np.asarray(part) for part in parts])
        for part, like in zip(rows[-1], rows[0], strict=True):
            _check(i, part, like)
    return [list(column) for column in zip(*rows, strict=True)], structure


def _is_part(example: Any) -> bool:
    return not hasattr(example, "_fields")


def _check(i: int, part: np.ndarray, like: np.ndarray) -> None:
    if not np.issubdtype(part.dtype, np.number):
        raise ValueError(f"example {i} must be of numbers, not {part.dtype}")
    if not part.size or part.ndim != like.ndim or part.dtype.kind != like.dtype.kind:
        raise ValueError(
            f"example {i} has a part {part.shape} of {part.dtype}, where example 0 "
            f"has {like.shape} of {like.dtype}, and no part may be empty"
        )


def _lengths(column: list[np.ndarray]) -> list[int]:
    return [len(part) if part.ndim else 1 for part in column]


def _pad(parts: list[np.ndarray]) -> Batch:
    """All parts of a bucket [N + 1, T, ...]; the last row is the empty one."""
    shape = np.max([part.shape for part in parts], axis=0).astype(int)
    dtype = np.int32 if parts[0].dtype.kind in "iu" else np.float32
    values = np.zeros((len(parts) + 1, *shape), dtype)
    for i, part in enumerate(parts):
        values[(i, *map(slice, part.shape))] = part
    return Batch(values, np.array([*_lengths(parts), 0], np.int32))


def _count(bucket: list[Batch]) -> int:
    return len(bucket[0].lengths) - 1


def _split(rows: np.ndarray, run: int) -> list[np.ndarray]:
    return [rows[i : i + run] for i in range(0, len(rows), run)]
