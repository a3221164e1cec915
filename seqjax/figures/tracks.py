"""Points that move, side by side, each with a line of text."""

import pathlib
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from seqjax.figures.drawing import canvas, write
from seqjax.figures.pictures import RIGHT, WRONG
from seqjax.figures.text import readable

COLUMNS = 4


def tracks(
    path: str | pathlib.Path,
    paths: Sequence[np.ndarray],
    lines: Sequence[str],
    *,
    title: str,
    wrong: Sequence[bool] | None = None,
) -> Figure:
    """Draws where points go: x against y if there are two numbers, else over time.

    Args:
      path: of the PNG.
      paths: [T, numbers] each.
      lines: a text for each.
      title: of the figure.
      wrong: which texts are red; none if None.

    Returns:
      The figure.

    Raises:
      ValueError: there is no path, or there are not as many texts.
    """
    if not len(paths) or len(paths) != len(lines):
        raise ValueError(f"{len(paths)} paths cannot have {len(lines)} texts")
    columns = min(COLUMNS, len(paths))
    rows = -(-len(paths) // columns)
    size = 2.7 * columns + 0.8, 2.7 * rows + 0.5
    figure, grid = canvas(rows, columns, size)
    for axes in grid.ravel()[len(paths) :]:
        axes.set_axis_off()
    points = None
    for i, frames in enumerate(map(np.asarray, paths)):
        axes = grid.ravel()[i]
        if frames.shape[1] == 2:
            axes.plot(*frames.T, color="lightgrey", lw=1, zorder=1)
            time = np.arange(1, len(frames) + 1)
            points = axes.scatter(*frames.T, c=time, cmap="viridis", s=12, zorder=2)
            axes.set_aspect("equal", adjustable="datalim")
            names = "x", "y"
        else:
            axes.plot(np.arange(1, len(frames) + 1), frames, lw=1)
            names = "frame", "coordinate"
        if i % columns == 0:
            axes.set_ylabel(names[1])
        if i + columns >= len(paths):
            axes.set_xlabel(names[0])
        color = WRONG if wrong is not None and wrong[i] else RIGHT
        text = textwrap.fill(readable(lines[i]), 30)
        axes.set_title(text, fontsize=9, color=color, parse_math=False)
    if points is not None:
        figure.colorbar(points, ax=grid, label="frame")
    return write(figure, path, title)
