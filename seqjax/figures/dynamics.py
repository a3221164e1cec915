"""Pictures of a layer's dynamics, of the numbers in `seqjax.inspect`."""

import itertools
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from seqjax.figures.drawing import canvas, label_axes, legend, write
from seqjax.inspect.fixed_points import FixedPoints
from seqjax.inspect.projection import principal_components

NAMED = 6  # of so many lines each is named in a legend; of more the first and the last
MOST = 2000  # points of a line; of a longer one every second, third … is drawn


def eigenvalues(
    path: str | pathlib.Path, values: Mapping[str, Any], *, title: str
) -> Figure:
    """Draws eigenvalues of Jacobians in the complex plane, with the unit circle.

    Inside the circle a change fades from step to step, outside it grows; the angle is
    how far it turns.

    Args:
      path: of the PNG.
      values: labels, each with complex numbers [...].
      title: of the figure.

    Returns:
      The figure.
    """
    figure, grid = canvas(1, 1, (7, 5))
    axes = grid[0, 0]
    angle = np.linspace(0, 2 * np.pi, 361)
    style = {"color": "black", "lw": 1, "label": "unit circle: |λ| = 1"}
    axes.plot(np.cos(angle), np.sin(angle), **style)
    for (label, group), shape in zip(
        values.items(), itertools.cycle("os^Dv"), strict=False
    ):
        flat = np.ravel(group)
        axes.plot(np.real(flat), np.imag(flat), shape, ms=4, mfc="none", label=label)
    axes.set_aspect("equal", adjustable="datalim")
    label_axes(axes, "real part of λ", "imaginary part of λ")
    axes.grid(alpha=0.3)
    legend(axes)
    return write(figure, path, title)


def singular_values(
    path: str | pathlib.Path, log_values: np.ndarray, *, title: str
) -> Figure:
    """Draws the singular values of products of Jacobians against the lag.

    Args:
      path: of the PNG.
      log_values: natural logarithms [T, n], as `inspect.jacobian_spectrum` gives them;
        row t − 1 is lag t.
      title: of the figure.

    Returns:
      The figure.

    Raises:
      ValueError: `log_values` is no [T, n].
    """
    powers = _matrix("log_values", log_values) / np.log(10)  # 1e-900 is no float
    figure, grid = canvas(1, 1, (9, 4.6))
    axes = grid[0, 0]
    lags, n = np.arange(1, len(powers) + 1), powers.shape[1]
    for label, color, i in _named(n, "largest", "smallest"):
        width = 0.6 if label is None else 2
        axes.plot(lags, powers[:, i], color=color, lw=width, label=label)
    axes.axhline(0, color="black", ls="--", lw=1, label="1: neither grows nor fades")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.yaxis.set_major_formatter(lambda power, _: f"1e{power:g}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    label_axes(axes, "lag t (steps)", "singular value of ∂s⟨t⟩/∂s⟨0⟩")
    axes.grid(alpha=0.3)
    legend(axes)
    return write(figure, path, title)


def lyapunov(
    path: str | pathlib.Path,
    running: np.ndarray,
    *,
    title: str,
    unit: str = "nats per step",
    known: Mapping[str, float] | None = None,
) -> Figure:
    """Draws running estimates of Lyapunov exponents against the steps.

    Args:
      path: of the PNG.
      running: [T, k], as in `inspect.LyapunovExponents`.
      title: of the figure.
      unit: of the exponents.
      known: labels of horizontal lines, each with its place.

    Returns:
      The figure.

    Raises:
      ValueError: `running` is no [T, k].
    """
    running = _matrix("running", running)
    every = -(-len(running) // MOST)
    figure, grid = canvas(1, 1, (9, 4.6))
    axes = grid[0, 0]
    steps = np.arange(1, len(running) + 1)[::every]
    for label, color, i in _named(running.shape[1], "largest", "smallest"):
        name = None if label is None else f"{label}: {running[-1, i]:.4g}"
        width = 0.6 if label is None else 1.5
        axes.plot(steps, running[::every, i], color=color, lw=width, label=name)
    axes.axhline(0, color="black", lw=0.8)
    for label, place in (known or {}).items():
        style = {"color": "black", "ls": "--", "lw": 1.2}
        axes.axhline(place, label=f"{label}: {place:g}", **style)
    label_axes(axes, "steps that count", f"Lyapunov exponent ({unit})")
    axes.grid(alpha=0.3)
    legend(axes)
    return write(figure, path, title)


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


def _named(count: int, first: str, last: str) -> Iterator[tuple[str | None, str, int]]:
    """Label, colour and place of each line; all named if they are few."""
    middle = [(None, "0.7", i) for i in range(1, count - 1)]
    if count <= NAMED:
        middle = [(f"{i + 1}", f"C{i}", i) for i in range(1, count - 1)]
    ends = [(first, "C3", 0)] + [(last, "C0", count - 1)] * (count > 1)
    yield from (*middle, *ends)


def _matrix(name: str, array: np.ndarray) -> np.ndarray:
    """An array of two axes, none of them empty."""
    array = np.asarray(array)
    if array.ndim != 2 or not array.size:
        raise ValueError(f"{name} must be [T, n], not of shape {array.shape}")
    return array
