"""What comparisons share: their sweeps, what they find, differences beyond chance."""

import dataclasses
import math
import pathlib
import statistics
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from experiments.shared.begun import NAME, sealed_text
from experiments.shared.folders import folder_name, open_folder
from experiments.sweep.check import check
from experiments.sweep.grid import Grid, split_values
from experiments.sweep.report import plus_minus
from experiments.sweep.run import sweep
from seqjax import figures
from seqjax.data.writing import make_folder, write_text
from seqjax.inspect.table import columns

Flags = Mapping[str, tuple[str, ...]]


@dataclasses.dataclass(frozen=True)
class Request:
    """What a comparison is asked to do.

    Attributes:
      folder: where everything is written.
      flags: for the experiment, in place of the comparison's own.
      seeds: how many trainings of each kind.
      jobs: how many at once.
      quiet: whether to print the result line only.
      words: of the command line, to repeat it by.
    """

    folder: pathlib.Path
    flags: Flags
    seeds: int
    jobs: int
    quiet: bool
    words: tuple[str, ...] = ()

    def begin(self) -> None:
        """Opens the folder, after all that can be refused was refused."""
        open_folder(self.folder)
        make_folder(self.folder / "figures")
        write_text(self.folder / NAME, sealed_text("\n".join(self.words) + "\n"))

    @property
    def figure(self) -> pathlib.Path:
        """Where the figure is drawn."""
        return self.folder / "figures" / "comparison.png"

    def say(self, *lines: str) -> None:
        """Prints lines unless quiet."""
        if not self.quiet:
            print(*lines, sep="\n", flush=True)


class Finding(NamedTuple):
    """What a comparison found."""

    rows: list[list[str]]  # of the table, the headings first
    conclusion: str  # in words, from the numbers
    numbers: dict[str, Any]  # for result.json: metric, score, baseline and more


def sweeps(
    request: Request, task: str, parts: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, Any]]:
    """Checks all sweeps of a comparison, then runs them.

    Args:
      request: whose flags take the place of those of each part.
      task: the experiment.
      parts: the flags of each sweep, by its name; values as on a command line.

    Returns:
      Their results.
    """
    seeds = tuple(range(request.seeds))
    grids = {}
    for name, flags in parts.items():
        own = {flag: tuple(split_values(text)) for flag, text in flags.items()}
        grids[name] = Grid(task, {**own, **request.flags}, seeds)
    for grid in grids.values():
        check(grid, request.jobs)
    request.begin()
    results = {}
    for name, grid in grids.items():
        request.say(f"{name}: {len(grid.trials())} runs of {task}")
        folder = request.folder / folder_name(name)
        results[name] = sweep(grid, folder, request.jobs, request.quiet)
    return results


def scored(
    result: Mapping[str, Any], more: Mapping[str, str] = MappingProxyType({})
) -> list[figures.Setting]:
    """The scores of a sweep as the figure draws them; `more` is said of all rows."""
    return [
        figures.Setting({**row["flags"], **more}, row["scores"], row["baseline"])
        for row in result["rows"]
    ]


def timed(
    result: Mapping[str, Any], more: Mapping[str, str] = MappingProxyType({})
) -> list[figures.Setting]:
    """Microseconds of training a token, with compilation left out."""
    return [
        figures.Setting({**row["flags"], **more}, microseconds(row))
        for row in result["rows"]
    ]


def microseconds(row: Mapping[str, Any]) -> list[float]:
    """Of training a token, for each seed; a run too short to tell is left out."""
    return [1e6 / speed for speed in row["speeds"] if speed]


def mean_time(row: Mapping[str, Any]) -> float:
    """The median of a row's microseconds, NaN if there are none."""
    times = microseconds(row)
    return statistics.median(times) if times else math.nan


def times_as_long(row: Mapping[str, Any], first: Mapping[str, Any]) -> str:
    """The time of a token over another row's: the median and range, seed by seed."""
    pairs = zip(microseconds(row), microseconds(first), strict=False)
    ratios = [ours / theirs for ours, theirs in pairs]
    if not ratios:
        return "a time that was too short to tell"
    middle = f"{statistics.median(ratios):.2f} times as long"
    return f"{middle} ({min(ratios):.2f} to {max(ratios):.2f}, seed by seed)"


def table_row(row: Mapping[str, Any]) -> list[str]:
    """Flags, score, baseline, parameters, microseconds a token, seconds of a run."""
    return [
        *row["flags"].values(),
        plus_minus(row["score"], row["score_std"]),
        f"{row['baseline']:.4g}",
        f"{row['parameters']:,.0f}",
        f"{mean_time(row):.3g}",
        f"{row['seconds']:.1f}",
    ]


HEADINGS = ["score", "baseline", "parameters", "µs a token", "seconds"]


def name_of(row: Mapping[str, Any]) -> str:
    """What a row's flags are, such as "cell=gru, layers=2"."""
    return ", ".join(f"{name}={value}" for name, value in row["flags"].items())


def reached(row: Mapping[str, Any]) -> str:
    """A row's mean score, and its standard deviation over seeds."""
    return plus_minus(row["score"], row["score_std"])


def best_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """The row with the best mean score."""
    scored = [row for row in result["rows"] if row["scores"]]
    best = min if result["lower_is_better"] else max
    return best(scored, key=lambda row: row["score"])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """A table as text."""
    return "\n".join(columns(rows, {rows[0][0]}))


def against(a: Sequence[float], b: Sequence[float]) -> str:
    """Whether two samples of seeds differ: "lower", "higher", or not beyond chance.

    Beyond chance is a difference of means of more than two standard errors of it
    (Welch, 1947); of a single seed nothing can be said.
    """
    if min(len(a), len(b)) < 2:
        return "against (one seed has no spread to compare with)"
    error = math.sqrt(statistics.variance(a) / len(a) + statistics.variance(b) / len(b))
    gap = statistics.fmean(a) - statistics.fmean(b)
    if abs(gap) <= 2 * error:
        return "not different, beyond two standard errors, from"
    return "lower than" if gap < 0 else "higher than"
