"""What --data takes: an .npz of frames, a .ts file, or folders named by activities."""

import pathlib

import numpy as np

from experiments.video_activity.tracks import as_videos
from experiments.video_activity.video import Video
from seqjax.data import DataError
from seqjax.data.files import entries, is_folder, numbered_lines
from seqjax.data.images import image_files, read_image
from seqjax.data.packed import read_npz
from seqjax.data.parsing import is_number, number
from seqjax.data.ts import read_ts

POINTS = {".txt", ".csv", ".skeleton"}


def read_path(path: str | pathlib.Path) -> list[Video]:
    """Reads videos.

    Raises:
      DataError: what is there cannot be used, or its videos are of several kinds.
    """
    path = pathlib.Path(path)
    if path.suffix == ".npz":
        videos = read_arrays(path)
    elif path.suffix == ".ts":
        videos = as_videos(read_ts(path), str(path))
    else:
        videos = read_folder(path)
    first = videos[0]
    for video in videos:
        if video.frames.shape[1:] != first.frames.shape[1:]:
            own, other = _size(video), _size(first)
            raise DataError(f"{video.name}: frames of {own}, those before of {other}")
        if not np.isfinite(video.frames).all():
            raise DataError(f"{video.name}: there are numbers that are not finite")
    return videos


def read_arrays(path: pathlib.Path) -> list[Video]:
    """Reads `frames` [N, T, H, W], [N, T, H, W, C] or [N, T, F], `labels` [N], and, if
    videos end before T, `lengths` [N].

    Raises:
      DataError: the file is damaged, an array is missing, or they do not fit.
    """
    arrays = read_npz(path)
    if missing := {"frames", "labels"} - arrays.keys():
        raise DataError(f"{path}: there is no array {' or '.join(sorted(missing))!r}")
    frames, labels = arrays["frames"], arrays["labels"]
    fits = frames.ndim in (3, 4, 5) and labels.shape == frames.shape[:1]
    counts = (
        arrays.get("lengths", np.full(len(frames), frames.shape[1])) if fits else labels
    )
    if not fits or counts.shape != labels.shape:
        raise DataError(
            f"{path}: frames must be [N, T, H, W(, C)] or [N, T, F] with N labels and, "
            f"if any, N lengths, not {frames.shape}, {labels.shape} and {counts.shape}"
        )
    if frames.dtype.kind not in "biuf" or counts.dtype.kind not in "iu":
        raise DataError(f"{path}: frames must be numbers, and lengths whole ones")
    if labels.dtype.kind not in "biuUS":
        raise DataError(f"{path}: labels must be texts, or whole numbers")
    labels = labels.astype(str) if labels.dtype.kind == "S" else labels
    if not len(frames) or counts.min() < 1 or counts.max() > frames.shape[1]:
        raise DataError(f"{path}: each video needs 1 to {frames.shape[1]} frames")
    scale = 255 if frames.dtype == np.uint8 else 1
    frames = frames[..., None] if frames.ndim == 4 else frames
    with np.errstate(over="ignore", invalid="ignore"):  # of what is not finite
        frames = frames.astype(np.float32) / scale
    return [
        Video(f"{path}, video {i}", one[:count], str(label))
        for i, (one, count, label) in enumerate(
            zip(frames, counts, labels, strict=True)
        )
    ]


def read_folder(path: pathlib.Path) -> list[Video]:
    """Reads ACTIVITY/VIDEO/ with a file an image, or ACTIVITY/VIDEO.txt of points.

    Raises:
      DataError: it is no folder, or holds no video.
    """
    if not is_folder(path):
        raise DataError(f"{path}: no folder, and no .npz or .ts file")
    videos = []
    for activity in (p for p in entries(path) if p.is_dir()):
        for one in entries(activity):
            if one.is_dir() or one.suffix in POINTS:
                videos.append(Video(str(one), read_one(one), activity.name))
    if not videos:
        raise DataError(
            f"{path}: no video; ACTIVITY/VIDEO/ with an image a frame is needed, or "
            f"ACTIVITY/VIDEO.txt with a line of numbers a frame"
        )
    return videos


def read_one(path: pathlib.Path) -> np.ndarray:
    """Reads the frames of one video: a folder of images, or a file of points.

    Raises:
      DataError: as `read_frames` or `read_points`.
    """
    return read_frames(path) if path.is_dir() else read_points(path)


def read_frames(folder: pathlib.Path) -> np.ndarray:
    """Reads the images of a folder in the order of their names: [T, H, W, 1].

    Raises:
      DataError: there is none, one cannot be read, or their sizes differ.
    """
    files = image_files(folder)
    if not files:
        raise DataError(f"{folder}: no image in this folder")
    images = [read_image(file) for file in files]
    for file, image in zip(files, images, strict=True):
        if image.shape != images[0].shape:
            own, other = (" × ".join(map(str, a.shape)) for a in (image, images[0]))
            raise DataError(f"{file}: this frame is {own}, the first one {other}")
    return np.stack(images)[..., None].astype(np.float32) / 255


def read_points(path: pathlib.Path) -> np.ndarray:
    """Reads a line of numbers a frame, parted by commas or blanks: [T, coordinates].

    Raises:
      DataError: there is none, or a line has other columns or is no numbers.
    """
    rows = []
    for place, line in numbered_lines(path, longest=1_000_000):
        if not (cells := line.replace(",", " ").split()):
            continue
        where = f"{path}, line {place}"
        if not all(map(is_number, cells)):
            raise DataError(f"{where}: these are not numbers")
        rows.append([number(cell, where) for cell in cells])
        if len(rows[-1]) != len(rows[0]):
            own, first = len(rows[-1]), len(rows[0])
            raise DataError(f"{where}: {own} numbers, but {first} in the first frame")
    return np.array(rows, np.float32)


def _size(video: Video) -> str:
    shape = video.frames.shape[1:]
    if video.has_pixels:
        return "{} × {} pixels and {} colours".format(*shape)
    return f"{shape[0]} numbers"
