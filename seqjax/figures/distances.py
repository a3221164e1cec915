"""What is learned at each distance, by cell and seed."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from seqjax.figures import drawing

Learned = Mapping[str, Mapping[int, Sequence[float]]]


def draw_learned(
    axes: Axes, learned: Learned, chance: float, unit: str, labels: tuple[str, str]
) -> None:
    """Draws what each cell learned at each distance, by `draw_seeds`.

    Args:
      axes: to draw into.
      learned: for each cell, the shares of its seeds at each distance.
      chance: a share that is drawn as a line.
      unit: of the distance.
      labels: a title, and what the shares are of.
    """
    distances = sorted({d for of_cell in learned.values() for d in of_cell})
    for i, (cell, of_cell) in enumerate(learned.items()):
        beside = 1.04 ** (i - (len(learned) - 1) / 2)  # so that no dot hides another
        draw_seeds(axes, {d * beside: s for d, s in of_cell.items()}, f"C{i}", cell)
    axes.axhline(chance, color="black", ls=":", label=f"chance: {chance:.3g}")
    axes.set_xscale("log")
    axes.set_xticks(distances, [str(distance) for distance in distances])
    axes.minorticks_off()
    axes.set_title(labels[0])
    drawing.label_axes(axes, f"distance in training ({unit})", labels[1])


def draw_seeds(
    axes: Axes, shares: Mapping[float, Sequence[float]], color: str, label: str
) -> None:
    """Draws a dot for each seed at each place, a line through the means, a band."""
    places, by_seed = np.array(list(shares)), np.array(list(shares.values())).T
    drawing.mean_line(axes, places, by_seed, color=color, label=label)
    at = np.tile(places, len(by_seed))
    axes.plot(at, by_seed.ravel(), "o", color=color, ms=5, alpha=0.5, ls="")
    axes.grid(alpha=0.3)
