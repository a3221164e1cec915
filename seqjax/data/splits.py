"""Examples split into training, validation and test data without overlap."""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqjax.data.files import DataError


class Splits(NamedTuple):
    """Examples for training, for choosing a model, and for its score."""

    train: list[Any]
    valid: list[Any]
    test: list[Any]


def normalize(text: str) -> str:
    """Returns a text in lower case with single spaces, so that equal ones are found."""
    return " ".join(text.casefold().split())


def split(examples: Sequence[Any], groups: Sequence[Hashable], seed: int = 0) -> Splits:
    """Splits examples at random by their groups: eight tenths, a tenth, and a tenth.

    Args:
      examples: of any kind.
      groups: the group of each example. All examples of a group, such as the sentences
        of one review or the copies of one sentence, come into the same split.
      seed: the seed of the choice.

    Returns:
      The splits, in which the examples keep their order.

    Raises:
      DataError: there are fewer than three groups.
    """
    names = list(dict.fromkeys(groups))
    if len(names) < 3:
        raise DataError(
            f"{len(names)} different examples cannot be split in three; give 3 or more"
        )
    tenth = max(len(names) // 10, 1)
    order = np.random.default_rng(seed).permutation(len(names))
    # The first tenth of the random order is for test, 2; the second for validation, 1.
    split_of = {
        names[i]: (place < 2 * tenth) + (place < tenth) for place, i in enumerate(order)
    }
    splits = Splits([], [], [])
    for example, group in zip(examples, groups, strict=True):
        splits[split_of[group]].append(example)
    return splits
