"""Tries for ten minutes what the tests try for seconds, and prints what came of it.

python -m soak --minutes=10, in tests/; or make soak
"""

import argparse
import importlib
import pathlib
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]


def main() -> int:
    """Tries each part for its share of the time; 1 if anything was lost or silent."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, (part, share) in PARTS.items():
            seconds = 60 * options.minutes * share
            lines, failed = part(options.seed, seconds, pathlib.Path(folder, name))
            print(f"{name}: {lines[0]}", *(f"  {x}" for x in lines[1:]), sep="\n")
            sys.stdout.flush()
            bad += failed
    print("all without loss" if not bad else f"{bad} failures")
    return int(bad > 0)


def timed(
    trial: Callable[[int], Any], seed: int, seconds: float, name: str
) -> list[Any]:
    """What a trial gives for one seed after the other, until the time is over."""
    began, found = time.monotonic(), []
    with tqdm(total=round(seconds), unit="s", desc=name, leave=False) as bar:
        while not found or time.monotonic() - began < seconds:
            found.append(trial(seed + len(found)))
            bar.n = min(round(time.monotonic() - began), bar.total)
            bar.refresh()
    return found


def in_turn(
    part: str, times: int, seed: int, seconds: float, folder: pathlib.Path, **more: int
) -> list[Any]:
    """What the function of a module's name finds in an empty folder, for each seed."""
    function = getattr(importlib.import_module(f"soak.{part}"), FUNCTIONS[part])

    def trial(number: int) -> Any:
        folder.mkdir(parents=True, exist_ok=True)
        found = function(number, times, folder, **more)
        shutil.rmtree(folder)
        return found

    return timed(trial, seed, seconds, part)


FUNCTIONS = {"kills": "kill", "power": "cut"}


def kills(seed: int, seconds: float, folder: pathlib.Path) -> tuple[list[str], int]:
    """Runs that are killed 25 times each, of one seed and of three side by side."""
    lines, failed = [], 0
    for seeds in (1, 3):
        found = in_turn("kills", 25, seed, seconds / 2, folder, seeds=seeds)
        lost = [x for one in found for x in (*one.refused, *one.different)]
        counts = zip(*(one[:2] for one in found), strict=True)
        killed, terminated = (sum(n) for n in counts)
        count = f"{killed} kills, {terminated} terminations in {len(found)} runs"
        of = f"{count} of {seeds} seed{'s' * (seeds > 1)}"
        lines += [f"{of}, {len(lost)} not resumed bit by bit", *lost[:5]]
        failed += len(lost)
    return lines, failed


def power(seed: int, seconds: float, folder: pathlib.Path) -> tuple[list[str], int]:
    """Power cuts."""
    found = in_turn("power", 20, seed, seconds, folder)
    lost = [x for one in found for x in (*one.lost, *one.different)]
    count = sum(one.cut for one in found)
    return [f"{count} power cuts, {len(lost)} with a loss", *lost[:5]], len(lost)


def damage(seed: int, seconds: float, folder: pathlib.Path) -> tuple[list[str], int]:
    """Damaged files of a run."""
    module = importlib.import_module("soak.damage")
    flags = importlib.import_module("soak.kills").FLAGS
    run = importlib.import_module("processes").run
    folder.mkdir(parents=True)
    for number, name in enumerate(("run", "other")):
        own = [f"--seed={number}", f"--workdir={name}"]
        code, _, err = run("names", *flags, *own, cwd=folder)
        if code:
            raise RuntimeError(err)
    pair = folder / "run", folder / "other"
    found = timed(lambda n: module.damage(n, 50, *pair), seed, seconds, "damage")
    outcomes: dict[str, int] = {}
    for one in found:
        for kind, count in one.outcomes.items():
            outcomes[kind] = outcomes.get(kind, 0) + count
    bad = [x for one in found for x in (*one.silent, *one.overlooked)]
    total = sum(outcomes.values())
    lines = [f"{kind}: {count}" for kind, count in sorted(outcomes.items())]
    count = f"{total} damaged files, {len(bad)} read silently or overlooked"
    return [count, *lines, *bad[:5]], len(bad)


def processes(seed: int, seconds: float, folder: pathlib.Path) -> tuple[list[str], int]:
    """Two processes that train together, beside one."""
    del seconds  # once is enough
    folder.mkdir(parents=True)
    found = importlib.import_module("soak.together").together(seed, folder)
    text = f"two are one in {found.lines} lines of metrics to {found.largest:.1e}"
    return [text], int(found.largest > 1e-4)


def bridges(seed: int, seconds: float, folder: pathlib.Path) -> tuple[list[str], int]:
    """Weights that go to another library and come back."""
    del folder
    module = importlib.import_module("soak.bridges")
    found = timed(lambda n: module.largest_errors(1, n), seed, seconds, "bridges")
    largest = {name: max(one[name] for one in found) for name in found[0]}
    lines = [f"{name}: {error:.1e}" for name, error in largest.items()]
    count = f"the largest errors in {len(found)} rounds of random weights and inputs"
    return [count, *lines], 0


def inputs(seed: int, seconds: float, folder: pathlib.Path) -> tuple[list[str], int]:
    """Damaged files for every reader."""
    del folder
    module = importlib.import_module("soak.inputs")
    found = timed(lambda n: module.fuzz(n, 5000), seed, seconds, "inputs")
    other = [x for one in found for x in one.other]
    whole = module.Outcome(
        sum(one.read for one in found),
        sum(one.refused for one in found),
        other,
        max(one.megabytes for one in found),
        sum(one.seconds for one in found),
    )
    return str(whole).splitlines(), len(other)


PARTS = {
    "kills": (kills, 0.3),
    "power cuts": (power, 0.1),
    "damage": (damage, 0.1),
    "processes": (processes, 0.0),
    "bridges": (bridges, 0.1),
    "inputs": (inputs, 0.4),
}  # with the share of the time that each may take

if __name__ == "__main__":
    sys.exit(main())
