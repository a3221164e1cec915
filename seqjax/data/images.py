"""Images: reading them, and the ways in which one becomes a sequence."""

import dataclasses
import io
import pathlib
import warnings
from typing import Any, Literal, get_args

import numpy as np

from seqjax.data.files import DataError, entries, read_bytes
from seqjax.data.packed import check_size
from seqjax.data.quoting import reason
from seqjax.extras import library

Way = Literal["fixed", "rows", "columns", "pixels"]
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm"}
# Pillow knows more, among them PostScript, which it gives to another program.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")


def read_image(path: str | pathlib.Path, mode: str = "L") -> np.ndarray:
    """Reads an image file.

    Args:
      path: of the file: PNG, JPEG, BMP, GIF, TIFF, WebP or PGM.
      mode: "L" gives grey values, [H, W], "RGB" colours, [H, W, 3]. What is transparent
        is black in the first, and white in the second.

    Returns:
      Integers from 0, black, to 255.

    Raises:
      DataError: the file is missing, empty, damaged or no image, or unpacks to more
        than `seqjax.data.packed` lets through.
    """
    raw = read_bytes(path)
    if not raw:
        raise DataError(f"{path}: this file is empty")
    return decode_image(raw, path, mode)


def decode_image(raw: bytes, path: object, mode: str = "L") -> np.ndarray:
    """Decodes the content of an image file; the arguments are as above."""
    pillow = library("PIL.Image", "images")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes, and of what is odd in a file
            with pillow.open(io.BytesIO(raw), formats=FORMATS) as image:
                check_size(4 * image.width * image.height, len(raw), path)
                colours = image.convert("RGBA")
    except DataError:
        raise
    except Exception as error:  # whatever a damaged file leads to
        said = reason(error)
        said = "no image that can be read" if "identify" in said else said
        raise DataError(f"{path}: {said}") from None
    ground = pillow.new("RGBA", colours.size, "white" if mode == "RGB" else "black")
    return np.asarray(pillow.alpha_composite(ground, colours).convert(mode))


def resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scales an image of integers [H, W] or [H, W, 3] to a height and a width."""
    if pixels.shape[:2] == tuple(size):
        return pixels
    pillow = library("PIL.Image", "images")
    image = pillow.fromarray(np.asarray(pixels, np.uint8))
    return np.asarray(image.resize((size[1], size[0]), pillow.Resampling.BILINEAR))


def image_files(folder: str | pathlib.Path) -> list[pathlib.Path]:
    """Returns the image files in a folder, by their names' endings, sorted."""
    paths = entries(folder)
    return [p for p in paths if p.suffix.lower() in SUFFIXES and p.is_file()]


@dataclasses.dataclass(frozen=True)
class Scan:
    """A way to read images of one height and width as sequences of vectors.

    Attributes:
      way: "fixed" is a single step of all pixels; "rows" is a step for each row, of
        which there may be any number; "columns" the same from left to right; "pixels" a
        step for each pixel, row by row.
      height: of the images.
      width: of the images.
      order: of the pixels in place of row by row, a permutation of H · W; none if
        empty.

    Example:
      >>> image = np.arange(6).reshape(2, 3)
      >>> Scan("columns", 2, 3).steps(Scan("columns", 2, 3).stand(image)).tolist()
      [[0, 3], [1, 4], [2, 5]]
      >>> Scan("pixels", 2, 3, (5, 4, 3, 2, 1, 0)).steps(image)[:2].tolist()
      [[5], [4]]
    """

    way: Way
    height: int
    width: int
    order: tuple[int, ...] = ()

    def __post_init__(self):
        if self.way not in get_args(Way):
            raise ValueError(f"way must be one of {get_args(Way)}, not {self.way!r}")
        size = self.height * self.width
        if self.order and sorted(self.order) != list(range(size)):
            raise ValueError(f"order must be a permutation of {size} pixels")

    @property
    def features(self) -> int:
        """The width of a step."""
        whole = self.height * self.width
        sizes = {"fixed": whole, "rows": self.width, "columns": self.height}
        return sizes.get(self.way, 1)

    def refused(self, shape: tuple[int, ...]) -> str:
        """Returns why images of this shape cannot be read; nothing if they can."""
        own, other = f"{self.height} × {self.width}", " × ".join(map(str, shape))
        if len(shape) != 2 or not all(shape):
            return f"an image must be [height, width], not of shape {shape}"
        if self.way == "rows" and shape[1] != self.width:
            return f"rows of {self.width} pixels are read, not of {shape[1]}"
        if self.way == "columns" and shape[0] != self.height:
            return f"columns of {self.height} pixels are read, not of {shape[0]}"
        if self.way in ("fixed", "pixels") and shape != (self.height, self.width):
            kind = "a fixed network reads" if self.way == "fixed" else "pixel by pixel,"
            read = "" if self.way == "fixed" else " are read"
            return f"{kind} {own} pixels{read} and no other size, not {other}"
        return ""

    def stand(self, image: Any) -> Any:
        """Turns images [..., H, W] so that the axis which may be longer comes first."""
        return image.swapaxes(-1, -2) if self.way == "columns" else image

    def steps(self, stood: Any) -> Any:
        """Returns the steps [..., T, features] of images from `stand`."""
        lead = stood.shape[:-2]
        if self.way == "fixed":
            return stood.reshape(*lead, 1, -1)
        if self.way != "pixels":
            return stood
        pixels = stood.reshape(*lead, -1, 1)
        return pixels[..., list(self.order), :] if self.order else pixels

    def count(self, lengths: Any) -> Any:
        """Returns the number of steps, of images from `stand` with so many rows."""
        if self.way == "fixed":
            return (lengths > 0) * 1
        return lengths * self.width if self.way == "pixels" else lengths
