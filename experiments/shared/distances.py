"""Trainings at several distances: which they are, and what is learned at each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from experiments.shared.errors import UsageError
from seqjax.figures import drawing

LEARNED = 0.9  # a network that has this share right has learned


def distances_of(options: Any) -> list[int]:
    """The distances of --distances, the smallest first."""
    try:
        distances = sorted({int(text) for text in options.distances})
    except ValueError:
        distances = []
    if not distances or distances[0] < 2:
        raise UsageError("--distances: give whole numbers from 2 on, as in 10,20,40")
    return distances


def learned_in_words(shares: Mapping[int, Sequence[float]]) -> str:
    """How many seeds learn each distance, from what each of them has right."""
    counts = (
        f"distance {distance} by {sum(share >= LEARNED for share in of_seeds)} of "
        f"{len(of_seeds)}"
        for distance, of_seeds in shares.items()
    )
    return "seeds that learn: " + ", ".join(counts)


def draw_learned(
    axes: Axes,
    cells: Mapping[str, Mapping[int, Sequence[float]]],
    chance: float,
    unit: str,
    labels: tuple[str, str],
) -> None:
    """Draws what is learned: a dot for each seed, a line through means, a band.

    Args:
      axes: to draw into.
      cells: by cell and distance, the share of each seed.
      chance: a share that is drawn as a line.
      unit: of the distance.
      labels: a title, and what the shares are of.
    """
    for place, (cell, shares) in enumerate(cells.items()):
        distances = np.array(list(shares))
        by_seed = np.array(list(shares.values())).T  # [seeds, distances]
        beside = distances * 1.04 ** (place - (len(cells) - 1) / 2)
        drawing.mean_line(axes, beside, by_seed, color=f"C{place}", label=cell)
        at = np.tile(beside, len(by_seed))
        axes.plot(at, by_seed.ravel(), "o", color=f"C{place}", ms=5, alpha=0.5, ls="")
    axes.axhline(chance, color="black", ls=":", label=f"chance: {chance:.3g}")
    axes.set_xscale("log")
    axes.set_xticks(distances, [str(distance) for distance in distances])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.set_title(labels[0])
    drawing.label_axes(axes, f"distance in training ({unit})", labels[1])
