"""How a layer stretches its state: eigenvalues, singular values, exponents."""

import itertools
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from seqjax.figures.drawing import canvas, label_axes, legend, write

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
        width, above = (0.6, 2) if label is None else (2, 3)
        style = {"color": color, "lw": width, "zorder": above, "label": label}
        axes.plot(lags, powers[:, i], **style)
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
        width, above = (0.6, 2) if label is None else (1.5, 3)
        style = {"color": color, "lw": width, "zorder": above, "label": name}
        axes.plot(steps, running[::every, i], **style)
    axes.axhline(0, color="black", lw=0.8)
    for label, place in (known or {}).items():
        style = {"color": "black", "ls": "--", "lw": 1.2}
        axes.axhline(place, label=f"{label}: {place:g}", **style)
    label_axes(axes, "steps that count", f"Lyapunov exponent ({unit})")
    axes.grid(alpha=0.3)
    legend(axes)
    return write(figure, path, title)


def _named(count: int, first: str, last: str) -> Iterator[tuple[str | None, str, int]]:
    """Label, colour and place of each line; all named if they are few."""
    for i in range(count):
        if i == 0:
            yield first, "C3", i
        elif i == count - 1:
            yield last, "C0", i
        else:
            yield (f"{i + 1}", f"C{i}", i) if count <= NAMED else (None, "0.7", i)


def _matrix(name: str, array: np.ndarray) -> np.ndarray:
    """An array of two axes, none of them empty."""
    array = np.asarray(array)
    if array.ndim != 2 or not array.size:
        raise ValueError(f"{name} must be [T, n], not of shape {array.shape}")
    return array
