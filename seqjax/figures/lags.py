"""Gradients by lag, on a logarithmic axis."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seqjax.figures.drawing import canvas, label_axes, write
from seqjax.figures.text import readable
from seqjax.inspect.lags import geometric_mean, verdict

FLOOR = 1e-30  # below this a norm is drawn as this


def gradient_by_lag(
    path: str | pathlib.Path, norms: Mapping[str, Any], *, title: str
) -> Figure:
    """Draws ‖∂L⟨T⟩/∂h⟨T−k⟩‖ against the lag k, with a verdict for each line.

    Args:
      path: of the PNG.
      norms: labels, each with norms by lag [K+1, ...]; of rows, the geometric mean is
        drawn. See `seqjax.inspect.gradient_by_lag`.
      title: of the figure.

    Returns:
      The figure.
    """
    figure, grid = canvas(1, 1, (8, 5.4))
    draw_norms(grid[0, 0], norms)
    return write(figure, path, title)


def draw_norms(axes: Axes, norms: Mapping[str, Any], below: bool = False) -> None:
    """Draws norms by lag into axes, relative to the norm at lag 0.

    Args:
      axes: to draw into.
      norms: as in `gradient_by_lag`.
      below: whether the legend stands under the axes.
    """
    for i, (label, of) in enumerate(norms.items()):
        mean = geometric_mean(of)
        lags = np.arange(len(mean))
        relative = (
            np.maximum(mean / mean[0], FLOOR) if mean[0] > 0 else mean * 0 + FLOOR
        )
        words = f"{label}: {verdict(mean).in_words()}"
        axes.plot(lags, relative, color=f"C{i}", label=readable(words))
    axes.set_yscale("log")
    axes.axhline(1, color="black", lw=0.8)
    label_axes(axes, "lag k (steps)", "‖∂L⟨T⟩/∂h⟨T−k⟩‖, relative to lag 0")
    axes.grid(alpha=0.3)
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.14)} if below else {}
    for text in axes.legend(fontsize="small", **place).get_texts():
        text.set_parse_math(False)
