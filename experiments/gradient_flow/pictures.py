"""Gradients by lag beside what is learned at each distance."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqjax.figures import distances, drawing, lags
from seqjax.inspect.lags import geometric_mean


def draw_story(
    path: pathlib.Path,
    gradients: Mapping[str, Mapping[str, list[float]]],
    learned: distances.Learned,
    chance: float,
    *,
    title: str,
) -> None:
    """Draws each cell's gradient before and after training, and what it learned.

    Args:
      path: of the PNG.
      gradients: by cell, the norms by lag at "initialisation" and "trained".
      learned: by cell and distance, the share that each seed recalls.
      chance: the share that guessing recalls.
      title: of the figure.
    """
    figure, grid = drawing.canvas(1, 3, (17, 5))
    at_first, trained, last = grid[0]
    for axes, when in ((at_first, "initialisation"), (trained, "trained")):
        lags.draw_norms(axes, {cell: norms[when] for cell, norms in gradients.items()})
    at_first.set_title("at initialisation")
    trained.set_title("after training at the largest distance")
    labels = "what is learned: a dot a seed, a band over all", "share recalled"
    distances.draw_learned(last, learned, chance, "steps", labels)
    drawing.legend(last)
    drawing.write(figure, path, title)


def mean_over_seeds(
    cells: Sequence[str], gradients: Sequence[Mapping[str, list[float]]]
) -> dict[str, dict[str, list[float]]]:
    """The geometric means of norms by lag over the runs of each cell.

    Args:
      cells: the cell of each run.
      gradients: the norms by lag of each run, at "initialisation" and "trained".
    """
    groups: dict[str, list[Any]] = {}
    for cell, norms in zip(cells, gradients, strict=True):
        groups.setdefault(cell, []).append(norms)
    return {
        cell: {
            when: geometric_mean(np.array([norms[when] for norms in group]).T).tolist()
            for when in group[0]
        }
        for cell, group in groups.items()
    }


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
    distances.draw_seeds(axes, recalled, "C0", "mean; a dot a seed")
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
