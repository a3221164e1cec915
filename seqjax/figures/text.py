"""Text that the fonts at hand can draw, whatever language a label is in."""

import functools
import unicodedata
from collections.abc import Iterable

from matplotlib import font_manager

# DejaVu Sans comes with matplotlib. The others have the glyphs that it lacks, and are
# used where they are installed.
FALLBACKS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Noto Sans Devanagari",
    "Noto Emoji",
    "Segoe UI Symbol",
)
INVISIBLE = {"Cf", "Mn", "Me"}  # categories of characters that have no glyph alone
SHOWN = {"\n": "⏎", "\t": "⇥"}


@functools.cache
def families() -> list[str]:
    """Returns the fonts to draw with, each a fallback for those before it."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in FALLBACKS if name in installed)]


@functools.cache
def _glyphs() -> frozenset[int]:
    paths = [font_manager.findfont(name) for name in families()]
    charmaps = (font_manager.get_font(path).get_charmap() for path in paths)
    return frozenset().union(*charmaps)


def readable(text: str) -> str:
    """Replaces what no font here can draw by □, since matplotlib warns of it.

    Args:
      text: a label.

    Returns:
      The text, in which line breaks and tabs are visible characters.
    """
    return "".join(_readable(SHOWN.get(c, c)) for c in text)


def _readable(character: str) -> str:
    if ord(character) in _glyphs():
        return character
    return "" if unicodedata.category(character) in INVISIBLE else "□"


def tick_labels(labels: Iterable[str], longest: int = 24) -> list[str]:
    """Returns labels of ticks, which are not wrapped and must leave room for the axes.

    Args:
      labels: one that is white space alone is shown as ␣.
      longest: the most characters; the end of a longer label becomes an ellipsis.
    """
    visible = ("␣" * len(t) if t and not t.strip(" ") else readable(t) for t in labels)
    return [t if len(t) <= longest else f"{t[: longest - 1]}…" for t in visible]
