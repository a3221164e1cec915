"""What is learned at each distance, by cell and seed."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from seqjax.figures import drawing

Learned = Mapping[str, Mapping[int, Sequence[float]]]


def draw_learned(
    axes: Any, learned: Learned, baselines: Mapping[str, Any], ylabel: str
) -> None:
    """Draws a dot for each seed, and a line through each cell's means.

    Args:
      axes: to draw on.
      learned: for each cell, the shares of its seeds at each distance.
      baselines: by name, a share, or shares by distance.
      ylabel: what the shares are of.
    """
    distances = sorted({d for of_cell in learned.values() for d in of_cell})
    for i, (cell, of_cell) in enumerate(learned.items()):
        beside = 1.04 ** (i - 1)  # so that dots of cells do not hide each other
        draw_seeds(axes, {d * beside: s for d, s in of_cell.items()}, f"C{i}", cell)
    for style, (name, share) in zip((":", "--"), baselines.items(), strict=False):
        if isinstance(share, Mapping):
            axes.plot(*zip(*share.items(), strict=True), "k", ls=style, label=name)
        else:
            axes.axhline(share, color="black", ls=style, label=f"{name}: {share:.3g}")
    axes.set_xscale("log")
    axes.set_xticks(distances, [str(distance) for distance in distances])
    axes.minorticks_off()
    axes.set(title="what is learned: a dot a seed, a line through the means")
    drawing.label_axes(axes, "distance in training (steps)", ylabel)
    drawing.legend(axes)


def draw_seeds(
    axes: Any, shares: Mapping[float, Sequence[float]], color: str, label: str
) -> None:
    """Draws a dot for each seed at each place, and a line through the means."""
    places, by_seed = np.array(list(shares)), np.array(list(shares.values()))
    style = {"color": color, "ms": 5, "alpha": 0.5, "ls": ""}
    axes.plot(np.repeat(places, by_seed.shape[1]), by_seed.ravel(), "o", **style)
    axes.plot(places, by_seed.mean(axis=1), color=color, label=label)
    axes.grid(alpha=0.3)


def learned_by_distance(
    path: str | pathlib.Path,
    learned: Learned,
    baselines: Mapping[str, Any],
    *,
    ylabel: str,
    title: str,
) -> Figure:
    """Draws what each cell learned at each distance, a dot a seed.

    Args:
      path: of the PNG.
      learned: for each cell, the shares of its seeds at each distance.
      baselines: by name, a share, or shares by distance.
      ylabel: what the shares are of.
      title: of the figure.

    Returns:
      The figure.
    """
    figure, grid = drawing.canvas(1, 1, (7, 5))
    draw_learned(grid[0, 0], learned, baselines, ylabel)
    return drawing.write(figure, path, title)
