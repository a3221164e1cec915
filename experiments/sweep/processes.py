"""Experiments as processes, forked from a server that has imported what they import.

A run of a grid is a process of its own: what becomes of it, a loss that is not finite
or too little memory, becomes of it alone; it goes on from its own checkpoint; and it is
the very run that its command line makes. What processes would cost is avoided: the
imports are done once, by the server, and a program that one run has compiled is on disk
for the others (see `seqjax.train.use_compilation_cache`).
"""

import multiprocessing
import os
import pathlib
import runpy
import signal
import sys
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from typing import Any

METHODS = multiprocessing.get_all_start_methods()
CONTEXT: Any = multiprocessing.get_context(
    "forkserver" if "forkserver" in METHODS else "spawn"
)


def prepare(task: str) -> None:
    """Says what the server imports for an experiment; call it before any `start`."""
    parts = [f"experiments.{task}.{part}" for part in ("data", "model")]
    CONTEXT.set_forkserver_preload(["experiments.shared.cli", *parts])


def start(
    task: str, flags: Sequence[str], log: pathlib.Path, part: int = 0, parts: int = 1
) -> BaseProcess:
    """Starts an experiment.

    Args:
      task: its name.
      flags: of its command line.
      log: a file for what it prints, which is appended to.
      part: which of the parts that the cores are cut into it runs on.
      parts: how many there are; with one, it has all cores.
    """
    arguments = (f"experiments.{task}", list(flags), str(log), part, parts)
    process = CONTEXT.Process(target=_run, args=arguments)
    process.start()
    return process


def complaint(log: pathlib.Path) -> str:
    """The sentence with which an experiment ended, or the last line it printed."""
    lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    last = lines[-1] if lines else "it printed nothing"
    return last.removeprefix("error: ")


def _run(module: str, flags: list[str], log: str, part: int, parts: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(file, number)
    if parts > 1 and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[part::parts] or cores)
    # A terminal sends it to all processes, and the sweep's own sends SIGTERM then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.argv = [module, *flags]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
