"""What is asked of a sound, and who is heard in training and who is held out."""

from collections.abc import Hashable

import numpy as np

from experiments.speaker.clip import Clip
from seqjax.data import DataError, Splits

GENDERS = {"female": "female", "f": "female", "male": "male", "m": "male"}
PARTS = "train", "test"
TEST = 2  # the place of the test part among `Splits`


def answered(clips: list[Clip], target: str, name: str) -> list[Clip]:
    """Gives each sound the label that is asked for.

    Args:
      clips: as they were read.
      target: "gender", or "speaker", which is a sound's label where nothing else is
        said of who speaks.
      name: of the data.

    Raises:
      DataError: a gender is unknown.
    """
    if target == "speaker":
        return [c._replace(label=c.speaker or c.label) for c in clips]
    if not any(clip.label for clip in clips):
        raise DataError(
            f"{name}: it is not known who is female or male; use --target=speaker"
        )
    for clip in clips:
        if clip.label.lower() not in GENDERS:
            raise DataError(
                f"{clip.name}: the label {clip.label!r} is unknown; with "
                f"--target=gender it must be female or male"
            )
    return [clip._replace(label=GENDERS[clip.label.lower()]) for clip in clips]


def divide(
    clips: list[Clip], target: str, seed: int, name: str = "the data"
) -> tuple[Splits, str]:
    """Splits sounds into those to learn from, to choose by, and held out.

    The gender is asked of speakers who are never heard in training, where it is known
    who speaks, and who speaks of other sounds of the same speakers. A tenth of each
    label, at least one, goes to each of the later two parts. The data's own test part
    is kept, if all of its labels can be learned from the other.

    Args:
      clips: with their labels.
      target: "gender" or "speaker".
      seed: of the choice.
      name: of the data.

    Returns:
      The parts, and what was done, in words.

    Raises:
      DataError: a label has too few speakers or sounds, there is one label alone, or
        one and the same has two labels.
    """
    groups = [_group(clip, target) for clip in clips]
    label_of: dict[Hashable, str] = {}
    for clip, group in zip(clips, groups, strict=True):
        if label_of.setdefault(group, clip.label) != clip.label:
            who = clip.speaker if target == "gender" and clip.speaker else "this sound"
            raise DataError(
                f"{clip.name}: {who} is {clip.label} here, and {label_of[group]} before"
            )
    own = _has_own_test(clips)
    by_speaker = target == "gender" and all(clip.speaker for clip in clips)
    held = {g for c, g in zip(clips, groups, strict=True) if own and c.part == "test"}
    kind = "speakers" if by_speaker else "sounds"
    place = dict.fromkeys(held, TEST) | _drawn(label_of, held, own, seed, name, kind)
    parts = Splits([], [], [])
    for clip, group in zip(clips, groups, strict=True):
        if group not in held or clip.part == "test":
            parts[place[group]].append(clip)
    return parts, _said(target, own, by_speaker)


def _group(clip: Clip, target: str) -> Hashable:
    """What must not stand on two sides: a speaker, or copies of one sound."""
    return clip.speaker if target == "gender" and clip.speaker else clip.sound.tobytes()


def _has_own_test(clips: list[Clip]) -> bool:
    learned, tested = (
        {clip.label for clip in clips if clip.part == part} for part in PARTS
    )
    return bool(tested) and tested <= learned


def _drawn(
    label_of: dict[Hashable, str], held, own: bool, seed: int, name: str, kind: str
) -> dict[Hashable, int]:
    """Draws the part of each group that is not held out already."""
    rng, place = np.random.default_rng(seed), {}
    labels = sorted(set(label_of.values()))
    if len(labels) < 2:
        raise DataError(f"{name}: all sounds are {labels[0]}; two labels are needed")
    for label in labels:
        ones = [g for g, of in label_of.items() if of == label and g not in held]
        tenth, later = max(len(ones) // 10, 1), 1 if own else 2
        if len(ones) <= later * tenth:
            raise DataError(
                f"{name}: {len(ones)} different {kind} are {label}, where "
                f"{later * tenth + 1} or more are needed to learn from, to choose by "
                f"{'' if own else 'and to hold out'}".rstrip()
            )
        for i, k in enumerate(rng.permutation(len(ones))):
            place[ones[k]] = max(later - i // tenth, 0)
    return place


def _said(target: str, own: bool, by_speaker: bool) -> str:
    test = "the data's own test part" if own else "a test part drawn"
    if target == "speaker":
        return f"{test}, of the same speakers"
    if by_speaker:
        return f"{test}, of other speakers"
    return f"{test}; who speaks is unknown, so that one may be heard in both"
