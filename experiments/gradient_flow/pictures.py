"""Gradients by lag beside what is learned at each distance."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from seqjax.figures import drawing, lags


def draw_story(
    path: pathlib.Path, results: Mapping[str, dict[str, Any]], *, title: str
) -> None:
    """Draws each cell's gradient before and after training, and its shares recalled."""
    figure, grid = drawing.canvas(1, 3, (17, 5))
    at_first, trained, learned = grid[0]
    for axes, when in ((at_first, "initialisation"), (trained, "trained")):
        norms = {cell: result["gradient"][when] for cell, result in results.items()}
        lags.draw_norms(axes, norms)
    at_first.set_title("at initialisation")
    trained.set_title("after training at the largest distance")
    for i, (cell, result) in enumerate(results.items()):
        _recalled(learned, cell, result["recalled"], f"C{i}", i)
    chance = next(iter(results.values()))["baseline"]
    learned.axhline(chance, color="black", ls=":", label=f"chance: {chance:.3g}")
    learned.set(title="what is learned: a dot a seed, a line through the means")
    drawing.label_axes(learned, "distance in training (steps)", "share recalled")
    drawing.legend(learned)
    drawing.write(figure, path, title)


def _recalled(axes, cell: str, recalled: Mapping, color: str, place: int):
    """Draws a dot for each seed, beside those of other cells, and the means."""
    distances = np.array([int(distance) for distance in recalled])
    shares = np.array(list(recalled.values()))  # [distances, seeds]
    beside = distances * 1.04 ** (place - 1)
    style = {"color": color, "ms": 5, "alpha": 0.5, "ls": ""}
    axes.plot(np.repeat(beside, shares.shape[1]), shares.ravel(), "o", **style)
    axes.plot(beside, shares.mean(axis=1), color=color, label=cell)
    axes.set_xscale("log")
    axes.set_xticks(distances, [str(distance) for distance in distances])
    axes.minorticks_off()
    axes.grid(alpha=0.3)


def draw_remedies(
    path: pathlib.Path, panels: Mapping[str, Mapping[str, list[float]]]
) -> None:
    """Draws what each remedy makes of the gradient at initialisation."""
    figure, grid = drawing.canvas(1, len(panels), (5.6 * len(panels), 5.4), sharey=True)
    for axes, (name, norms) in zip(grid[0], panels.items(), strict=True):
        lags.draw_norms(axes, norms, below=True)
        axes.set_title(name)
    drawing.write(figure, path, "what each remedy does to the gradient at first")


def draw_truncation(
    path: pathlib.Path, recalled: Mapping[int, list[float]], chance: float
) -> None:
    """Draws what is learned at one distance with gradients through fewer steps."""
    figure, grid = drawing.canvas(1, 1, (8, 5))
    axes, whole = grid[0, 0], max(recalled)
    _recalled(axes, "mean; a dot a seed", recalled, "C0", 1)
    axes.set_xscale("linear")
    axes.set_xticks(list(recalled))
    axes.axvline(whole, color="C1", lw=0.8, label="the first symbol is reached")
    axes.axhline(chance, color="black", ls=":", label=f"chance: {chance:.3g}")
    drawing.label_axes(axes, "k2, the steps a gradient goes through", "share recalled")
    drawing.legend(axes)
    title = f"truncation: an LSTM is to recall a symbol at a distance of {whole} steps"
    drawing.write(figure, path, title)


def draw_clipping(
    path: pathlib.Path, histories: Mapping[str, list[dict[str, Any]]], chance: float
) -> None:
    """Draws the loss and the gradient's norm of each training over its steps."""
    figure, grid = drawing.canvas(2, 1, (11, 7), sharex=True)
    keys = {"loss": "−log P (nats per sequence)", "grad_norm_max": "gradient norm"}
    for axes, (key, unit) in zip(grid[:, 0], keys.items(), strict=True):
        drawing.over_steps(axes, sum(histories.values(), []))
        for i, (name, history) in enumerate(histories.items()):
            steps, values = drawing.series(history, key)
            axes.plot(steps, values, color=f"C{i}", marker=".", label=name)
        drawing.label_axes(axes, "", unit)
        axes.set_yscale("log")
    level = {"color": "black", "ls": ":", "label": f"chance: {chance:.3g}"}
    grid[0, 0].axhline(chance, **level)
    drawing.legend(grid[0, 0])
    grid[1, 0].set_xlabel("training step")
    drawing.write(figure, path, "a ReLU network at learning rate 1, clipped and not")
