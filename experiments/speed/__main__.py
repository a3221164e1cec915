"""Races seqjax against every installed peer on the same work, in one run.

PyTorch, Flax (linen and nnx), Haiku, Keras on JAX and Equinox, each in a process of
its own, with the same inputs, weights and cores. Outputs and gradients are compared
first; those that differ do not count. Then all have their turns, round after round, so
that a busy minute of the machine falls on all of them, and every round gives a ratio.

    python -m experiments.speed --quick
    python -m experiments.speed --case='gru/*' --case=lstm/8x50x32x64/train --peer=torch
    python -m experiments.speed --profile --case='lstm/*' --peer=haiku

writes into the run's folder: speed.md (the tables), speed.json (every round),
figures/speed.png; or, with --profile, what a call's time goes into: profile.md,
profile.json (every kernel), figures/profile.png. Peers are installed by:
pip install --editable '.[speed]'
"""

import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags

from experiments.shared import cli
from experiments.shared.errors import UsageError
from experiments.shared.run import Run
from experiments.speed import catalogue, figure, peers, profiles, report, tables
from experiments.speed.cases import KINDS, Case
from experiments.speed.peers import US
from experiments.speed.race import Racer, measure, race, started
from experiments.speed.results import Race
from seqjax.data.writing import write_text
from seqjax.train import Interrupted

for name in ("workdir", "quiet"):
    flags.declare_key_flag(name)
flags.FLAGS["quiet"].help = "Print the last line and warnings only."
flags.DEFINE_bool(
    "quick", False, "The LSTM alone, forward and training step, at three shapes."
)
flags.DEFINE_multi_string(
    "case",
    [],
    "What to run, all if not given: a pattern such as 'gru/*' or '*/train', or "
    "KIND/BxTxINxH/MODE with any batch, steps, inputs and units. Kinds: "
    f"{', '.join(KINDS)}. Modes: forward, train. May be given again.",
)
flags.DEFINE_multi_string(
    "peer",
    [],
    f"Whom to race beside {US}, all if not given: "
    f"{', '.join(name for name in peers.NAMES if name != US)}. May be given again.",
)
flags.DEFINE_bool(
    "profile",
    False,
    f"Race nobody, and tell what the time of {US} goes into, and that of each --peer: "
    "products, arithmetic, moving, waiting; and how near products are to their best.",
)
flags.DEFINE_integer("rounds", 7, "How often each has its turn.", 1)
Say = Callable[..., None]


def chosen_cases(quick: bool, patterns: Sequence[str]) -> list[Case]:
    """What --case or --quick ask for."""
    if quick and patterns:
        raise UsageError("--quick: it chooses the cases, so --case cannot")
    try:
        return catalogue.QUICK if quick else catalogue.choose(patterns or ["*"])
    except ValueError as error:
        raise UsageError(f"--case: {error}") from None


def chosen_peers(asked: Sequence[str]) -> list[str]:
    """Whom --peer asks for, after seqjax."""
    for name in asked:
        if name not in peers.NAMES:
            known = ", ".join(peers.NAMES)
            raise UsageError(f"--peer: {name!r} is none of {known}")
    return [US, *(n for n in peers.NAMES if n != US and n in (asked or [n]))]


def ready(racers: list[Racer], say: Say) -> dict[str, dict[str, str]]:
    """The versions of those that are installed; says which are not."""
    versions = {}
    for racer in racers:
        answer = racer.answer()
        if "versions" in answer:
            versions[racer.name] = answer["versions"]
        else:
            why = answer.get("missing") or answer["failed"]
            if racer.name == US:
                raise UsageError(f"{US} does not run here: {why}")
            say(f"without {racer.name} ({why}): pip install --editable '.[speed]'")
    return versions


def warn(text: str) -> None:
    """Says it on standard error, --quiet or not."""
    print(f"warning: {text}", file=sys.stderr, flush=True)


def warn_of(done: Race) -> None:
    """Says who failed, or computed something else."""
    for name, outcome in done.outcomes.items():
        if outcome.status in ("failed", "differs"):
            warn(f"{done.case.name}: {name} {outcome.status}: {outcome.reason}")


def time_left(begin: float, done: int, of: int) -> str:
    """A guess from the cases done."""
    minutes = (time.monotonic() - begin) / done * (of - done) / 60
    return f" ({minutes:.0f} min left)" if done < of else ""


def race_all(
    chosen: list[Case], names: list[str], rounds: int, path: pathlib.Path, say: Say
) -> tuple[report.Surroundings, list[Race]]:
    """Measures the machine, then case by case; `path` has what is done so far."""
    begin, machine, races = time.monotonic(), measure(chosen), []
    with (
        tempfile.TemporaryDirectory() as folder,
        started(names, pathlib.Path(folder)) as racers,
    ):
        versions = ready(racers, say)
        if machine.backend != "cpu":
            warn(f"JAX is on {machine.backend}, PyTorch on the CPU: JAX_PLATFORMS=cpu")
        around = report.surroundings(machine, rounds, versions)
        racers = [racer for racer in racers if racer.name in versions]
        for case in chosen:
            races.append(race(case, racers, machine, rounds))
            write_text(path, report.as_json(around, races))
            left = time_left(begin, len(races), len(chosen))
            say(tables.line(races[-1]) + left)
            warn_of(races[-1])
    return around, races


def explain(options: Any, chosen: list[Case]) -> None:
    """Watches what the time goes into, and reports."""
    if flags.FLAGS["rounds"].present:
        raise UsageError("--rounds: with --profile nobody is raced")
    names = chosen_peers(options.peer or [US])
    run = Run.begin("profile", options)
    machine = measure(chosen)
    with (
        tempfile.TemporaryDirectory() as folder,
        started(names, pathlib.Path(folder)) as racers,
    ):
        there = ready(racers, run.say)
        racers = [racer for racer in racers if racer.name in there]
        rows = profiles.profile_all(chosen, racers, machine, run.say, warn)
    run.write("profile.json", profiles.as_json(rows))
    run.write("profile.md", profiles.table(rows))
    run.figure(profiles.draw, "profile", rows)
    run.say("", profiles.table(rows))
    print(f"table, kernels and figure: {run.folder}", flush=True)


def compete(options: Any) -> None:
    """Chooses, races, reports."""
    chosen = chosen_cases(options.quick, options.case)
    if options.profile:
        return explain(options, chosen)
    names = chosen_peers(options.peer)
    run = Run.begin("speed", options)
    path = run.folder / "speed.json"
    try:
        around, races = race_all(chosen, names, options.rounds, path, run.say)
    except KeyboardInterrupt:
        raise Interrupted(
            f"SIGINT; {path} has the cases that were done", "SIGINT"
        ) from None
    text = tables.markdown(around, races)
    run.write("speed.md", text)
    run.figure(figure.draw, "speed", races, peers.NAMES)
    run.say("", text)
    print(f"tables, rounds and figure: {run.folder}", flush=True)


if __name__ == "__main__":
    cli.run(compete)
