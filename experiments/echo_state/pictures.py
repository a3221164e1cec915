"""The pictures of a run: prediction, error by how far ahead, phase portrait."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from experiments.echo_state.data import Signal
from experiments.echo_state.model import Errors, nrmse
from experiments.shared.run import Run
from seqjax.figures.drawing import canvas, label_axes, legend, write
from seqjax.predict import SeriesPredictor

SHOWN = 300  # steps of a prediction
ALONE = 3000  # steps that the network runs by itself at most, for its portrait
TURN = 6  # steps between the two values of a portrait, of a signal of one number
AHEAD = (1, 2, 5, 10, 20, 50, 84, 100, 110, 200, 300, 500)


def by_horizon(errors: Mapping[str, Errors], signal: Signal) -> dict[str, Any]:
    """The NRMSE of networks that run by themselves, at some steps ahead."""
    return {
        name: {
            str(k): nrmse(found.alone[:, k - 1], signal)
            for k in AHEAD
            if k <= found.alone.shape[1]
        }
        for name, found in errors.items()
        if found.alone is not None
    }


def draw(
    run: Run,
    model: SeriesPredictor,
    linear: SeriesPredictor,
    signal: Signal,
    errors: Mapping[str, Errors],
) -> None:
    """Draws all pictures of a run."""
    title = f"{run.source.name if run.source else ''}: {run.options.features} units"
    run.figure(prediction, "prediction", signal, errors, title=title)
    if signal.closed:
        run.figure(horizon, "horizon", signal, errors, title=title)
        known, steps = signal.test_inputs[0, : signal.warm + 1], run.options.learn
        steps = min(ALONE, steps)
        alone = {
            "the signal": signal.inputs[-steps:],
            "echo state network, by itself": model.forecast(known, steps),
            "linear regression on delays, by itself": linear.forecast(known, steps),
        }
        run.figure(portrait, "portrait", alone, title=title)


def prediction(
    path: str | pathlib.Path,
    signal: Signal,
    errors: Mapping[str, Errors],
    *,
    title: str,
) -> Figure:
    """Draws the first test: what was right, what was said, and the error below."""
    right = signal.test_targets[0, signal.warm :, :1][:SHOWN, 0]
    figure, grid = canvas(2, 1, (10, 6), sharex=True)
    steps, ahead = np.arange(1, len(right) + 1), signal.horizon > 0
    grid[0, 0].plot(steps, right, color="black", lw=2.5, alpha=0.4, label="the signal")
    for i, (name, found) in enumerate(list(errors.items())[:2]):
        off = found.next if found.alone is None or not ahead else found.alone
        off = off[0, : len(right), 0]
        style = {"lw": 1.2, "ls": ("-", "--")[i], "color": f"C{i}"}
        grid[0, 0].plot(steps, right + off, label=name, **style)
        grid[1, 0].plot(steps, np.maximum(abs(off), 1e-12), label=name, **style)
    low, high = right.min(), right.max()
    grid[0, 0].set_ylim(low - 0.3 * (high - low), high + 0.3 * (high - low))
    grid[1, 0].set_yscale("log")
    how = "steps ahead, by itself" if ahead else "steps, each one ahead"
    label_axes(grid[0, 0], "", "value")
    label_axes(grid[1, 0], how, "size of the error (in units of the value)")
    for axes in grid[:, 0]:
        axes.grid(alpha=0.3)
    legend(grid[0, 0])
    return write(figure, path, f"{title}: the first test")


def horizon(
    path: str | pathlib.Path,
    signal: Signal,
    errors: Mapping[str, Errors],
    *,
    title: str,
) -> Figure:
    """Draws the NRMSE over all tests by how many steps ahead."""
    figure, grid = canvas(1, 1, (9, 4.6))
    axes = grid[0, 0]
    for name, found in errors.items():
        if found.alone is not None:
            ahead = range(1, found.alone.shape[1] + 1)
            off = [nrmse(found.alone[:, k - 1], signal) for k in ahead]
            axes.plot(ahead, np.clip(off, 1e-9, 10), label=name)
    axes.set_yscale("log")
    axes.axhline(1, color="black", lw=0.8, ls="--", label="the mean: 1")
    if signal.horizon:
        label = f"scored: step {signal.horizon}"
        axes.axvline(signal.horizon, color="black", ls=":", label=label)
    label_axes(axes, "steps ahead, by itself", "NRMSE over all tests (cut at 10)")
    axes.grid(alpha=0.3)
    legend(axes)
    return write(figure, path, f"{title}: error by how far ahead")


def portrait(
    path: str | pathlib.Path, alone: Mapping[str, np.ndarray], *, title: str
) -> Figure:
    """Draws values against earlier ones, or the first against the last of several."""
    figure, grid = canvas(1, len(alone), (13, 4.6), sharex=True, sharey=True)
    (first, *_), wide = alone.values(), next(iter(alone.values())).shape[1] > 1
    for i, (name, values) in enumerate(alone.items()):
        axes = grid[0, i]
        pair = (
            (values[:, 0], values[:, -1]) if wide else (values[:-TURN], values[TURN:])
        )
        axes.plot(*(np.ravel(p) for p in pair), lw=0.5, color=f"C{i - 1}" if i else "k")
        axes.set_title(name, fontsize=10)
        axes.grid(alpha=0.3)
    spread = 0.3 * np.ptp(first, axis=0)
    low, high = first.min(axis=0) - spread, first.max(axis=0) + spread
    grid[0, 0].set_xlim(low[0], high[0])
    grid[0, 0].set_ylim(low[-1], high[-1])
    for i, axes in enumerate(grid[0]):
        labels = (
            ("x", "z") if wide else ("value at step t", f"value at step t + {TURN}")
        )
        label_axes(axes, labels[0], "" if i else labels[1])
    return write(figure, path, f"{title}: phase portrait")


def forgetting(
    path: str | pathlib.Path, curves: Mapping[str, np.ndarray], most: int, *, title: str
) -> Figure:
    """Draws r² of each past input by how long ago it was."""
    figure, grid = canvas(1, 1, (9, 4.6))
    axes = grid[0, 0]
    for name, curve in curves.items():
        label = f"{name}: {curve.sum():.1f} of at most {most}"
        axes.plot(curve, label=label)
    label_axes(axes, "steps ago", "r² of the input and its readout, new inputs")
    axes.set_ylim(0, 1.03)
    axes.grid(alpha=0.3)
    legend(axes)
    return write(figure, path, title)
