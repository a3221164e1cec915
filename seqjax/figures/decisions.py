"""What a classifier decided, against a number that may explain it."""

import pathlib
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from seqjax.figures.drawing import canvas, label_axes, legend, say_empty, write

MARKERS = "o^svDP"


def decisions(
    path: str | pathlib.Path,
    points: Mapping[str, tuple[np.ndarray, np.ndarray]],
    x: str,
    y: str,
    *,
    title: str,
    threshold: float = 0.5,
) -> Figure:
    """Draws P of a class against a number, a point an example, and where P decides.

    Args:
      path: of the PNG.
      points: of each true label, the numbers [N], of which those that are not finite
        are left out, and P [N] of each.
      x: what the number is, with its unit.
      y: what P is of.
      title: of the figure.
      threshold: from which P on the class is chosen.

    Returns:
      The figure.

    Raises:
      ValueError: a label has not as many numbers as P.
    """
    figure, grid = canvas(1, 1, (8.0, 4.4))
    axes = grid[0, 0]
    drawn = 0
    for i, (label, (numbers, shares)) in enumerate(points.items()):
        numbers, shares = np.asarray(numbers, float), np.asarray(shares, float)
        if numbers.shape != shares.shape or numbers.ndim != 1:
            raise ValueError(
                f"{label}: {numbers.shape} numbers, but P of shape {shares.shape}"
            )
        known = np.isfinite(numbers)
        drawn += int(known.sum())
        style = {"ls": "", "alpha": 0.75, "ms": 6, "mec": "white", "mew": 0.4}
        marks = {"marker": MARKERS[i % len(MARKERS)], "color": f"C{i}"}
        count = f"truly {label}: {known.sum():,}"
        axes.plot(numbers[known], shares[known], label=count, **marks, **style)
    line = {"color": "black", "ls": "--", "lw": 1}
    axes.axhline(threshold, label=f"decision at {threshold:g}", **line)
    axes.set_ylim(-0.04, 1.04)
    axes.grid(alpha=0.3)
    label_axes(axes, x, y)
    legend(axes)
    if not drawn:
        say_empty(axes, "no example has such a number")
    return write(figure, path, title)
