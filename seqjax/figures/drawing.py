"""What all figures share: a canvas, axes over training steps, a legend, writing."""

import pathlib
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from seqjax.data.writing import whole_file
from seqjax.figures.text import families, readable

History = Sequence[Mapping[str, Any]]
_UNNAMED = re.compile(r"_child\d+")  # what matplotlib calls lines without a label
FEW = 60  # a line of at most this many points shows each as a marker


def canvas(
    rows: int, columns: int, size: tuple[float, float], **options: Any
) -> tuple[Figure, np.ndarray]:
    """Returns an empty figure of `size` inches and its axes, [rows, columns]."""
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def series(history: History, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the steps at which `key` was logged, and its values: [N] each."""
    pairs = [(line["step"], line[key]) for line in history if key in line]
    steps, values = np.array(pairs, float).reshape(-1, 2).T
    return steps, values


def label_axes(axes: Axes, x: str, y: str, width: int = 44) -> None:
    """Labels both axes, wrapped to `width` characters; an empty label is none."""
    axes.set_xlabel(textwrap.fill(readable(x), width), parse_math=False)
    axes.set_ylabel(textwrap.fill(readable(y), width), parse_math=False)


def over_steps(axes: Axes, history: History) -> None:
    """Makes the horizontal axis the training step, from zero to the last."""
    last = max([line["step"] for line in history], default=1)
    axes.set_xlim(0, 1.03 * max(last, 1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)


def marker(points: Sequence[Any] | np.ndarray) -> str:
    """Returns the marker of a line: none where points stand close together."""
    return "." if len(points) <= FEW else ""


def mean_line(axes: Axes, x: np.ndarray, ys: np.ndarray, **style: Any) -> None:
    """Draws the mean of runs [runs, N], in a band from the lowest to the highest."""
    (line,) = axes.plot(x, ys.mean(axis=0), marker=marker(x), **style)
    if len(ys) > 1:
        low, high = ys.min(axis=0), ys.max(axis=0)
        axes.fill_between(x, low, high, color=line.get_color(), alpha=0.2, lw=0)


def say_empty(axes: Axes, sentence: str) -> None:
    """Writes a sentence into axes that have nothing to show."""
    style = {"ha": "center", "va": "center", "transform": axes.transAxes}
    axes.text(0.5, 0.5, sentence, bbox={"color": "white"}, **style)


def legend(*all_axes: Axes, width: int = 30) -> None:
    """Names the labelled lines of axes, right of the last axes, where it hides none.

    Args:
      *all_axes: whose lines are named, a label once.
      width: the most characters in a row of the legend.
    """
    # Axes.legend() by itself would leave out labels that begin with an underscore
    named = {}
    for line in (line for axes in all_axes for line in axes.lines):
        named.setdefault(str(line.get_label()), line)
    named = {k: line for k, line in named.items() if not _UNNAMED.fullmatch(k)}
    if not named:
        return
    labels = [textwrap.fill(readable(label), width) for label in named]
    place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "borderaxespad": 0}
    box = all_axes[-1].legend(named.values(), labels, **place)
    for text in box.get_texts():
        text.set_parse_math(False)


def write(figure: Figure, path: str | pathlib.Path, title: str) -> Figure:
    """Adds a title and writes a figure as PNG, whole or not at all.

    Args:
      figure: what to write.
      path: of the PNG.
      title: stands above the figure, wrapped to its width.

    Returns:
      The figure.
    """
    width = int(8.5 * figure.get_figwidth())
    lines = textwrap.wrap(" ".join(readable(part) for part in title.split()), width)
    figure.suptitle("\n".join(lines), parse_math=False)
    for text in figure.findobj(Text):
        text.set_fontfamily(families())
    with whole_file(path) as partial:
        figure.savefig(partial, format="png")
    return figure
