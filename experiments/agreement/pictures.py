"""How each cell holds the number, drawn and in words."""

import json
import pathlib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from experiments.agreement.memory import FILE, SMALL
from seqjax.data.writing import write_text
from seqjax.figures import drawing

Seeds = Sequence[Mapping[str, Any]]


def memory_together(
    options: Any, folder: pathlib.Path, folders: Mapping[str, Sequence[pathlib.Path]]
) -> None:
    """Draws and says how the cells of several runs hold the number.

    Args:
      options: the values of the flags.
      folder: gets figures/memory.png and memory.json, what is said of each cell.
      folders: of the runs of each cell.
    """
    cells = {}
    for cell, paths in folders.items():
        files = [path / FILE for path in paths if (path / FILE).exists()]
        if files:
            cells[cell] = [json.loads(file.read_text("utf-8")) for file in files]
    if not cells:
        return
    said = {cell: memory_in_words(seeds) for cell, seeds in cells.items()}
    for cell, words in said.items():
        if not options.quiet:
            print(f"{cell}: {words}", flush=True)
    write_text(folder / FILE, json.dumps(said, indent=1) + "\n")
    path = folder / "figures" / "memory.png"
    draw_memory(path, cells, title="how each cell holds the number of the subject")


def memory_in_words(seeds: Seeds) -> str:
    """Says in a sentence how a cell holds the number, from the means over its seeds."""

    def mean(of):
        numbers = [of(seed) for seed in seeds]
        spread = f" ± {statistics.stdev(numbers):.0%}" if len(numbers) > 1 else ""
        return f"{statistics.fmean(numbers):.0%}{spread}"

    lives = [seed["push_half_life"] for seed in seeds]
    gates = [seed["gate_half_life"] for seed in seeds]
    ways = [way_of(seed) for seed in seeds]
    kinds = ", ".join(f"{kind} in {ways.count(kind)}" for kind in dict.fromkeys(ways))
    words = (
        f"{mean(lambda s: s['saturated'])} of its outputs are beyond ±0.9; "
        f"{seeds[0]['reach']} words after the subject its best unit alone tells the "
        f"number in {mean(lambda s: s['unit_right'])} of sentences; "
        f"{_turned(seeds)}; of such a flip "
        f"{mean(lambda s: s['left']['flip'][-1])} is left at the end, of a push by a "
        f"tenth {mean(lambda s: s['left']['push'][-1])} (halved {_after(lives)})"
    )
    if any(gates):
        words += f"; by its gate the best unit is halved {_after(gates)}"
    for name in seeds[0]["gates"]:
        words += f"; mean of gate {name} {mean(lambda s, n=name: s['gates'][n][0])}"
    return f"{words}: {kinds} of {len(seeds)}"


def way_of(seed: Mapping[str, Any]) -> str:
    """How the number is held, by what is left of a push and of a flip at the end."""
    push, flip = (seed["left"][name][-1] for name in ("push", "flip"))
    if flip < 0.5:
        return "leaking"
    return "a latch" if push < 0.5 * flip else "carried"


def _turned(seeds: Seeds) -> str:
    """How many units are to be flipped for most verbs to turn; None is not even all."""
    known = [seed["needed"] for seed in seeds if seed["needed"] is not None]
    if not known:
        return "most verbs stay when all units are flipped"
    rest = len(seeds) - len(known)
    words = f"most verbs turn when its best {_several(known)} are flipped"
    return words + f", in {rest} of the seeds not even all" * (rest > 0)


def _several(numbers: Sequence[float]) -> str:
    """The smallest and the largest."""
    low, high = f"{min(numbers):.0f}", f"{max(numbers):.0f}"
    return low if low == high else f"{low} to {high}"


def _after(lives: Sequence[float | None]) -> str:
    """When something is halved; None is never, as far as was seen."""
    known = [life for life in lives if life is not None]
    if not known:
        return "never"
    rest = len(lives) - len(known)
    number = _several(known)
    words = f"after {number} word{'s' * (number != '1')}"
    return words + f", in {rest} of the seeds never" * (rest > 0)


def draw_memory(path: pathlib.Path, cells: Mapping[str, Seeds], *, title: str) -> None:
    """Draws the best unit, saturation, and what pushes and flips do, a row a cell.

    The best unit is that of the first seed; else lines are means over seeds in bands
    from the lowest to the highest.
    """
    figure, grid = drawing.canvas(len(cells), 4, (19, 1 + 3.6 * len(cells)))
    for row, (cell, seeds) in zip(grid, cells.items(), strict=True):
        _best_unit(row[0], cell, seeds[0])
        _saturated(row[1], seeds)
        _left(row[2], seeds)
        _flips(row[3], seeds)
    drawing.write(figure, path, title)


def _best_unit(axes: Axes, cell: str, seed: Mapping[str, Any]) -> None:
    for color, (number, (low, mean, high)) in zip(
        ("C0", "C3"), seed["states"].items(), strict=True
    ):
        x = np.arange(len(mean))
        axes.fill_between(x, low, high, color=color, alpha=0.2, lw=0)
        axes.plot(x, mean, color=color, label=f"{number}: mean, 80 % of sentences")
    axes.set_title(f"{cell}: unit {seed['unit']}, which tells most")
    drawing.label_axes(axes, "words after the subject", "state of the unit")
    _finish(axes)


def _saturated(axes: Axes, seeds: Seeds) -> None:
    shares = np.array([seed["saturated_by_unit"] for seed in seeds])
    drawing.mean_line(axes, np.arange(1, shares.shape[1] + 1), shares, color="C2")
    axes.set(title=f"saturated: {shares.mean():.0%} in the mean", ylim=(-0.03, 1.03))
    y = "share of words at which the output is beyond ±0.9"
    drawing.label_axes(axes, "unit, the most saturated first", y, 34)
    _finish(axes)


def _left(axes: Axes, seeds: Seeds) -> None:
    for color, (name, label) in zip(
        ("C1", "C4"),
        (("push", f"pushed by {SMALL:.0%}"), ("flip", "flipped")),
        strict=True,
    ):
        curves = np.array([seed["left"][name] for seed in seeds])
        x = np.arange(curves.shape[1])
        drawing.mean_line(axes, x, curves, color=color, label=label)
    counts = _several(
        [seed["needed"] or len(seed["saturated_by_unit"]) for seed in seeds]
    )
    axes.axhline(0, color="black", lw=0.8)
    axes.set(title=f"best units ({counts}) towards the other number", ylim=(-0.3, 1.5))
    drawing.label_axes(axes, "words since", "share of the push that is left")
    _finish(axes)


def _flips(axes: Axes, seeds: Seeds) -> None:
    counts = [int(count) for count in seeds[0]["flips"]]
    turned = np.array([list(seed["flips"].values()) for seed in seeds])
    drawing.mean_line(axes, np.array(counts), turned, color="C5")
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.set(title="verbs that turn", ylim=(-0.03, 1.03))
    drawing.label_axes(axes, "best units that are flipped", "share of verbs")
    _finish(axes)


def _finish(axes: Axes) -> None:
    axes.grid(alpha=0.3)
    if axes.get_xscale() == "linear":
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize="small")
