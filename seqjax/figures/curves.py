"""Lines over training steps, and over anything else."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from seqjax.figures.drawing import (
    History,
    canvas,
    label_axes,
    legend,
    marker,
    mean_line,
    over_steps,
    say_empty,
    series,
    write,
)


def gradient_norms(
    path: str | pathlib.Path, history: History, clip_norm: float = 0.0, *, title: str
) -> Figure:
    """Draws the gradient's global norm before clipping, on a logarithmic axis.

    Args:
      path: of the PNG.
      history: lines of metrics.jsonl with "grad_norm", the mean over the steps since
        the line before, and "grad_norm_max", the largest of them.
      clip_norm: the threshold of clipping, drawn unless 0.
      title: of the figure.

    Returns:
      The figure.
    """
    figure, grid = canvas(1, 1, (10, 4.4))
    axes = grid[0, 0]
    over_steps(axes, history)
    label_axes(axes, "training step", "gradient norm before clipping")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    axes.yaxis.set_major_formatter(lambda norm, _: f"{norm:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    _norms(axes, history, "grad_norm_max", "largest of each logged interval", "C1")
    _norms(axes, history, "grad_norm", "mean of each logged interval", "C0")
    if not any(len(line.get_xdata()) for line in axes.lines):
        say_empty(axes, "no gradient norm yet")
    if clip_norm:
        style = {"color": "black", "ls": "--", "lw": 1}
        axes.axhline(clip_norm, label=f"clipping threshold: {clip_norm:g}", **style)
    legend(axes)
    return write(figure, path, title)


def _norms(axes: Axes, history: History, key: str, label: str, color: str) -> None:
    steps, norms = series(history, key)
    steps, norms = steps[norms > 0], norms[norms > 0]  # zero has no logarithm
    axes.plot(steps, norms, marker=marker(steps), color=color, lw=1, label=label)


def curves(
    path: str | pathlib.Path,
    panels: Sequence[tuple[str, Mapping[str, tuple[Any, Any]]]],
    unit: str,
    *,
    title: str,
    mark: Mapping[str, float] | None = None,
    logarithmic_from: float | None = None,
) -> Figure:
    """Draws panels of lines beside each other, with one vertical axis.

    Args:
      path: of the PNG.
      panels: of each panel, the label of the horizontal axis and its lines: labels,
        each with its x [N] and y [N]; or of several runs [runs, N], which are drawn as
        their mean in a band from the lowest to the highest.
      unit: of the vertical axis.
      title: of the figure.
      mark: labels of vertical lines in the first panel, each with its place.
      logarithmic_from: from here on the horizontal axis is logarithmic, and linear
        between it and zero; linear everywhere if None.

    Returns:
      The figure.

    Raises:
      ValueError: there is no panel.
    """
    if not panels:
        raise ValueError("curves needs at least one panel to draw")
    size = (3 + 4.5 * len(panels), 4.4)
    figure, grid = canvas(1, len(panels), size, sharey=True)
    for axes, (label, lines) in zip(grid[0], panels, strict=True):
        for name, (x, y) in lines.items():
            at = np.atleast_2d(x).mean(axis=0)
            mean_line(axes, at, np.atleast_2d(y), label=name)
        if logarithmic_from is not None:
            axes.set_xscale("symlog", linthresh=logarithmic_from)
        label_axes(axes, label, unit if axes is grid[0, 0] else "")
        axes.grid(alpha=0.3)
    for label, place in (mark or {}).items():
        grid[0, 0].axvline(place, color="black", ls=":", label=label)
    legend(*grid[0])
    return write(figure, path, title)
