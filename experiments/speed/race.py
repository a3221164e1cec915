"""The race: a process for each implementation, all but one of them waiting."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from experiments.speed.cases import Case
from experiments.speed.limit import Machine, limit, probes
from experiments.speed.peers import US
from experiments.speed.results import Outcome, Race

CACHE = "JAX_COMPILATION_CACHE_DIR"  # with it, compilation would be a reading of files
TURN = 0.2  # seconds of one implementation in one round
TOLERANCE = 1e-3  # of the largest entry: float32 after some hundred steps


class Racer:
    """An implementation in a process of its own; see `worker.py`."""

    def __init__(self, name: str, folder: pathlib.Path):
        self.name, self.arrays = name, folder / f"{name}.npz"
        self._log = folder / f"{name}.log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "experiments.speed.worker", name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={k: v for k, v in os.environ.items() if k != CACHE},
            )

    def ask(self, **order: Any) -> dict[str, Any]:
        """Gives an order and waits; {"failed": why} if the process is gone."""
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """The next answer; the first comes unasked, and tells the versions."""
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"failed": self._last_words()}

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        code = self.process.wait()
        return f"its process ended with code {code}: {lines[-1] if lines else ''}"

    def stop(self) -> None:
        """Ends the process, at work or not."""
        self.process.kill()
        self.process.communicate()


@contextlib.contextmanager
def started(names: Iterable[str], folder: pathlib.Path) -> Iterator[list[Racer]]:
    """Processes of all these implementations, stopped in the end."""
    racers = [Racer(name, folder) for name in names]
    try:
        yield racers
    finally:
        for racer in racers:
            racer.stop()


def measure(cases: list[Case]) -> Machine:
    """The rates that limit these cases, measured in a process of its own."""
    command = [sys.executable, "-m", "experiments.speed.machine"]
    command += map(str, probes(cases))
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    rates = json.loads(done.stdout)
    reads = {int(size): rate for size, rate in rates.pop("reads").items()}
    return Machine(**rates, reads=reads)


def race(case: Case, racers: list[Racer], machine: Machine, rounds: int) -> Race:
    """Compares the numbers of one case, then times all whose numbers agree, in turn.

    Args:
      case: to run.
      racers: seqjax first; the numbers of the others are compared with its.
      machine: the rates measured.
      rounds: how often each has its turn.
    """
    outcomes = {racer.name: _build(case, racer, racers[0]) for racer in racers}
    times = {racer.name: [] for racer in racers}
    for _ in range(rounds):
        for racer in racers:
            outcome = outcomes[racer.name]
            if outcome.status != "raced":
                continue
            answer = racer.ask(do="time", seconds=TURN)
            if "failed" in answer:
                outcomes[racer.name] = Outcome("failed", answer["failed"])
            else:
                times[racer.name].append(answer["seconds"])
    timed = {
        name: outcome._replace(seconds=tuple(times[name]))
        for name, outcome in outcomes.items()
    }
    return Race(case, limit(case, machine), timed)


def _build(case: Case, racer: Racer, reference: Racer) -> Outcome:
    racer.arrays.unlink(missing_ok=True)
    answer = racer.ask(do="build", case=case.name, to=str(racer.arrays))
    for problem in ("unable", "failed"):
        if problem in answer:
            return Outcome(problem, answer[problem])
    outcome = Outcome("raced", **answer)
    if not reference.arrays.exists():
        return Outcome("failed", f"{US} has no numbers to compare with")
    with np.load(racer.arrays) as theirs, np.load(reference.arrays) as ours:
        found = difference(theirs, ours)
    return outcome._replace(status="differs", reason=found) if found else outcome


def difference(arrays: Any, reference: Any) -> str:
    """The first array that is not that of the reference, and by how much; or nothing.

    Args:
      arrays: a mapping of names to arrays.
      reference: a mapping with the same names.
    """
    if set(arrays) != set(reference):
        return f"it has {sorted(arrays)}, not {sorted(reference)}"
    for name in reference:
        a, b = arrays[name], reference[name]
        if a.shape != b.shape:
            return f"{name} is {a.shape}, not {b.shape}"
        off = np.max(np.abs(a - b)) / (np.max(np.abs(b)) or 1.0)
        if not off <= TOLERANCE:
            return f"{name} is off by {off:.1e} of its largest entry"
    return ""
