"""A run that is killed again and again ends with the numbers of one that is not."""

import json
import os
import pathlib
import signal
import time
from typing import NamedTuple

import numpy as np
from processes import Running

FLAGS = (
    "--dataset=synthetic",
    "--features=8",
    "--steps=120",
    "--eval_every=10",
    "--checkpoint_every=15",
    "--samples=5",
    "--quiet",
)
TERMINATED = 128 + signal.SIGTERM
LEFT = ("model.safetensors", "metrics.jsonl", "names.txt")


class Kills(NamedTuple):
    """What became of a run."""

    killed: int  # processes that SIGKILL ended
    terminated: int  # those that SIGTERM ended
    ended: int  # processes that had ended before it came
    refused: list[str]  # sentences of those that did not go on
    different: list[str]  # files that are not those of an uninterrupted run


def kill(seed: int, times: int, folder: pathlib.Path) -> Kills:
    """Kills a run of `names` at random moments, resumes it each time, and compares.

    Args:
      seed: of the moments.
      times: how many processes are begun to be killed.
      folder: an empty one.
    """
    rng, refused, codes = np.random.default_rng(seed), [], []
    began = time.monotonic()
    code, complaint = _run(folder, *FLAGS, "--workdir=whole")
    if code:
        raise RuntimeError(*complaint)
    lasts = time.monotonic() - began
    for _ in range(times):
        number = rng.choice([signal.SIGKILL, signal.SIGTERM], p=[0.75, 0.25])
        kill = rng.uniform(0, lasts), signal.Signals(number)
        code, complaint = _run(folder, *_flags(folder), kill=kill)
        codes.append(code)
        refused += complaint
    refused += _run(folder, *_flags(folder))[1]
    whole, killed = (
        {name: (folder / run / name).read_bytes() for name in LEFT}
        for run in ("whole", "killed")
    )
    different = [name for name in LEFT if whole[name] != killed[name]]
    different += _unlike_results(folder)
    return Kills(
        codes.count(-9), codes.count(TERMINATED), codes.count(0), refused, different
    )


def _flags(folder: pathlib.Path) -> list[str]:
    """Those of a new run as long as there is nothing that could go on."""
    run = folder / "killed"
    begun = (run / "flags.txt").exists()
    return ["--workdir=killed", *(["--resume", "--quiet"] if begun else FLAGS)]


def _run(
    folder: pathlib.Path,
    *flags: str,
    kill: tuple[float, signal.Signals] | None = None,
) -> tuple[int, list[str]]:
    """The exit code of a run, killed after some seconds, and its complaint if any."""
    running = Running("experiments.names", *flags, cwd=folder)
    if kill is not None:
        running.process.join(kill[0])
        if running.process.is_alive():
            os.kill(running.process.pid, kill[1])
    code, _, err = running.finish()
    # Before anything is imported that has a handler, SIGTERM ends a process as it is.
    code = TERMINATED if code == -signal.SIGTERM else code
    return code, [] if code in (0, -9, TERMINATED) else [err]


def _unlike_results(folder: pathlib.Path) -> list[str]:
    """Names of what the two results say differently, but for their times."""
    whole, killed = (
        json.loads((folder / run / "result.json").read_text("utf-8"))
        for run in ("whole", "killed")
    )
    timed = ("seconds", "tokens_per_second")
    return [n for n in whole if n not in timed and whole[n] != killed[n]]
