"""Pictures with labels, and their division into parts."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seqjax.data import DataError, Splits, split


class Picture(NamedTuple):
    """A grey image and what is in it."""

    name: str
    pixels: np.ndarray  # [H, W], integers from 0, black, to 255
    label: str
    part: str = ""  # "train" or "test", where the data has parts of its own


def divide(pictures: Sequence[Picture], seed: int, name: str) -> Splits:
    """Splits pictures at random; equal ones are never on two sides.

    The data's own test part is kept, and what equals one of its pictures is not learned
    from.

    Args:
      pictures: of all parts.
      seed: of the choice.
      name: of the data.

    Raises:
      DataError: there are too few, they are all of one class, or a class is in the test
        alone.
    """
    own = [p for p in pictures if p.part == "test"]
    known = {_content(p) for p in own}
    rest = [p for p in pictures if p.part != "test" and _content(p) not in known]
    drawn = split(rest, [_content(p) for p in rest], seed)
    parts = Splits(drawn.train + drawn.test, drawn.valid, own) if own else drawn
    classes = classes_of(parts.train)
    if len(classes) < 2:
        label = parts.train[0].label
        raise DataError(f"{name}: all pictures are of {label}; two are needed")
    for picture in parts.valid + parts.test:
        if picture.label not in classes:
            raise DataError(
                f"{picture.name}: no other picture of {picture.label} is there to "
                f"learn from"
            )
    return parts


def describe(parts: Splits, steps: int) -> str:
    """How much there is to learn from, to choose by and to score on, and how long."""
    facts = "{:,} images to learn from, {:,} to choose by, {:,} held out; steps: {:,}"
    return facts.format(*map(len, parts), steps)


def classes_of(pictures: Sequence[Picture]) -> tuple[str, ...]:
    """The labels, sorted."""
    return tuple(sorted({picture.label for picture in pictures}))


def _content(picture: Picture) -> tuple[tuple[int, ...], bytes]:
    return picture.pixels.shape, picture.pixels.tobytes()
