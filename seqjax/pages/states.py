"""A text in the colours of one unit, or a sentence in those of all units."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqjax.pages.writing import write_page

CHARACTERS = (
    "Each character has the colour of one unit's value after the network has read it, "
    "as in Karpathy, Johnson and Fei-Fei, “Visualizing and understanding recurrent "
    "networks” (2016): orange above a level that has no colour, blue below it, the "
    "stronger the farther. Choose the level, another network, state, gate or unit "
    "below; point at a character, or move to one with the arrow keys, for its number."
)
HEAT_MAP = (
    "Each row is a unit, each column a word, and a cell has the colour of the unit's "
    "value after the network has read the word: orange for positive, blue for "
    "negative, none for zero; the strongest colour is the largest value of all. Choose "
    "another network, state or gate below; point at a cell, or move with the arrow "
    "keys, for its number."
)


class Held(NamedTuple):
    """What one network holds while it reads."""

    tokens: Sequence[str]  # T of them
    quantities: Mapping[str, np.ndarray]  # [T, units] each, after each token
    marks: Sequence[bool] | None = None  # T of them: what the page underlines
    says: str = ""  # what the network answers in the end


class Highlight(NamedTuple):
    """A unit to look at first."""

    network: str
    quantity: str
    unit: int
    why: str
    level: float = 0.0  # of the value that has no colour at first


def characters(
    path: str | pathlib.Path,
    networks: Mapping[str, Held],
    *,
    title: str,
    highlights: Sequence[Highlight] = (),
    marked: str = "",
    separator: str = "",
) -> None:
    """Writes a page with a text in the colours of a unit that can be chosen.

    Args:
      path: of the HTML file.
      networks: what each holds, by name.
      title: of the page.
      highlights: units to look at; the first is shown at first.
      marked: what the underlined tokens are.
      separator: what stands between two tokens: "" for characters, " " for words.

    Raises:
      ValueError: there is no network, a shape does not fit, a highlight is of no
        network, or a number is not finite.
    """
    data = _data(networks, highlights) | {"layout": "text"}
    data |= {"marked": marked, "separator": separator}
    write_page(path, "states", data, title=title, about=CHARACTERS)


def heat_map(
    path: str | pathlib.Path,
    networks: Mapping[str, Held],
    *,
    title: str,
    highlights: Sequence[Highlight] = (),
    marked: str = "",
) -> None:
    """Writes a page with a heat map of units × words.

    The arguments are those of `characters`; rows that are highlighted come first.
    """
    data = _data(networks, highlights) | {"layout": "grid"}
    data |= {"marked": marked, "separator": " "}
    write_page(path, "states", data, title=title, about=HEAT_MAP)


def _data(
    networks: Mapping[str, Held], highlights: Sequence[Highlight]
) -> dict[str, Any]:
    if not networks or not all(held.quantities for held in networks.values()):
        raise ValueError("a page of states needs a network that holds something")
    shown = {name: _network(name, held) for name, held in networks.items()}
    for mark in highlights:
        values = shown.get(mark.network, {"quantities": {}})["quantities"]
        if len(values.get(mark.quantity, ())) <= mark.unit:
            raise ValueError(f"there is no unit of {mark} to highlight")
    return {"networks": shown, "highlights": [mark._asdict() for mark in highlights]}


def _network(name: str, held: Held) -> dict[str, Any]:
    steps = len(held.tokens)
    for quantity, values in held.quantities.items():
        if np.ndim(values) != 2 or len(values) != steps or not np.size(values):
            raise ValueError(
                f"{quantity} of {name} must be [{steps} tokens, units], not of shape "
                f"{np.shape(values)}"
            )
    marks = [False] * steps if held.marks is None else list(map(bool, held.marks))
    if len(marks) != steps:
        raise ValueError(f"{len(marks)} marks for {steps} tokens of {name}")
    return {
        "tokens": list(held.tokens),
        "marks": marks,
        "says": held.says,
        "quantities": {q: np.asarray(v).T for q, v in held.quantities.items()},
    }
