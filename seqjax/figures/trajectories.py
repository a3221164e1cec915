"""Where a layer's state goes, and where it stays: pictures of states."""

import itertools
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from seqjax.figures.drawing import canvas, label_axes, legend, write
from seqjax.inspect.fixed_points import FixedPoints
from seqjax.inspect.projection import principal_components


def trajectories(
    path: str | pathlib.Path,
    states: Sequence[Any] | np.ndarray,
    points: FixedPoints | None = None,
    components: int = 3,
    *,
    title: str,
) -> Figure:
    """Draws states along sequences, and fixed points, on their principal components.

    A stable point is filled and a saddle is open; a slow point, which is not fixed, is
    a square.

    Args:
      path: of the PNG.
      states: of each sequence, [T, n]; see `inspect.trajectories`.
      points: from `inspect.fixed_points`.
      components: how many principal components of the states to draw, 2 or 3.
      title: of the figure.

    Returns:
      The figure.

    Raises:
      ValueError: `components` is neither 2 nor 3, or there are too few numbers.
    """
    if components not in (2, 3):
        raise ValueError(f"components must be 2 or 3, not {components}")
    seen = principal_components(np.concatenate(states), components)
    kind = {"subplot_kw": {"projection": "3d"}} if components == 3 else {}
    figure, grid = canvas(1, 1, (9, 6), **kind)
    axes = grid[0, 0]
    for i, row in enumerate(states):
        label = None if i else "states along a sequence"
        axes.plot(*seen.project(row).T, color="C0", lw=0.6, alpha=0.35, label=label)
    for label, style, members in _kinds(points):
        axes.plot(*seen.project(members).T, ls="", label=label, **style)
    names = [f"PC {i + 1} ({s:.0%} of variance)" for i, s in enumerate(seen.shares)]
    label_axes(axes, names[0], names[1])
    axes.grid(alpha=0.3)
    if components == 3:
        axes.set_zlabel(names[2])
        axes.set_box_aspect(None, zoom=1)
        figure.legend(loc="outside right center")  # the layout sees no other one in 3-D
    else:
        legend(axes)
    return write(figure, path, title)


def _kinds(
    points: FixedPoints | None,
) -> Iterator[tuple[str, dict[str, Any], np.ndarray]]:
    """Fixed and slow points by how many directions lead away from them."""
    if points is None:
        return
    leads = (np.abs(points.eigenvalues) >= 1).sum(axis=1)
    for fixed, count in itertools.product((True, False), np.unique(leads).tolist()):
        members = points.states[(points.fixed == fixed) & (leads == count)]
        if not len(members):
            continue
        kind = "stable" if count == 0 else f"saddle, {count} unstable"
        color = "black" if count == 0 else f"C{count}"
        style = {"marker": "o" if fixed else "s", "ms": 9, "mec": color, "mew": 1.5}
        style["mfc"] = color if count == 0 else "none"
        label = f"{'' if fixed else 'slow, '}{kind} ({len(members)})"
        yield label, style, members
