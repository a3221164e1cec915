"""Examples in three parts, so that nothing scored on was seen before."""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqjax.data.files import DataError


class Splits(NamedTuple):
    """Examples to learn from, to choose by, and to score on."""

    train: list[Any]
    valid: list[Any]
    test: list[Any]


def normalize(text: str) -> str:
    """What equal texts share, however they are spaced and written in capitals."""
    return " ".join(text.casefold().split())


def split(examples: Sequence[Any], groups: Sequence[Hashable], seed: int = 0) -> Splits:
    """Cuts examples into eight tenths, a tenth and a tenth of their groups, at random.

    Args:
      examples: of any kind.
      groups: one for each; those of one group, such as the sentences of one review or
        the copies of one sentence, come into one part.
      seed: of the choice.

    Raises:
      DataError: there are fewer than three groups.
    """
    names = list(dict.fromkeys(groups))
    if len(names) < 3:
        raise DataError(f"{len(names)} different examples make no three parts")
    tenth = max(len(names) // 10, 1)
    order = np.random.default_rng(seed).permutation(len(names))
    part_of = {
        names[i]: (place < 2 * tenth) + (place < tenth) for place, i in enumerate(order)
    }
    parts = Splits([], [], [])
    for example, group in zip(examples, groups, strict=True):
        parts[part_of[group]].append(example)
    return parts
