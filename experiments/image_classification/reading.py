"""What --data takes: IDX files, or a folder of images by class."""

import pathlib
import struct

import numpy as np

from experiments.image_classification.picture import Picture
from seqjax.data import DataError
from seqjax.data.files import entries, is_folder, read_bytes
from seqjax.data.images import image_files, read_image
from seqjax.data.packed import gunzipped

IMAGES, LABELS = "images", "labels"  # in the names of MNIST's files
PARTS = {"train": "train", "t10k": "test", "test": "test"}


def read_path(path: str | pathlib.Path) -> list[Picture]:
    """Reads IDX files, or a folder with a folder of images for each class.

    Args:
      path: an IDX file of images, beside which one of labels lies, whose name has
        "labels" and "idx1" for "images" and "idx3"; a folder of such files, of which
        those that begin with t10k or test are the test part; or a folder of folders,
        whose names are the classes. IDX files may be gzipped.

    Raises:
      DataError: what is there cannot be used.
    """
    path = pathlib.Path(path)
    if not is_folder(path):
        return read_idx(path, "")
    files = [p for p in entries(path) if IMAGES in p.name and "idx" in p.name]
    files = [p for p in files if p.is_file()]
    if not files:
        return read_folder(path)
    parts = [PARTS.get(p.name.split("-")[0], "train") for p in files]
    one = len(set(parts)) == 1
    pairs = zip(files, parts, strict=True)
    return sum((read_idx(p, "" if one else part) for p, part in pairs), [])


def read_idx(path: pathlib.Path, part: str) -> list[Picture]:
    """Reads an IDX file of images [N, H, W], and the one of labels [N] beside it.

    Raises:
      DataError: one is missing or damaged, or they do not fit each other.
    """
    pixels = idx_array(path, 3)
    name = path.name.replace(IMAGES, LABELS).replace("idx3", "idx1")
    beside = path.with_name(name)
    if name == path.name:
        raise DataError(f"{path}: the name of a file of images must have {IMAGES!r}")
    labels = idx_array(beside, 1)
    if len(labels) != len(pixels):
        raise DataError(f"{beside}: {len(labels)} labels for {len(pixels)} images")
    rows = enumerate(zip(pixels, labels, strict=True), 1)
    return [
        Picture(f"{path}, image {i}", p, str(label), part) for i, (p, label) in rows
    ]


def idx_array(path: pathlib.Path, axes: int) -> np.ndarray:
    """Reads an IDX file of bytes with so many axes, gzipped or not.

    Raises:
      DataError: it is missing, cut short, or another kind of file.
    """
    raw = read_bytes(path)
    raw = gunzipped(raw, path) if raw[:2] == b"\x1f\x8b" else raw
    if raw[:4] != bytes([0, 0, 8, axes]):
        raise DataError(f"{path}: no IDX file of bytes with {axes} axes")
    head = 4 + 4 * axes
    if len(raw) < head:
        raise DataError(f"{path}: this file is cut short")
    shape = struct.unpack(f">{axes}I", raw[4:head])
    if not all(shape) or len(raw) - head != np.prod(shape, dtype=object):
        wanted = " × ".join(map(str, shape))
        raise DataError(f"{path}: {len(raw) - head} bytes, where {wanted} are promised")
    return np.frombuffer(raw, np.uint8, offset=head).reshape(shape)


def read_folder(path: pathlib.Path) -> list[Picture]:
    """Reads the images in the folders of a folder; a folder's name is their class.

    Raises:
      DataError: there are none, or one is no image.
    """
    folders = [p for p in entries(path) if p.is_dir() and p.name[0] != "."]
    if not folders:
        raise DataError(f"{path}: neither IDX files nor folders of images, one a class")
    pictures = []
    for folder in folders:
        if not (files := image_files(folder)):
            raise DataError(f"{folder}: there is no image in it")
        pictures += [Picture(str(p), read_image(p), folder.name) for p in files]
    return pictures
