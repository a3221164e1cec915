"""Runs what a grid has not run yet, several at once if that is wanted."""

import json
import multiprocessing.connection
import pathlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

from experiments.shared.begun import has_checkpoints
from experiments.sweep import processes
from experiments.sweep.grid import Grid, Trial
from experiments.sweep.progress import Progress
from seqjax import train
from seqjax.data import DataError
from seqjax.data.writing import write_text
from seqjax.train.signals import Signals

BAD_FLAGS = 2  # the exit status of an experiment that its flags do not suit


class Outcome(NamedTuple):
    """What became of a run."""

    trial: Trial
    result: dict[str, Any] | None  # None if it failed
    failure: str = ""  # in one sentence


class Refused(Exception):
    """An experiment refused its flags; the message has the run and the reason."""


class _Running(NamedTuple):
    trial: Trial
    process: BaseProcess
    log: pathlib.Path
    part: int


def run_all(grid: Grid, folder: pathlib.Path, jobs: int, quiet: bool) -> list[Outcome]:
    """Runs what is not done yet, and returns what became of all runs, in their order.

    Args:
      grid: whose runs.
      folder: holds a folder for each run, logs/, and results.jsonl, which is written
        anew after each run.
      jobs: how many run at once.
      quiet: whether to show no progress.

    Raises:
      Refused: an experiment found that its flags do not go together.
      Interrupted: by a signal; runs that go on can be resumed.
    """
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    trials = grid.trials()
    done = {t.folder: o for t in trials if (o := _finished(t, folder))}
    todo = [trial for trial in trials if trial.folder not in done]
    with Progress(folder, trials, len(done), quiet) as progress:
        for outcome in _outcomes(grid.task, todo, folder, jobs, progress.show):
            done[outcome.trial.folder] = outcome
            _keep(folder, [done[t.folder] for t in trials if t.folder in done])
            progress.report(outcome.trial.name, _said(outcome), len(done))
    outcomes = [done[trial.folder] for trial in trials]
    _keep(folder, outcomes)
    return outcomes


def _keep(folder: pathlib.Path, outcomes: Iterable[Outcome]) -> None:
    write_text(folder / "results.jsonl", "".join(map(_line, outcomes)))


def _finished(trial: Trial, folder: pathlib.Path) -> Outcome | None:
    path = folder / trial.folder / "result.json"
    if not path.exists():
        return None
    try:
        return Outcome(trial, json.loads(path.read_text("utf-8")))
    except ValueError:
        raise DataError(f"{path}: not valid JSON; delete it to have it anew") from None


def _said(outcome: Outcome) -> str:
    if outcome.result is None:
        return f"failed: {outcome.failure}"
    return f"score {outcome.result['score']:.5g}"


def _line(outcome: Outcome) -> str:
    trial = outcome.trial
    said = {"failure": outcome.failure} if outcome.failure else {}
    run = {"run": trial.name, "flags": trial.values, "seed": trial.seed, **said}
    return json.dumps({**run, "result": outcome.result}) + "\n"


def _outcomes(
    task: str,
    todo: Iterable[Trial],
    folder: pathlib.Path,
    jobs: int,
    show: Callable[[list[Trial]], None],
) -> Iterator[Outcome]:
    """Yields what becomes of runs, as they end."""
    waiting, running, caught = deque(todo), {}, ""
    try:
        with Signals() as signals:
            while running or (waiting and not signals.caught):
                while waiting and len(running) < jobs and not signals.caught:
                    part = min(set(range(jobs)) - set(running))
                    running[part] = _begin(task, waiting.popleft(), folder, part, jobs)
                _wait(running.values())
                show([run.trial for run in running.values()])
                if signals.caught != caught:
                    caught = signals.caught
                    _stop(running.values())
                yield from _over(running, folder, caught)
    finally:
        _stop(running.values())
    if caught:
        raise train.Interrupted(
            f"{caught}; go on with --resume --workdir={folder}", caught
        )


def _wait(running: Iterable[_Running]) -> None:
    """Waits until a run ends, but for a tenth of a second at most."""
    ends = [run.process.sentinel for run in running]
    multiprocessing.connection.wait(ends, timeout=0.1)


def _stop(running: Iterable[_Running]) -> None:
    """Has runs keep where they are, and end."""
    for run in running:
        run.process.terminate()
    for run in running:
        run.process.join()


def _over(
    running: dict[int, _Running], folder: pathlib.Path, caught: str
) -> Iterator[Outcome]:
    """Takes out the runs that are over; one that a signal has ended is no outcome."""
    for run in [run for run in running.values() if not run.process.is_alive()]:
        del running[run.part]
        outcome = _ended(run, folder)
        if outcome.result or not caught:
            yield outcome


def _begin(
    task: str, trial: Trial, folder: pathlib.Path, part: int, parts: int
) -> _Running:
    own = folder / trial.folder
    begun = has_checkpoints(own)
    flags = [f"--workdir={own}", *(["--resume"] if begun else trial.flags)]
    path = folder / "logs" / f"{trial.folder}.txt"
    return _Running(trial, processes.start(task, flags, path, part, parts), path, part)


def _ended(run: _Running, folder: pathlib.Path) -> Outcome:
    run.process.join()
    code = run.process.exitcode
    if code == 0 and (outcome := _finished(run.trial, folder)):
        return outcome
    why = processes.complaint(run.log)
    if code == BAD_FLAGS:
        raise Refused(f"{run.trial.name}: {why}")
    return Outcome(run.trial, None, why if code else f"it left no result: {why}")
