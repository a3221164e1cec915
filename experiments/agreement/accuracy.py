"""Accuracy against distance, and against attractors."""

import itertools
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.agreement.data import Sentence
from seqjax import figures

FILE = "accuracy.json"  # the panels, in a run's folder
DISTANCE = "words between subject and verb"


class Panels:
    """Which sentences are counted together, for all seeds alike.

    Attributes:
      edges: of the bins, by the label of what is binned: the distance, and the
        attractors if they are known.

    Args:
      sentences: all there are, those that are learned from too.
      longest: words between subject and verb in training.
    """

    def __init__(self, sentences: Sequence[Sentence], longest: int):
        self.longest = longest
        distance, attractors = _columns(sentences)
        far = distance > longest
        near = _quantiles(distance[~far], 4)[:-1]
        self.edges = {DISTANCE: [*near, *_equal(distance[far], 10)]}
        if (attractors >= 0).all():
            label = f"nouns of the other number, beyond {longest} words"
            self.edges[label] = _quantiles(attractors[far], 12)

    def of(
        self, tested: Sequence[Sentence], right: np.ndarray, baseline: np.ndarray
    ) -> dict[str, dict[str, list[float]]]:
        """The share of right verbs in each bin, and of the baseline's.

        Attractors are counted beyond the trained length alone. A bin without a sentence
        has NaN.
        """
        distance, attractors = _columns(tested)
        columns = {"right": right, "baseline": baseline}
        drawn = {}
        for label, edges in self.edges.items():
            of = distance if label == DISTANCE else attractors
            where = np.full(len(of), label == DISTANCE) | (distance > self.longest)
            drawn[label] = {
                name: shares(column[where], of[where], edges)
                for name, column in {"at": of, **columns}.items()
            }
        return drawn


def _columns(sentences: Sequence[Sentence]) -> tuple[np.ndarray, np.ndarray]:
    """The distances and the attractors of sentences, [N] each."""
    return (
        np.array([s.distance for s in sentences]),
        np.array([s.attractors for s in sentences]),
    )


def _quantiles(numbers: np.ndarray, bins: int) -> list[int]:
    """Edges between bins that hold about as many numbers each."""
    starts = np.quantile(numbers, np.linspace(0, 1, bins, endpoint=False)).astype(int)
    return [*np.unique(starts).tolist(), int(numbers.max()) + 1]


def _equal(numbers: np.ndarray, bins: int) -> list[int]:
    """Edges between bins that are about as wide each."""
    edges = np.linspace(numbers.min(), numbers.max() + 1, bins + 1).astype(int)
    return np.unique(edges).tolist()


def shares(right: np.ndarray, of: np.ndarray, edges: Sequence[int]) -> list[float]:
    """The mean of `right` where edges[i] <= of < edges[i + 1], for each i."""
    bins = [(low <= of) & (of < high) for low, high in itertools.pairwise(edges)]
    return [float(right[where].mean()) if where.any() else np.nan for where in bins]


def over_seeds(folders: Mapping[str, Sequence[pathlib.Path]]) -> dict[str, Any]:
    """The panels of several runs by cell; columns are [seeds, bins].

    Args:
      folders: of the runs of each cell.
    """
    cells = {}
    for cell, paths in folders.items():
        seeds = [json.loads((path / FILE).read_text("utf-8")) for path in paths]
        cells[cell] = {
            label: {key: [seed[label][key] for seed in seeds] for key in first}
            for label, first in seeds[0].items()
        }
    return cells


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
