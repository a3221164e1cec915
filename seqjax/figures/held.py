"""What units hold: a text in the colours of one unit, sentences in those of many."""

import pathlib
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from seqjax.figures.drawing import canvas, write
from seqjax.figures.text import readable, tick_labels

COLUMNS = 76  # characters in a line of a coloured text
COLOURS = "coolwarm"


class Coloured(NamedTuple):
    """A text, and one unit's value after each of its characters."""

    title: str
    characters: Sequence[str]  # T of them
    values: np.ndarray  # [T]
    marks: Sequence[bool]  # T of them, which are underlined
    level: float = 0.0  # the value that has no colour


class HeldUnits(NamedTuple):
    """A sentence, and what some units hold after each of its words."""

    title: str
    words: Sequence[str]  # T of them
    values: np.ndarray  # [T, units]
    units: Sequence[int]  # the numbers of the rows
    marks: Sequence[bool]  # T of them: words that are framed in the unit above


def coloured_text(
    path: str | pathlib.Path, panels: Sequence[Coloured], *, title: str, marked: str
) -> Figure:
    """Draws texts whose characters have the colours of a unit, one below the other.

    They are red above the unit's level and blue below, the stronger the farther, after
    Karpathy, Johnson and Fei-Fei (2016).

    Args:
      path: of the PNG.
      panels: at least one.
      title: of the figure.
      marked: what the underlined characters are.

    Returns:
      The figure.

    Raises:
      ValueError: there is no panel, or values and marks are not as many as characters.
    """
    if not panels:
        raise ValueError("a coloured text needs at least one panel")
    for panel in panels:
        _same_length(panel.characters, values=panel.values, marks=panel.marks)
    lines = [-(-len(panel.characters) // COLUMNS) for panel in panels]
    heights = [rows + 1.5 for rows in lines]
    size = 12, 0.27 * sum(heights) + 0.9
    figure, grid = canvas(len(panels), 1, size, height_ratios=heights)
    for axes, panel, rows in zip(grid[:, 0], panels, lines, strict=True):
        reach = float(np.abs(panel.values - panel.level).max()) or 1.0
        ticks = [panel.level - reach, panel.level, panel.level + reach]
        colours = ScalarMappable(Normalize(ticks[0], ticks[2]), COLOURS)
        _draw_text(axes, panel, colours)
        axes.set(xlim=(0, COLUMNS), ylim=(rows, 0))
        axes.set(xticks=[], yticks=[], ylabel="text")
        axes.spines[:].set_visible(False)
        _name(axes, panel.title, size[0])
        _bar(axes, colours, ticks)
    return write(figure, path, f"{title}; underlined: {marked}")


def held_units(
    path: str | pathlib.Path,
    rows: Sequence[Sequence[HeldUnits]],
    *,
    title: str,
    marked: str,
) -> Figure:
    """Draws heat maps of units × words, a panel a sentence and network.

    Args:
      path: of the PNG.
      rows: of panels, all as long as the first; a panel has colours up to its largest
        value.
      title: of the figure.
      marked: what the framed words of the first unit are.

    Returns:
      The figure.

    Raises:
      ValueError: there is no panel, or an axis is not as long as its labels.
    """
    panels = [panel for row in rows for panel in row]
    columns = len(rows[0]) if rows else 0
    if not panels or any(len(row) != columns for row in rows):
        raise ValueError("a heat map of units needs rows of as many panels each")
    for panel in panels:
        _same_length(panel.words, values=panel.values, marks=panel.marks)
        _same_length(panel.units, units=np.transpose(panel.values))
    words = max(len(panel.words) for panel in panels)
    longest = max(len(word) for panel in panels for word in tick_labels(panel.words))
    beside = 3.5 + 0.3 * longest  # a title and tilted words, in rows
    heights = [max(len(panel.units) for panel in row) + beside for row in rows]
    width = float(np.clip(2 + 0.45 * words, 7, 16))
    size = columns * width, 0.2 * sum(heights) + 0.9
    figure, grid = canvas(len(rows), columns, size, height_ratios=heights)
    for axes, panel in zip(grid.flat, panels, strict=True):
        _draw_units(axes, panel)
        _name(axes, panel.title, width)
    for axes in grid[-1]:
        axes.set_xlabel("word that was just read")
    return write(figure, path, f"{title}; framed: {marked}")


def _draw_units(axes: Axes, panel: HeldUnits) -> None:
    limit = float(np.abs(panel.values).max()) or 1.0
    how = {"aspect": "auto", "cmap": COLOURS, "vmin": -limit, "vmax": limit}
    image = axes.imshow(np.transpose(panel.values), **how)
    for step in np.flatnonzero(panel.marks):
        frame = Rectangle((step - 0.5, -0.5), 1, 1, fill=False, ec="black", lw=1.5)
        axes.add_patch(frame)
    style = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    words = tick_labels(panel.words)
    axes.set_xticks(range(len(words)), words, parse_math=False, **style)
    axes.set_yticks(range(len(panel.units)), [f"{unit}" for unit in panel.units])
    axes.set_ylabel("unit")
    _bar(axes, image, [-limit, 0, limit])


def _bar(axes: Axes, colours: ScalarMappable, ticks: Sequence[float]) -> None:
    """Draws a bar of colours with its numbers beside axes."""
    bar = axes.figure.colorbar(colours, ax=axes, fraction=0.015, ticks=ticks)
    bar.set_ticklabels([f"{value:.3g}" for value in ticks])
    bar.set_label("value", fontsize=8)


def _name(axes: Axes, title: str, inches: float) -> None:
    """Names a panel, in lines as long as the figure is wide."""
    text = textwrap.fill(readable(title), int(11 * inches))
    axes.set_title(text, fontsize=10, loc="left", parse_math=False)


def _draw_text(axes: Axes, panel: Coloured, colours: ScalarMappable) -> None:
    drawn = zip(panel.characters, panel.values, panel.marks, strict=True)
    for i, (character, value, is_marked) in enumerate(drawn):
        row, column = divmod(i, COLUMNS)
        color = colours.to_rgba(value)
        axes.add_patch(Rectangle((column, row), 1, 1, color=color, lw=0))
        style = {"ha": "center", "va": "center", "fontsize": 10, "parse_math": False}
        axes.text(column + 0.5, row + 0.5, readable(character), **style)
        if is_marked:
            axes.plot([column, column + 1], [row + 0.95] * 2, color="black", lw=1)


def _same_length(labels: Sequence, **arrays: Sequence | np.ndarray) -> None:
    for name, array in arrays.items():
        if len(array) != len(labels) or not len(labels):
            raise ValueError(f"{len(array)} {name} for {len(labels)} tokens or units")
