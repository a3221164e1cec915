"""Images with captions, and their division into parts."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from seqjax.data import DataError, Splits, split


class Captioned(NamedTuple):
    """A coloured image and what is said of it."""

    name: str
    pixels: np.ndarray  # [H, W, 3], integers from 0 to 255
    caption: str  # words parted by spaces
    group: str = ""  # of images that must not stand on two sides; its own if empty


def divide(images: Sequence[Captioned], seed: int, name: str) -> Splits:
    """Splits images at random; those of one group, and equal ones, stay together.

    Args:
      images: of all parts.
      seed: of the choice.
      name: of the data.

    Raises:
      DataError: there are too few.
    """
    try:
        return split(images, [_group(image) for image in images], seed)
    except DataError as error:
        raise DataError(f"{name}: {error}") from None


def _group(image: Captioned) -> Hashable:
    return image.group or (image.pixels.shape, image.pixels.tobytes())
