"""Several runs of one experiment, side by side."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from experiments.shared.run import write_text
from seqjax import figures, inspect


def compare(
    options: Any, folder: pathlib.Path, results: Mapping[str, dict[str, Any]]
) -> None:
    """Prints a table of the runs of several cells, draws their curves together.

    Args:
      options: the values of the flags.
      folder: holds the runs' folders, and gets figures/comparison.png and result.json.
      results: of each cell.
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
    """Writes and prints result.json: the best of the results, and all of them."""
    lower = next(iter(results.values())).get("lower_is_better", False)
    best = (min if lower else max)(results.values(), key=lambda r: r["score"])
    line = json.dumps({**best, "cells": dict(results)})
    write_text(folder / "result.json", line + "\n")
    print(line, flush=True)
