"""A whole sweep: its runs, its table, its figure, its result."""

import pathlib
import shutil
from collections.abc import Sequence
from typing import Any

from experiments.shared.begun import NAME, sealed_text
from experiments.shared.errors import UsageError
from experiments.shared.folders import open_folder
from experiments.shared.verifying import write_sums
from experiments.sweep import processes, report
from experiments.sweep.arguments import as_text
from experiments.sweep.engine import Outcome, Refused, run_all
from experiments.sweep.grid import Grid
from seqjax import figures
from seqjax.data import DataError
from seqjax.data.writing import make_folder, write_text


def sweep(
    grid: Grid, folder: pathlib.Path, jobs: int = 1, quiet: bool = False
) -> dict[str, Any]:
    """Runs what a grid has not run yet; writes the table, the figure and the result.

    Args:
      grid: that `check` has passed.
      folder: of the sweep.
      jobs: how many runs at once, each on its share of the cores.
      quiet: whether to show no progress.

    Returns:
      The result.

    Raises:
      UsageError: an experiment found that its flags do not go together.
      DataError: every run failed.
    """
    new = not folder.exists()
    open_folder(folder)
    make_folder(folder / "figures")
    write_text(folder / NAME, sealed_text(as_text(grid)))
    processes.prepare(grid.task)
    try:
        outcomes = run_all(grid, folder, jobs, quiet)
    except Refused as error:
        if new and not (folder / "results.jsonl").exists():
            shutil.rmtree(folder)
        raise UsageError(str(error)) from None
    return _conclude(grid, folder, outcomes)


def _conclude(
    grid: Grid, folder: pathlib.Path, outcomes: Sequence[Outcome]
) -> dict[str, Any]:
    """Writes what a sweep found, and returns it."""
    failures = [o for o in outcomes if o.failure]
    if len(failures) == len(outcomes):
        first = failures[0]
        raise DataError(f"every run failed; {first.trial.name}: {first.failure}")
    result = report.summary(grid, outcomes, report.rows(grid, outcomes))
    write_text(folder / "sweep.txt", report.table(result) + "\n")
    path, unit = folder / "figures" / "sweep.png", result["metric"]
    title = f"{grid.task}: {', '.join(grid.swept) or 'seeds'}"
    if len(grid.seeds) > 1:
        title += f"; {len(grid.seeds)} seeds"
    figures.by_setting(path, report.settings(result), unit, title=title)
    write_text(folder / "result.json", report.as_json(result))
    write_sums(folder)
    return result
