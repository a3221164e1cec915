"""Errors beside chance, what is right by length, units that count: of some cells."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqjax import figures
from seqjax.figures import drawing
from seqjax.train import log

CURVE, COUNTER = "by_length.json", "counter.json"  # in a run's folder


def draw_progress(
    folder: pathlib.Path,
    runs: Sequence[tuple[str, pathlib.Path]],
    chance: float,
    ends: Sequence[int],
    labels: tuple[str, str],
) -> None:
    """Draws the error of validation over the steps, beside chance and a tenth of it.

    Args:
      folder: of the run; figures/chance.png is written.
      runs: the cell and the folder of each run.
      chance: the error that guessing has.
      ends: the steps at which the stages of a curriculum end.
      labels: a title, and the unit of the error.
    """
    figure, grid = drawing.canvas(1, 1, (10, 4.6))
    axes, colors = grid[0, 0], {}
    for cell, path in runs:
        steps, errors = drawing.series(log.read(path / "metrics.jsonl"), "valid")
        color = colors.setdefault(cell, f"C{len(colors)}")
        axes.plot(steps, errors, marker=".", color=color, label=cell)
    levels = {f"chance: {chance:.3g}": (chance, "-"), "a tenth": (chance / 10, "--")}
    for label, (level, style) in levels.items():
        axes.axhline(level, color="black", ls=style, lw=1, label=label)
    for end in ends[:-1]:
        label = "sequences become longer"
        axes.axvline(end, color="gray", ls=":", lw=0.8, label=label)
    axes.set_yscale("log")
    axes.grid(alpha=0.3)
    drawing.label_axes(axes, "training step", labels[1])
    drawing.legend(axes)
    drawing.write(figure, folder / "figures" / "chance.png", labels[0])


def draw_curves(
    folder: pathlib.Path,
    cells: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    title: str,
) -> None:
    """Draws the share that is right against the length, into figures/by_length.png.

    Args:
      folder: of the run.
      cells: by cell, for each seed what `scoring.by_length` gave.
      title: of the figure.
    """
    first = next(iter(cells.values()))[0]
    lines = {
        cell: (first["x"], [seed["right"] for seed in seeds])
        for cell, seeds in cells.items()
    }
    chance = first["chance"]
    lines[f"chance: {chance:.3g}"] = (first["x"], [[chance] * len(first["x"])])
    path, unit = folder / "figures" / "by_length.png", "share right"
    mark = {f"trained up to {first['trained']}": first["trained"]}
    panels = [(first["unit"], lines)]
    figures.curves(path, panels, unit, title=title, mark=mark)


def draw_counters(
    folder: pathlib.Path, cells: Mapping[str, Mapping[str, Any]], problem: str
) -> None:
    """Draws the unit of each cell that follows the count, a row a cell.

    Args:
      folder: of the run; figures/counter.png is written.
      cells: by cell, what `counting.counter` gave.
      problem: whose strings are read.
    """
    lengths = list(next(iter(cells.values()))["lines"])
    size = 3 + 5 * len(lengths), 1 + 2.6 * len(cells)
    figure, grid = drawing.canvas(len(cells), len(lengths), size)
    for row, (cell, found) in zip(grid, cells.items(), strict=True):
        for axes, n in zip(row, lengths, strict=True):
            line = found["lines"][n]
            steps = np.arange(len(line["value"]))
            axes.plot(steps, line["value"], color="C0", label="value of the unit")
            style = {"color": "black", "ls": ":", "lw": 1.5}
            axes.plot(steps, line["count"], label="count, to its scale", **style)
            axes.set_title(f"{cell}: n = {n}", parse_math=False)
            axes.grid(alpha=0.3)
            unit = f"{found['counter']}, unit {found['unit']}"
            drawing.label_axes(axes, "symbols read", unit if axes is row[0] else "")
    drawing.legend(grid[0, -1])
    title = f"{problem}: the unit of each cell that follows the count best"
    drawing.write(figure, folder / "figures" / "counter.png", title)


def draw_together(
    problem: str, folder: pathlib.Path, runs: Sequence[tuple[str, pathlib.Path]]
) -> None:
    """Draws all cells over each other, from the files in their runs' folders.

    Args:
      problem: its name.
      folder: gets the figures.
      runs: the cell and the folder of each.
    """
    curves: dict[str, list[Any]] = {}
    counters: dict[str, Any] = {}
    for cell, path in runs:
        if (path / CURVE).exists():
            curve = json.loads((path / CURVE).read_text("utf-8"))
            curves.setdefault(cell, []).append(curve)
        if (path / COUNTER).exists():
            found = json.loads((path / COUNTER).read_text("utf-8"))
            counters.setdefault(cell, found)
    if curves:
        title = f"{problem}: what each cell has right beyond its training"
        draw_curves(folder, curves, title=title)
    if counters:
        draw_counters(folder, counters, problem)
