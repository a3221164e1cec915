"""What a run's folder says about the run, and what sets runs apart."""

import json
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from seqjax.data import DataError
from seqjax.data.files import read_text
from seqjax.train import log

VALID = "valid"  # the key of the validation score, of which training keeps the lowest


class RunSummary(NamedTuple):
    """A run as its folder tells it; what it has not written yet is empty."""

    folder: pathlib.Path
    name: str  # of the folder
    result: dict[str, Any]  # result.json
    history: list[dict[str, Any]]  # the lines of metrics.jsonl
    flags: dict[str, str]  # flags.txt, without the dashes; "true" or "false" if boolean

    @property
    def best_step(self) -> int | None:
        """The step of the best validation score, None before there is one."""
        evaluated = [line for line in self.history if VALID in line]
        best = min(evaluated, key=lambda line: line[VALID], default={"step": None})
        return self.result.get("best_step", best["step"])

    @property
    def score(self) -> float | None:
        """The final score, None before there is one."""
        score = self.result.get("score")
        return score if isinstance(score, int | float) else None


def read_run(folder: str | pathlib.Path) -> RunSummary:
    """Reads a run's folder, be the run finished or not.

    Args:
      folder: with result.json, metrics.jsonl or both, and flags.txt if there is one.

    Returns:
      The summary.

    Raises:
      DataError: there is no such folder, no run in it, or a file of it is damaged.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder")
    result = _result(folder / "result.json")
    history = log.read(folder / "metrics.jsonl")
    if not result and not history:
        raise DataError(
            f"{folder}: not the folder of a run, since it has no result.json and no "
            f"line in a metrics.jsonl"
        )
    flags = _flags(folder / "flags.txt")
    return RunSummary(folder, folder.resolve().name, result, history, flags)


def groups(runs: Iterable[RunSummary]) -> list[list[RunSummary]]:
    """Groups the runs whose scores can be compared: of one task, data and metric.

    A run that has no result yet joins the others if they are of one kind. Within a
    group the best run is first where it is known which score is better.
    """
    runs = list(runs)
    kinds = dict.fromkeys(_kind(run) for run in runs if run.result)
    only = next(iter(kinds)) if len(kinds) == 1 else ()
    found: dict[tuple[str, ...], list[RunSummary]] = {kind: [] for kind in kinds}
    for run in runs:
        found.setdefault(_kind(run) if run.result else only, []).append(run)
    return [_ranked(group) for group in found.values()]


def families(runs: Sequence[RunSummary]) -> list[list[RunSummary]]:
    """Groups runs that differ in nothing but --seed, in the order of the first ones."""
    found: dict[Any, list[RunSummary]] = {}
    for run in runs:
        alone = run.folder if "seed" not in run.flags else None
        others = {name: value for name, value in run.flags.items() if name != "seed"}
        found.setdefault((alone, *sorted(others.items())), []).append(run)
    return list(found.values())


def differences(runs: Sequence[RunSummary]) -> list[str]:
    """Returns a label for each run: the flags in which it differs from the others.

    Where flags do not tell two runs apart, their names do.

    Args:
      runs: in any order.

    Returns:
      The labels, such as "cell=gru, features=64".
    """
    names = dict.fromkeys(name for run in runs for name in run.flags)
    unequal = [n for n in names if len({run.flags.get(n) for run in runs}) > 1]
    labels = [", ".join(_setting(run, n) for n in unequal) for run in runs]
    return [
        label if label and labels.count(label) == 1 else f"{run.name} {label}".strip()
        for run, label in zip(runs, labels, strict=True)
    ]


def _setting(run: RunSummary, name: str) -> str:
    return f"{name}={run.flags[name]}" if name in run.flags else f"{name} not set"


def _kind(run: RunSummary) -> tuple[str, ...]:
    return tuple(str(run.result.get(key)) for key in ("task", "data", "metric"))


def lower_is_better(runs: Iterable[RunSummary]) -> bool | None:
    """Whether a lower score is a better one, None where the runs do not say."""
    directions = {run.result.get("lower_is_better") for run in runs if run.result}
    return directions.pop() if len(directions) == 1 else None


def _ranked(runs: list[RunSummary]) -> list[RunSummary]:
    """The best run first and those without a score last, if the better way is known."""
    lower = lower_is_better(runs)
    if lower is None:
        return runs
    scored = [run for run in runs if run.score is not None]
    scored.sort(key=lambda run: run.score or 0.0, reverse=not lower)
    return scored + [run for run in runs if run.score is None]


def _text(path: pathlib.Path) -> str:
    """A file's text, empty if there is no such file."""
    if not path.exists():
        return ""
    try:
        return read_text(path).decode()
    except UnicodeDecodeError:
        raise DataError(f"{path}: not valid UTF-8 text") from None


def _result(path: pathlib.Path) -> dict[str, Any]:
    text = _text(path)
    try:
        result = json.loads(text) if text else {}
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(result, dict):
        raise DataError(f"{path}: a JSON object is needed, with a task and a score")
    return result


def _flags(path: pathlib.Path) -> dict[str, str]:
    lines = _text(path).split("\n")
    return dict(_flag(line[2:]) for line in lines if line.startswith("--"))


def _flag(line: str) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    if equals:
        return name, value
    # absl writes a boolean flag as --name if it is true and as --noname if it is not
    return (name[2:], "false") if name.startswith("no") else (name, "true")
