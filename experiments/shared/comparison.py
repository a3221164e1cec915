"""Several runs of one experiment, side by side."""

import json
import pathlib
import statistics
from collections.abc import Mapping
from typing import Any

from experiments.shared.verifying import write_sums
from seqjax import figures, inspect
from seqjax.data.writing import write_text

KEYS = ("score", "baseline")
COMMON = (
    "task data cell metric lower_is_better baseline_name best_possible steps".split()
)


def compare(
    options: Any, folder: pathlib.Path, results: Mapping[str, dict[str, Any]]
) -> None:
    """Prints a table of the runs of several cells or seeds, draws their curves.

    Args:
      options: the values of the flags.
      folder: holds the runs' folders, and gets figures/comparison.png and result.json.
      results: of each cell and seed.
    """
    runs = [
        inspect.read_run(path.parent) for path in sorted(folder.glob("*/result.json"))
    ]
    (folder / "figures").mkdir(exist_ok=True)
    title = f"{runs[0].result['task']}: {', '.join(results)}"
    figures.compare(folder / "figures" / "comparison.png", runs, title=title)
    if not options.quiet:
        print(inspect.comparison_table(runs), flush=True)
    finish_together(folder, results)


def finish_together(
    folder: pathlib.Path, results: Mapping[str, dict[str, Any]]
) -> None:
    """Writes and prints result.json: the best cell's result, and all of them.

    With several seeds, scores and baselines are means over them; "score_std" is the
    standard deviation, and "scores" has each.
    """
    cells: dict[str, list[dict[str, Any]]] = {}
    for result in results.values():
        cells.setdefault(result["cell"], []).append(result)
    means = [_over_seeds(of_cell) for of_cell in cells.values()]
    lower = means[0].get("lower_is_better", False)
    best = (min if lower else max)(means, key=lambda result: result["score"])
    line = json.dumps({**best, "cells": dict(results)})
    write_text(folder / "result.json", line + "\n")
    write_sums(folder)
    print(line, flush=True)


def _over_seeds(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The result of one cell over its seeds; that of the only seed as it is."""
    if len(results) == 1:
        return results[0]
    scores, baselines = ([result[key] for result in results] for key in KEYS)
    return {
        **{key: results[0].get(key) for key in COMMON},
        "score": statistics.fmean(scores),
        "score_std": statistics.stdev(scores),
        "scores": scores,
        "baseline": statistics.fmean(baselines),
        "baselines": baselines,
        "seeds": len(results),
        "seconds": round(sum(result["seconds"] for result in results), 2),
    }
