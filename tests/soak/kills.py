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


def kill(seed: int, times: int, folder: pathlib.Path, seeds: int = 1) -> Kills:
    """Kills a run of `names` at random moments, resumes it each time, and compares.

    Args:
      seed: of the moments.
      times: how many processes are begun to be killed.
      folder: an empty one.
      seeds: how many are trained side by side, in every other trial as one program.
    """
    rng, refused, codes = np.random.default_rng(seed), [], []
    flags = [*FLAGS, f"--seeds={seeds}"]
    if seeds > 1 and seed % 2:  # so that all steps are one program
        flags.append("--buckets=1")
    for name in ("whole", "again"):  # when nothing is compiled any more
        began = time.monotonic()
        code, complaint = _run(folder, *flags, f"--workdir={name}")
        if code:
            raise RuntimeError(*complaint)
        lasts = time.monotonic() - began
    for _ in range(times):
        number = rng.choice([signal.SIGKILL, signal.SIGTERM], p=[0.75, 0.25])
        kill = rng.uniform(0, lasts), signal.Signals(number)
        code, complaint = _run(folder, *_flags(folder, flags), kill=kill)
        codes.append(code)
        refused += complaint
    refused += _run(folder, *_flags(folder, flags))[1]
    runs = ["."] if seeds == 1 else [f"seed_{i}" for i in range(seeds)]
    different = [name for run in runs for name in _different(folder, run)]
    return Kills(
        codes.count(-9), codes.count(TERMINATED), codes.count(0), refused, different
    )


def _flags(folder: pathlib.Path, flags: list[str]) -> list[str]:
    """Those of a new run as long as there is nothing that could go on."""
    run = folder / "killed"
    begun = (run / "flags.txt").exists()
    return ["--workdir=killed", *(["--resume", "--quiet"] if begun else flags)]


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


def _different(folder: pathlib.Path, run: str) -> list[str]:
    """Files, and names in its result, by which a run differs from that never killed."""
    whole, killed = (folder / name / run for name in ("whole", "killed"))
    different = [
        f"{run}/{name}"
        for name in LEFT
        if (whole / name).read_bytes() != (killed / name).read_bytes()
    ]
    said, other = (
        json.loads((path / "result.json").read_text("utf-8"))
        for path in (whole, killed)
    )
    timed = ("seconds", "tokens_per_second")
    unlike = [n for n in said if n not in timed and said[n] != other[n]]
    return different + [f"{run}/result.json: {name}" for name in unlike]
