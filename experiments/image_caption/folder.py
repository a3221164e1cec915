"""What --data takes: a folder of images with a table of captions."""

import pathlib

import numpy as np

from experiments.image_caption.captioned import Captioned
from seqjax.data import DataError
from seqjax.data.files import is_file, is_folder, numbered_lines
from seqjax.data.images import read_image, resized
from seqjax.data.quoting import shown

TABLE = "captions.tsv"


def read_captions(path: str | pathlib.Path) -> list[Captioned]:
    """Reads a folder of images with captions.tsv, IMAGE<TAB>CAPTION a line.

    All images are scaled to the size of the first. An image with several captions stays
    in one part.

    Raises:
      DataError: the table is missing, a line lacks a column, or an image cannot be
        used.
    """
    folder, images = pathlib.Path(path), []
    table = folder / TABLE
    if not is_folder(folder):
        raise DataError(f"{path}: a folder of images with {TABLE} is needed")
    size = (0, 0)
    for number, line in numbered_lines(table, longest=5000):
        if not line:
            continue
        columns = [column.strip() for column in line.split("\t")]
        if len(columns) != 2 or not all(columns):
            raise DataError(
                f"{table}, line {number}: two columns by tab are needed, an image and "
                f"its caption"
            )
        if not is_file(folder / columns[0]):
            raise DataError(
                f"{table}, line {number}: there is no file {shown(columns[0])}"
            )
        pixels: np.ndarray = read_image(folder / columns[0], "RGB")
        size = size if images else pixels.shape[:2]
        caption = " ".join(columns[1].split())
        found = resized(pixels, size)
        images.append(Captioned(columns[0], found, caption, columns[0]))
    return images
