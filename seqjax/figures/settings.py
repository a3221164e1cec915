"""Scores against settings: a panel for each thing that is varied."""

import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from seqjax.figures.drawing import (
    canvas,
    label_axes,
    legend,
    mean_line,
    say_empty,
    write,
)
from seqjax.figures.text import tick_labels

MOST = 8  # lines with a colour and a name of their own
WIDE = 4  # a largest value over the smallest from which an axis is logarithmic


class Setting(NamedTuple):
    """What was reached with one choice of values."""

    values: Mapping[str, str]  # of what is varied
    scores: Sequence[float]  # of each seed
    baseline: float | None = None  # the score of something simpler


def by_setting(
    path: str | pathlib.Path, settings: Sequence[Setting], unit: str, *, title: str
) -> Figure:
    """Draws scores against each thing that is varied, with the others as lines.

    Numbers stand on an axis, their lines are the mean over seeds in a band from the
    lowest to the highest. Words stand side by side, each with its seeds as points and
    a bar at their mean. The baseline is dashed.

    Args:
      path: of the PNG.
      settings: all with the same keys of `values`; an empty key is no part of a label.
      unit: of the scores.
      title: of the figure.

    Returns:
      The figure.

    Raises:
      ValueError: there is no setting.
    """
    if not settings:
        raise ValueError("by_setting needs at least one setting to draw")
    names = list(settings[0].values) or [""]
    panels = [(name, unit, settings) for name in names]
    return panels_by_setting(path, panels, title=title, sharey=True)


def panels_by_setting(
    path: str | pathlib.Path,
    panels: Sequence[tuple[str, str, Sequence[Setting]]],
    *,
    title: str,
    sharey: bool = False,
    baseline: str = "baseline",
) -> Figure:
    """Draws panels of numbers against something that is varied, as `by_setting` does.

    Args:
      path: of the PNG.
      panels: of each, what is varied, which is the label of its axis, the unit of the
        numbers, and the settings.
      title: of the figure.
      sharey: whether they have one vertical axis.
      baseline: what the dashed line is called.

    Returns:
      The figure.
    """
    rows = 1 if len(panels) < 4 else 2
    columns = math.ceil(len(panels) / rows)
    size = (4 + 4.2 * columns, 4.6 * rows)
    figure, grid = canvas(rows, columns, size, sharey=sharey)
    for i, (name, unit, settings) in enumerate(panels):
        axes = grid.flat[i]
        draw_setting(axes, settings, name, baseline)
        label_axes(axes, name, "" if sharey and i % columns else unit)
        legend(axes, width=24)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    return write(figure, path, title)


def draw_setting(
    axes: Axes, settings: Sequence[Setting], name: str, baseline: str = "baseline"
) -> None:
    """Draws scores against one thing that is varied.

    Args:
      axes: to draw into.
      settings: as in `by_setting`.
      name: of what is varied; empty if nothing is.
      baseline: what the dashed line is called.
    """
    values = list(dict.fromkeys(s.values.get(name, "") for s in settings))
    numbers = _numbers(values)
    x = numbers or {value: float(i) for i, value in enumerate(values)}
    lines: dict[str, list[Setting]] = {}
    for setting in settings:
        lines.setdefault(_others(setting, name), []).append(setting)
    for i, (label, line) in enumerate(lines.items()):
        few = len(lines) <= MOST
        style = {"color": f"C{i}" if few else "C7", "alpha": 1.0 if few else 0.5}
        named = {"label": label} if few and label else {}
        if numbers:
            _line(axes, line, x, name, style | named)
        else:
            shift = 0.5 * ((i + 0.5) / len(lines) - 0.5)
            _points(axes, line, x, name, style | named, shift)
    _baselines(axes, settings, x, name, bool(numbers), baseline)
    _ticks(axes, x, bool(numbers))
    axes.grid(alpha=0.3)
    if not any(s.scores for s in settings):
        say_empty(axes, "no score yet")


def _numbers(values: Sequence[str]) -> dict[str, float]:
    """Each value as a number; empty if one is none."""
    try:
        numbers = {value: float(value) for value in values}
    except ValueError:
        return {}
    return numbers if all(map(math.isfinite, numbers.values())) else {}


def _others(setting: Setting, name: str) -> str:
    others = {k: v for k, v in setting.values.items() if k != name}
    return ", ".join(f"{k}={v}" if k else v for k, v in others.items())


def _line(axes: Axes, line, x, name: str, style: Mapping) -> None:
    """Draws the mean of the seeds in a band; where they differ in number, the mean."""
    line = sorted((s for s in line if s.scores), key=lambda s: x[s.values[name]])
    if not line:
        return
    at = np.array([x[s.values[name]] for s in line])
    fewest = min(len(s.scores) for s in line)
    if all(len(s.scores) == fewest for s in line):
        mean_line(axes, at, np.array([s.scores for s in line]).T, **style)
        return
    mean = np.array([np.mean(s.scores) for s in line])
    low, high = (np.array([f(s.scores) for s in line]) for f in (min, max))
    mean_line(axes, at, mean[None], **style)
    axes.fill_between(at, low, high, color=style["color"], alpha=0.2, lw=0)


def _points(axes: Axes, line, x, name: str, style: Mapping, shift: float) -> None:
    """Draws each seed as a point, and a bar at their mean."""
    pairs = [(x[s.values.get(name, "")] + shift, v) for s in line for v in s.scores]
    at, scores = np.array(pairs).reshape(-1, 2).T
    axes.plot(at, scores, "o", mec="black", ms=5, **style)
    for s in line:
        if len(s.scores) > 1:
            place = x[s.values.get(name, "")] + shift
            ends = [place - 0.07, place + 0.07]
            axes.plot(ends, [np.mean(s.scores)] * 2, color="black", lw=2)


def _baselines(
    axes: Axes, settings: Sequence[Setting], x, name: str, numeric: bool, label: str
) -> None:
    """Draws the mean baseline of all settings that share a value."""
    found: dict[float, list[float]] = {}
    for s in settings:
        if s.baseline is not None:
            found.setdefault(x[s.values.get(name, "")], []).append(s.baseline)
    means = {place: float(np.mean(each)) for place, each in sorted(found.items())}
    style = {"color": "black", "ls": "--", "lw": 1, "label": label}
    if means and max(means.values()) - min(means.values()) < 1e-9:
        axes.axhline(next(iter(means.values())), **style)
    elif means and numeric:
        axes.plot(list(means), list(means.values()), **style)
    else:
        for place, mean in means.items():
            axes.plot([place - 0.3, place + 0.3], [mean] * 2, **style)


def _ticks(axes: Axes, x: Mapping[str, float], numeric: bool) -> None:
    """Puts a tick at each value, on a logarithmic axis if they span a wide range."""
    places = sorted(set(x.values()))
    if numeric and places[0] > 0 and places[-1] / places[0] >= WIDE:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
    if not numeric:
        axes.set_xlim(-0.6, len(x) - 0.4)
    if not numeric or len(places) <= 10:
        names = [next(k for k, v in x.items() if v == place) for place in places]
        axes.set_xticks(places, tick_labels(names), parse_math=False)
