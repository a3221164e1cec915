"""A training over two processes says what that of one process says, to rounding."""

import json
import pathlib
import socket
from typing import NamedTuple

from processes import Running, run

FLAGS = "--dataset=synthetic --features=16 --steps=60 --eval_every=20 --quiet".split()


class Together(NamedTuple):
    """How far two processes are from one."""

    lines: int  # of metrics that were compared
    largest: float  # relative difference of a loss, a norm or a score


def together(seed: int, folder: pathlib.Path) -> Together:
    """Trains `names` in one process and in two, and compares their metrics.

    Args:
      seed: of the training.
      folder: an empty one.
    """
    flags = [*FLAGS, f"--seed={seed}"]
    code, _, err = run("names", *flags, "--workdir=one", cwd=folder)
    if code:
        raise RuntimeError(err)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    where = ["--workdir=two", f"--coordinator=localhost:{port}", "--processes=2"]
    each = [
        Running("experiments.names", *flags, *where, f"--process_id={i}", cwd=folder)
        for i in range(2)
    ]
    for code, _, err in [one.finish() for one in each]:
        if code:
            raise RuntimeError(err)
    one, two = (_metrics(folder / name) for name in ("one", "two"))
    largest = max(
        abs(mine[name] - theirs[name]) / max(abs(mine[name]), 1e-9)
        for mine, theirs in zip(one, two, strict=True)
        for name in mine
    )
    return Together(len(one), largest)


def _metrics(run: pathlib.Path) -> list[dict[str, float]]:
    lines = (run / "metrics.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]
