"""What is refused before anything runs: experiments, flags, cells, data."""

import importlib
import importlib.util
import itertools
import pathlib
import tempfile

from experiments.shared.errors import UsageError
from experiments.shared.layers import stacked
from experiments.sweep import processes
from experiments.sweep.grid import Grid, Trial

ROOMS = pathlib.Path(__file__).parent.parent
TOOLS = {"sweep", "comparisons", "speed"}  # have no score of a training


def experiments() -> list[str]:
    """The experiments whose flags can be swept."""
    folders = {path.parent.name for path in ROOMS.glob("*/__main__.py")}
    return sorted(folders - TOOLS)


def check(grid: Grid, jobs: int) -> None:
    """Has the experiment parse every combination, makes the cells, reads the data.

    Args:
      grid: to check.
      jobs: how many processes may run at once.

    Raises:
      UsageError: a flag cannot be.
      DataError: the data cannot be used.
    """
    if grid.task not in experiments():
        known = ", ".join(experiments())
        raise UsageError(f"there is no experiment {grid.task!r}; there are {known}")
    for name in ("workdir", "resume", "mode"):
        if name in grid.flags:
            raise UsageError(f"--{name}: is for the sweep to choose")
    for cell in grid.flags.get("cell", ()):
        stacked(cell, 2)
    first = {str(t.values): t for t in reversed(grid.trials())}
    _check_flags(grid.task, list(first.values())[::-1], jobs)
    _check_data(grid)


def _check_flags(task: str, trials: list[Trial], jobs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for first in range(0, len(trials), jobs):
            some = trials[first : first + jobs]
            logs = [pathlib.Path(folder, f"{i}.txt") for i in range(len(some))]
            started = [
                processes.start(task, [*trial.flags, "--only_check_args"], log)
                for trial, log in zip(some, logs, strict=True)
            ]
            for process, log in zip(started, logs, strict=True):
                process.join()
                if process.exitcode:
                    raise UsageError(processes.complaint(log))


def _check_data(grid: Grid) -> None:
    """Reads each data set and file once; what must be fetched is fetched here."""
    name = f"experiments.{grid.task}.data"
    if not importlib.util.find_spec(name):
        return
    table = importlib.import_module(name).TABLE
    none = (None,)
    pairs = (grid.flags.get(flag, none) for flag in ("dataset", "data"))
    for dataset, path in itertools.product(*pairs):
        table.load(dataset, path)
