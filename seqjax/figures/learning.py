"""The learning curve: losses and scores over training steps, beside the baselines."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seqjax.figures.drawing import (
    FEW,
    History,
    canvas,
    label_axes,
    legend,
    marker,
    over_steps,
    say_empty,
    series,
    write,
)

TRAINING = "loss"  # the key of the training loss, which is logged at every dispatch
REACH = 3  # a baseline may make the axis this many times as long as the curves need
DASHES = ("--", ":", "-.")


@dataclasses.dataclass(frozen=True)
class Panel:
    """One pair of axes of a learning curve.

    Attributes:
      unit: of the vertical axis, such as "nats per letter".
      lines: labels, each with its key in the history; the key "loss" is the training
        loss.
      baselines: labels, each with its value.
    """

    unit: str
    lines: Mapping[str, str]
    baselines: Mapping[str, float] = dataclasses.field(default_factory=dict)


def learning_curve(
    path: str | pathlib.Path,
    history: History,
    panels: Sequence[Panel],
    *,
    title: str,
    best_step: int | None = None,
) -> Figure:
    """Draws losses and scores over training steps, one panel above the other.

    A long training loss is noisy, so that its moving average is drawn over it. A
    baseline far from the curves is named in the legend alone, with an arrow that says
    in which direction it lies.

    Args:
      path: of the PNG.
      history: the lines of metrics.jsonl.
      panels: what to draw.
      title: of the figure.
      best_step: the step whose parameters were kept; it is marked unless None or 0.

    Returns:
      The figure.
    """
    size = (10, 1.2 + 3.2 * len(panels))
    figure, grid = canvas(len(panels), 1, size, sharex=True)
    for axes, panel in zip(grid[:, 0], panels, strict=True):
        over_steps(axes, history)
        label_axes(axes, "", panel.unit)
        points = _lines(axes, history, panel, best_step)
        _baselines(axes, panel.baselines, points)
        legend(axes)
    grid[-1, 0].set_xlabel("training step")
    return write(figure, path, title)


def _lines(
    axes: Axes, history: History, panel: Panel, best_step: int | None
) -> np.ndarray:
    """Draws a panel's lines with their best step, and returns their points, [2, N]."""
    drawn, marked = [], False
    colors = (f"C{i}" for i in range(1, len(panel.lines) + 1))
    for label, key in panel.lines.items():
        steps, values = series(history, key)
        color = "C0" if key == TRAINING else next(colors)
        if not len(steps):
            axes.plot([], [], color=color, label=f"{label}: no value yet")
        elif key == TRAINING:
            _training(axes, steps, values, label, color)
        else:
            axes.plot(steps, values, marker=marker(steps), color=color, label=label)
            marked |= _best(axes, steps, values, label, color, best_step)
        drawn.append(np.stack([steps, values]))
    points = np.concatenate([np.zeros((2, 0)), *drawn], axis=1)
    if not points.size:
        say_empty(axes, "no evaluation yet")
    elif best_step:
        label = None if marked else f"best step: {best_step:,}"
        axes.axvline(best_step, color="gray", lw=0.8, label=label)
    return points


def _training(
    axes: Axes, steps: np.ndarray, values: np.ndarray, label: str, color: str
) -> None:
    if len(steps) <= FEW:
        axes.plot(steps, values, marker=".", color=color, alpha=0.6, label=label)
        return
    width = len(steps) // 20 | 1  # odd, so that it is centred
    axes.plot(steps, values, color=color, lw=0.7, alpha=0.35, label=label)
    smooth = moving_average(values, width)
    label = f"{label}, moving average of {width} points"
    axes.plot(steps, smooth, color=color, label=label)


def moving_average(values: np.ndarray, width: int) -> np.ndarray:
    """Returns the mean of the `width` values round each; of fewer near the ends."""
    window = np.ones(width)
    total = np.convolve(values, window, mode="same")
    return total / np.convolve(np.ones(len(values)), window, mode="same")


def _best(
    axes: Axes,
    steps: np.ndarray,
    values: np.ndarray,
    label: str,
    color: str,
    best_step: int | None,
) -> bool:
    """Marks a line's value at the best step, if there is one, and says if it did."""
    if not best_step or best_step not in steps:
        return False
    value = values[steps == best_step][-1]
    label = f"{label} at the best step, {best_step:,}: {value:.4g}"
    style = {"marker": "o", "ms": 7, "mec": "black", "ls": "", "zorder": 3}
    axes.plot([best_step], [value], color=color, label=label, **style)
    return True


def _baselines(axes: Axes, baselines: Mapping[str, float], points: np.ndarray) -> None:
    """Draws the baselines that are near the curves, and sets the vertical limits."""
    inside = _near(baselines, points)
    for i, (label, value) in enumerate(baselines.items()):
        label = f"{label}: {value:.4g}"
        style = {"color": "black", "lw": 1, "ls": DASHES[i % len(DASHES)]}
        if value in inside:
            axes.axhline(value, label=label, **style)
        else:
            is_above = value > points[1].max()
            arrow = "↑ above the axis" if is_above else "↓ below the axis"
            axes.plot([], [], label=f"{label} {arrow}", **style)
    shown = [*points[1][np.isfinite(points[1])], *inside]
    if shown:
        low, high = min(shown), max(shown)
        margin = 0.06 * (high - low) or 0.5 * abs(high) or 1.0
        axes.set_ylim(low - margin, high + margin)


def _near(baselines: Mapping[str, float], points: np.ndarray) -> list[float]:
    """Returns the values of baselines that would not squeeze the curves."""
    steps, values = points[:, np.isfinite(points[1])]
    if not len(values):
        return [*baselines.values()]
    low, high = values.min(), values.max()
    span = high - low if len(set(steps)) > 1 else 0.0
    reach = REACH * (span or abs(high) or 1.0)
    return [v for v in baselines.values() if max(high, v) - min(low, v) <= reach]
