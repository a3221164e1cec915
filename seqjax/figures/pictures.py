"""Images side by side, each with a line of text."""

import pathlib
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from seqjax.figures.drawing import canvas, write
from seqjax.figures.text import readable

RIGHT, WRONG = "black", "firebrick"


def pictures(
    path: str | pathlib.Path,
    images: Sequence[np.ndarray],
    lines: Sequence[str],
    *,
    title: str,
    wrong: Sequence[bool] | None = None,
    columns: int = 8,
    over: Sequence[np.ndarray | None] | None = None,
    wide: bool = False,
) -> Figure:
    """Draws images in rows, each with its line of text above it.

    Args:
      path: of the PNG.
      images: grey ones [H, W] or coloured ones [H, W, 3], from 0 to 255.
      lines: a text for each.
      title: of the figure.
      wrong: which texts are red; none if None.
      columns: images in a row.
      over: for each image weights [h, w] of a coarser grid over it, or None; where they
        are high, the image is bright, and elsewhere it is dimmed.
      wide: whether there is room for long texts.

    Returns:
      The figure.

    Raises:
      ValueError: there is no image, or there are not as many texts.
    """
    if not len(images) or len(images) != len(lines):
        raise ValueError(f"{len(images)} images cannot have {len(lines)} texts")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    cell, letters = (2.5, 30) if wide else (1.35, 17)
    figure, grid = canvas(rows, columns, (cell * columns + 0.4, 1.65 * rows + 0.7))
    for axes in grid.ravel():
        axes.set_axis_off()
    for i, (axes, image) in enumerate(zip(grid.ravel(), images, strict=False)):
        bright = {"cmap": "gray", "vmin": 0, "vmax": 255, "interpolation": "nearest"}
        axes.imshow(np.asarray(image), **bright)
        if over is not None and (weights := over[i]) is not None:
            _dim(axes, np.asarray(weights), np.shape(image)[:2])
        text = textwrap.fill(readable(lines[i]), letters)
        color = WRONG if wrong is not None and wrong[i] else RIGHT
        axes.set_title(text, fontsize=9, color=color, parse_math=False)
    return write(figure, path, title)


def _dim(axes, weights: np.ndarray, shape: tuple[int, int]) -> None:
    """Lays black over an image, the less the higher a place's weight is."""
    cover = np.zeros((*weights.shape, 4))
    cover[..., 3] = 0.85 * (1 - weights / max(float(weights.max()), 1e-9))
    height, width = shape
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    axes.imshow(cover, extent=extent, interpolation="bilinear")
