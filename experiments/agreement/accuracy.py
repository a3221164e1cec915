"""Accuracy against distance, and against attractors."""

import itertools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.agreement.data import Sentence
from seqjax import figures


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
        edges = np.unique(np.quantile(of[where], np.linspace(0, 1, 13)).astype(int))
        edges = [*edges[:-1].tolist(), int(edges[-1]) + 1]
        columns = {"at": of, "right": right, "baseline": baseline}
        drawn[title] = {
            k: shares(c[where], of[where], edges) for k, c in columns.items()
        }
    return drawn


def over_seeds(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The panels of several results by cell, those of seeds on each other.

    Seeds whose splits have other bins cannot be averaged, and keep names of their own.
    """
    cells: dict[str, list[Any]] = {}
    for result in results.values():
        cells.setdefault(result["cell"], []).append(result["accuracy"])

    def column(seeds, panel, key):
        return np.array([seed[panel][key] for seed in seeds])

    try:
        return {
            cell: {
                panel: {key: column(seeds, panel, key) for key in first}
                for panel, first in seeds[0].items()
            }
            for cell, seeds in cells.items()
        }
    except ValueError:
        return {name: result["accuracy"] for name, result in results.items()}


def draw_accuracy(
    path: pathlib.Path, cells: Mapping[str, Any], longest: int, *, title: str
) -> None:
    """Draws the panels of several cells, and of the baseline, on each other."""
    panels = []
    for name, first in next(iter(cells.values())).items():
        lines = {
            cell: (panel[name]["at"], panel[name]["right"])
            for cell, panel in cells.items()
        }
        panels.append((name, lines | {"last noun": (first["at"], first["baseline"])}))
    figures.curves(
        path,
        panels,
        "share of verbs that agree",
        title=title,
        mark={"longest in training": longest},
    )


def shares(right: np.ndarray, of: np.ndarray, edges: Sequence[int]) -> list[float]:
    """The mean of `right` where edges[i] <= of < edges[i + 1], for each i."""
    return [
        float(right[(low <= of) & (of < high)].mean())
        for low, high in itertools.pairwise(edges)
    ]
