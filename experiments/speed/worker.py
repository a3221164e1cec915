"""The process of one implementation: a JSON order a line comes in, an answer goes out.

    {"do": "build", "case": NAME, "to": FILE}  makes a case ready, saves its numbers
    {"do": "time", "seconds": S}               runs it for so long
    {"do": "profile", "case": NAME}            watches its kernels, if they are JAX's

It ends when its input does.
"""

import importlib.metadata
import json
import os
import signal
import statistics
import sys
import time
from typing import Any

import numpy as np

from experiments.speed import kernels, memory, peers
from experiments.speed.catalogue import parse

Answer = dict[str, Any]


class Worker:
    """One implementation, and the case it has ready."""

    def __init__(self, name: str):
        self._name, self._runner, self._calls = name, None, 1

    def build(self, case: str, to: str) -> Answer:
        """Compiles a case, and saves what it computes for the comparison.

        Args:
          case: its name.
          to: the file of arrays to write.

        Returns:
          compile: seconds of the first run over those of a later one; memory: bytes
          that a run holds at most, beyond those held before it.
        """
        chosen = parse(case)
        self._runner = runner = peers.build(self._name, chosen)
        self._calls = chosen.calls
        begin = time.perf_counter()
        result = runner.run()
        first = time.perf_counter() - begin
        np.savez(to, **runner.numbers(result))
        del result
        steady = statistics.median(_once(runner) for _ in range(3))
        return {
            "compile": max(first - steady, 0.0),
            "memory": _memory(runner),
            "note": runner.note,
        }

    def time(self, seconds: float) -> Answer:
        """The median time of a call, over runs for so many seconds after a warm-up."""
        runner = self._runner
        runner.run()
        end, times = time.perf_counter() + seconds, [_once(runner)]
        while time.perf_counter() < end:
            times.append(_once(runner))
        return {"seconds": statistics.median(times) / self._calls}

    def profile(self, case: str) -> Answer:
        """What a call's time goes into, see `kernels.Profile`."""
        if self._name == "torch":
            raise peers.Unable("only what runs in JAX leaves JAX's trace")
        chosen = parse(case)
        found = kernels.profile(self._runner.run, chosen.T, chosen.calls)
        return found._asdict()


def _once(runner: peers.Runner) -> float:
    begin = time.perf_counter()
    runner.run()
    return time.perf_counter() - begin


def _memory(runner: peers.Runner) -> int | None:
    before = memory.settle()
    runner.run()
    after = memory.peak()
    return None if before is None or after is None else after - before


def hello(name: str) -> Answer:
    """The versions of what this implementation is made of, or why it is missing.

    Runs a smallest case, so that no other one pays for what happens but once.
    """
    try:
        module = peers.load(name)
        getattr(module, "begin", lambda: None)()
        peers.build(name, parse("lstm/1x1x1x1/train")).run()
    except Exception as error:  # a broken installation is like none
        return {"missing": f"{type(error).__name__}: {error}"}
    return {"versions": {p: importlib.metadata.version(p) for p in module.PACKAGES}}


def obey(worker: Worker, do: str, **order: Any) -> Answer:
    """Carries out an order; whatever goes wrong is an answer too."""
    try:
        return getattr(worker, do)(**order)
    except peers.Unable as reason:
        return {"unable": str(reason)}
    except Exception as error:  # the race goes on without it
        return {"failed": f"{type(error).__name__}: {error}".splitlines()[0]}


def main(name: str) -> None:
    """Answers until there are no more orders."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the implementation prints is no answer
    print(json.dumps(hello(name)), file=answers)
    worker = Worker(name)
    for line in sys.stdin:
        print(json.dumps(obey(worker, **json.loads(line))), file=answers)


if __name__ == "__main__":
    main(sys.argv[1])
