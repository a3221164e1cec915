"""Accuracy against distance, and against attractors."""

import itertools
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.agreement.data import Sentence
from seqjax import figures

ACCURACY = "accuracy.json"  # in the folder of each run


def accuracy_panels(
    tested: Sequence[Sentence], right: np.ndarray, baseline: np.ndarray, longest: int
) -> dict[str, Any]:
    """The share of right verbs against distance, and against attractors if known.

    Attractors are counted beyond the trained length alone.
    """
    distance = np.array([s.distance for s in tested])
    attractors = np.array([s.attractors for s in tested])
    panels = {"words between subject and verb": (distance, np.full(len(tested), True))}
    if (attractors >= 0).all():
        title = f"nouns of the other number, beyond {longest} words"
        panels[title] = attractors, distance > longest
    drawn = {}
    for title, (of, where) in panels.items():
        edges = bins(int(of[where].min()), int(of[where].max()))
        columns = {"at": of, "right": right, "baseline": baseline}
        drawn[title] = {
            k: shares(c[where], of[where], edges) for k, c in columns.items()
        }
    return drawn


def read_panels(folder: pathlib.Path) -> dict[str, Any]:
    """The panels that a run wrote into its folder."""
    return json.loads((folder / ACCURACY).read_text("utf-8"))


def over_seeds(runs: Mapping[str, Any], cells: Sequence[str]) -> dict[str, Any]:
    """The panels of several runs by cell, those of seeds on each other.

    Runs of a cell whose sentences fill other bins keep names of their own.

    Args:
      runs: the panels of each run by its name.
      cells: the cell of each run.
    """
    groups: dict[str, list[Any]] = {}
    for cell, panels in zip(cells, runs.values(), strict=True):
        groups.setdefault(cell, []).append(panels)

    def column(seeds, panel, key):
        return np.array([seed[panel][key] for seed in seeds], float)

    try:
        return {
            cell: {
                panel: {key: column(seeds, panel, key) for key in first}
                for panel, first in seeds[0].items()
            }
            for cell, seeds in groups.items()
        }
    except ValueError:
        return dict(runs)


def draw_accuracy(
    path: pathlib.Path, cells: Mapping[str, Any], longest: int, *, title: str
) -> None:
    """Draws the panels of several cells, and of the baseline, on each other."""

    def line(panel, key):
        return np.asarray(panel["at"], float), np.asarray(panel[key], float)

    panels = []
    for name, first in next(iter(cells.values())).items():
        lines = {cell: line(panel[name], "right") for cell, panel in cells.items()} | {
            "last noun": line(first, "baseline")
        }
        panels.append((name, lines))
    figures.curves(
        path,
        panels,
        "share of verbs that agree",
        title=title,
        mark={"longest in training": longest},
    )


def bins(least: int, most: int, count: int = 12) -> list[int]:
    """The edges of bins from `least` to `most`, of like width on a logarithmic axis.

    They depend on the two ends alone, so that those of several seeds agree.
    """
    edges = np.geomspace(max(least, 1), most + 1, count + 1).round().astype(int)
    return np.unique([least, *edges]).tolist()


def shares(
    right: np.ndarray, of: np.ndarray, edges: Sequence[int]
) -> list[float | None]:
    """The mean of `right` where edges[i] <= of < edges[i + 1]; None if empty."""
    inside = [(low <= of) & (of < high) for low, high in itertools.pairwise(edges)]
    return [float(right[where].mean()) if where.any() else None for where in inside]
