"""Gradients by lag beside what is learned at each distance."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.shared.distances import draw_learned
from seqjax.figures import drawing, lags
from seqjax.inspect.lags import geometric_mean


class Story(NamedTuple):
    """What a cell did, over its seeds."""

    gradients: dict[str, list[float]]  # norms by lag at initialisation and trained
    recalled: dict[int, list[float]]  # by distance, the share of each seed
    chance: float


def by_cell(
    runs: Sequence[tuple[dict[str, Any], dict[str, list[float]]]],
) -> dict[str, Story]:
    """Groups runs, each its result and its norms by lag, by their cells.

    The norms are geometric means over seeds.
    """
    cells: dict[str, list[Any]] = {}
    for run in runs:
        cells.setdefault(run[0]["cell"], []).append(run)
    return {cell: _story(seeds) for cell, seeds in cells.items()}


def _story(seeds: Sequence[Any]) -> Story:
    results, gradients = zip(*seeds, strict=True)
    return Story(
        {
            when: geometric_mean(np.array([g[when] for g in gradients]).T).tolist()
            for when in gradients[0]
        },
        {
            int(distance): [result["recalled"][distance] for result in results]
            for distance in results[0]["recalled"]
        },
        results[0]["baseline"],
    )


def draw_story(path: pathlib.Path, cells: Mapping[str, Story], *, title: str) -> None:
    """Draws each cell's gradient before and after training, and its shares recalled."""
    figure, grid = drawing.canvas(1, 3, (17, 5))
    at_first, trained, learned = grid[0]
    for axes, when in ((at_first, "initialisation"), (trained, "trained")):
        norms = {cell: story.gradients[when] for cell, story in cells.items()}
        lags.draw_norms(axes, norms)
    at_first.set_title("at initialisation")
    trained.set_title("after training at the largest distance")
    title_of = "what is learned: a dot a seed, a line through the means"
    recalled = {cell: story.recalled for cell, story in cells.items()}
    chance = next(iter(cells.values())).chance
    draw_learned(learned, recalled, chance, "steps", (title_of, "share recalled"))
    drawing.legend(learned)
    drawing.write(figure, path, title)


def draw_remedies(
    path: pathlib.Path, panels: Mapping[str, Mapping[str, list[float]]]
) -> None:
    """Draws what each remedy makes of the gradient at initialisation."""
    figure, grid = drawing.canvas(1, len(panels), (5.6 * len(panels), 5.4), sharey=True)
    for axes, (name, norms) in zip(grid[0], panels.items(), strict=True):
        lags.draw_norms(axes, norms, below=True)
        axes.set_title(name)
    drawing.write(figure, path, "what each remedy does to the gradient at first")


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
