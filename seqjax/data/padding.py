"""Ragged examples as padded arrays."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np


class Batch(NamedTuple):
    """The examples of a batch, or of several batches stacked on each other.

    Where an example is an array, both fields are arrays. Where it is a NamedTuple, both
    are such NamedTuples of arrays.
    """

    values: Any  # [..., B, T, ...] int32 or float32, 0 from a row's length on
    lengths: Any  # [..., B] int32; 1 for an example without T; 0 in empty rows


def columns(examples: Sequence[Any]) -> tuple[list[list[np.ndarray]], Any]:
    """Returns the first parts of all examples, their second parts, and so on.

    An example that is an array has one part, and a NamedTuple has one for each field.
    The second value returned is their structure.
    """
    if not len(examples):
        raise ValueError("there are no examples to batch")
    structure = jax.tree.structure(examples[0], is_leaf=_is_part)
    rows = []
    for i, example in enumerate(examples):
        parts, its_structure = jax.tree.flatten(example, is_leaf=_is_part)
        if its_structure != structure:
            raise ValueError(f"example {i} has other parts than example 0")
        rows.append([np.asarray(part) for part in parts])
        for part, like in zip(rows[-1], rows[0], strict=True):
            _check(i, part, like)
    return [list(column) for column in zip(*rows, strict=True)], structure


def _is_part(example: Any) -> bool:
    """Tells a part from a NamedTuple of parts; lists are parts, unlike in JAX."""
    return not hasattr(example, "_fields")


def _check(i: int, part: np.ndarray, like: np.ndarray) -> None:
    """Refuses a part of example i that is not of numbers, or not like example 0's."""
    if not np.issubdtype(part.dtype, np.number):
        raise ValueError(f"example {i} must be of numbers, not {part.dtype}")
    if not part.size:
        raise ValueError(f"example {i} is empty, or has an empty part")
    if part.ndim != like.ndim or part.dtype.kind != like.dtype.kind:
        raise ValueError(
            f"example {i} has an array of shape {part.shape} and type {part.dtype}, "
            f"but example 0 has one of {like.shape} and {like.dtype}"
        )


def lengths(column: list[np.ndarray]) -> list[int]:
    """Returns the length of each part; a number has length 1."""
    return [len(part) if part.ndim else 1 for part in column]


def pad(parts: list[np.ndarray]) -> Batch:
    """Pads all parts of a bucket to [N + 1, T, ...]; the last row is the empty one."""
    shape = np.max([part.shape for part in parts], axis=0).astype(int)
    dtype = np.int32 if parts[0].dtype.kind in "iu" else np.float32
    values = np.zeros((len(parts) + 1, *shape), dtype)
    for i, part in enumerate(parts):
        values[(i, *map(slice, part.shape))] = part
    return Batch(values, np.array([*lengths(parts), 0], np.int32))


def row_count(bucket: list[Batch]) -> int:
    """Returns the number of examples in a bucket, without the empty row."""
    return len(bucket[0].lengths) - 1
