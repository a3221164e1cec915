"""Speakers as time series in .ts files: the Japanese vowels, and files of one's own."""

import pathlib
from collections.abc import Sequence

from experiments.speaker.clip import Clip, Clips
from seqjax.audio import Given
from seqjax.data import DataError, wheels
from seqjax.data.files import is_folder
from seqjax.data.ts import Series, parse_ts, read_ts

WHEEL = wheels.Wheel(
    "aeon",
    "1.6.0",
    "d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409",
    6.4,
    "CC BY 4.0, UCI's Japanese Vowels; the wheel is under the BSD licence",
)
MEMBERS = "aeon/datasets/data/JapaneseVowels/JapaneseVowels_{}.ts"
PARTS = {"train": "TRAIN", "test": "TEST"}


def japanese_vowels() -> tuple[Clips, None]:
    """Nine men who said /ae/: Kudo, Toyama and Shimbo (1999)."""
    members = [MEMBERS.format(ending) for ending in PARTS.values()]
    raws = zip(PARTS, members, wheels.read(WHEEL, *members), strict=True)
    clips = []
    for part, member, raw in raws:
        series = parse_ts(raw, member)
        found = clips_of(series, pathlib.Path(member).name, part)
        clips += [c._replace(label="", speaker=f"speaker {c.label}") for c in found]
    return as_clips(clips), None


def read_series(path: str | pathlib.Path) -> Clips:
    """Reads a .ts file, or a folder with one *_TRAIN.ts and one *_TEST.ts.

    Raises:
      DataError: a file cannot be used, a part is missing or there twice, or the parts
        have not the same number of dimensions.
    """
    path = pathlib.Path(path)
    if not is_folder(path):
        return as_clips(clips_of(read_ts(path), str(path)))
    clips = []
    for part, ending in PARTS.items():
        files = sorted(path.glob(f"*_{ending}.ts"))
        if len(files) != 1:
            raise DataError(f"{path}: {len(files)} files *_{ending}.ts; one is needed")
        clips += clips_of(read_ts(files[0]), str(files[0]), part)
    return as_clips(clips)


def clips_of(series: Sequence[Series], path: str, part: str = "") -> list[Clip]:
    """Names series by their file and line; their class is what is to be told."""
    return [Clip(f"{path}, line {s.line}", s.values, s.label, "", part) for s in series]


def as_clips(clips: list[Clip]) -> Clips:
    """Puts series together.

    Raises:
      DataError: they differ in their number of dimensions.
    """
    width = clips[0].sound.shape[1]
    for clip in clips:
        if clip.sound.shape[1] != width:
            raise DataError(
                f"{clip.name}: {clip.sound.shape[1]} dimensions, where "
                f"{clips[0].name} has {width}"
            )
    return Clips(clips, Given(width))
