"""Forecasts as fans: what was, what was to be expected, and what came."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from seqjax.figures.drawing import canvas, label_axes, write
from seqjax.figures.text import readable

SHADES = (0.15, 0.25, 0.4, 0.55, 0.7)  # of bands, the widest first


class Fan(NamedTuple):
    """A forecast of one variable from one origin."""

    title: str
    before: np.ndarray  # [T], where the history is on the horizontal axis
    history: np.ndarray  # [T], NaN where there is a gap
    after: np.ndarray  # [H], where the forecast is
    quantiles: np.ndarray  # [H, Q]
    truth: np.ndarray  # [H]
    others: Mapping[str, np.ndarray]  # labels, each with a forecast [H]


def fan_chart(
    path: str | pathlib.Path,
    fans: Sequence[Fan],
    levels: Sequence[float],
    x: str,
    *,
    title: str,
) -> Figure:
    """Draws forecasts as bands between their quantiles, one below the other.

    Args:
      path: of the PNG.
      fans: at least one; the title of each labels its vertical axis.
      levels: Q of them, increasing, ½ in the middle: bands lie between the first and
        the last, the second and the last but one, and so on.
      x: what the horizontal axis is.
      title: of the figure.

    Returns:
      The figure.

    Raises:
      ValueError: there is no fan, or its quantiles are not as many as the levels.
    """
    if not fans or any(fan.quantiles.shape[-1] != len(levels) for fan in fans):
        raise ValueError("a fan chart needs fans, and a quantile for each level")
    figure, grid = canvas(len(fans), 1, (11, 0.8 + 3 * len(fans)))
    for axes, fan in zip(grid[:, 0], fans, strict=True):
        bands = _draw(axes, fan, levels)
        label_axes(axes, x if fan is fans[-1] else "", fan.title)
        axes.grid(alpha=0.3)
    handles = [*grid[0, 0].get_legend_handles_labels()[0], *bands]
    place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "borderaxespad": 0}
    box = grid[0, 0].legend(handles=handles, **place)
    for text in box.get_texts():
        text.set_parse_math(False)
    return write(figure, path, title)


def _draw(axes: Axes, fan: Fan, levels: Sequence[float]) -> list[Patch]:
    """Draws a fan, and returns the bands for a legend."""
    middle, bands = len(levels) // 2, []
    for i in range(middle):
        low, high = fan.quantiles[:, i], fan.quantiles[:, -1 - i]
        shade = SHADES[min(i + max(0, 3 - middle), len(SHADES) - 1)]
        axes.fill_between(fan.after, low, high, color="C0", alpha=shade, lw=0)
        share = f"{levels[-1 - i] - levels[i]:.0%} of what may come"
        bands.append(Patch(color="C0", alpha=shade, label=share))
    style = {"marker": ".", "ms": 3, "lw": 1, "color": "black"}
    axes.plot(fan.before, fan.history, label="known", **style)
    for i, (name, line) in enumerate(fan.others.items()):
        named = readable(name)
        axes.plot(fan.after, line, color=f"C{i + 1}", ls="--", lw=1.3, label=named)
    median = fan.quantiles[:, middle]
    axes.plot(fan.after, median, color="C0", lw=1.6, label="median")
    points = {"marker": "o", "ms": 4, "ls": "", "mfc": "white", "color": "black"}
    axes.plot(fan.after, fan.truth, label="what came", **points)
    return bands
