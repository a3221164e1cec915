"""Races seqjax against every installed peer on the same work, in one run.

PyTorch, Flax (linen and nnx), Haiku, Keras on JAX and Equinox, each in a process of
its own, with the same inputs, weights and cores. Outputs and gradients are compared
first; those that differ do not count. Then all have their turns, round after round, so
that a busy minute of the machine falls on all of them, and every round gives a ratio.

    python -m experiments.speed --quick
    python -m experiments.speed --case='gru/*' --case=lstm/8x50x32x64/train --peer=torch

writes into the run's folder: speed.md (the tables), speed.json (every round),
figures/speed.png. Peers are installed by: pip install --editable '.[speed]'
"""

import pathlib
import sys
import tempfile
import time

from absl import flags

from experiments import common
from experiments.speed import catalogue, figure, peers, report, tables
from experiments.speed.cases import KINDS, Case
from experiments.speed.peers import US
from experiments.speed.race import Racer, measure, race, started
from experiments.speed.results import Race
from seqjax.train import Interrupted

for shared in ("workdir", "quiet"):
    flags.declare_key_flag(shared)
flags.FLAGS["quiet"].help = "Print the last line and warnings only."
QUICK = flags.DEFINE_bool(
    "quick", False, "The LSTM alone, forward and training step, at three shapes."
)
CASE = flags.DEFINE_multi_string(
    "case",
    [],
    "What to run, all if not given: a pattern such as 'gru/*' or '*/train', or "
    "KIND/BxTxINxH/MODE with any batch, steps, inputs and units. Kinds: "
    f"{', '.join(KINDS)}. Modes: forward, train. May be given again.",
)
PEER = flags.DEFINE_multi_string(
    "peer",
    [],
    f"Whom to race beside {US}, all if not given: "
    f"{', '.join(name for name in peers.NAMES if name != US)}. May be given again.",
)
ROUNDS = flags.DEFINE_integer("rounds", 7, "How often each has its turn.", 1)


def chosen_cases() -> list[Case]:
    """What --case or --quick ask for."""
    if QUICK.value and CASE.value:
        raise common.UsageError("--quick: it chooses the cases, so --case cannot")
    try:
        patterns = CASE.value or ["*"]
        return catalogue.QUICK if QUICK.value else catalogue.choose(patterns)
    except ValueError as error:
        raise common.UsageError(f"--case: {error}") from None


def chosen_peers() -> list[str]:
    """Whom --peer asks for, after seqjax."""
    for name in PEER.value:
        if name not in peers.NAMES:
            known = ", ".join(peers.NAMES)
            raise common.UsageError(f"--peer: {name!r} is none of {known}")
    return [US, *(n for n in peers.NAMES if n != US and n in (PEER.value or [n]))]


def ready(racers: list[Racer]) -> dict[str, dict[str, str]]:
    """The versions of those that are installed; says which are not."""
    versions = {}
    for racer in racers:
        answer = racer.answer()
        if "versions" in answer:
            versions[racer.name] = answer["versions"]
        else:
            why = answer.get("missing") or answer["failed"]
            if racer.name == US:
                raise common.UsageError(f"{US} does not run here: {why}")
            common.say(
                f"without {racer.name} ({why}): pip install --editable '.[speed]'"
            )
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


def run(
    chosen: list[Case], names: list[str], path: pathlib.Path
) -> tuple[report.Surroundings, list[Race]]:
    """Measures the machine, then case by case; `path` has what is done so far."""
    begin, machine, races = time.monotonic(), measure(chosen), []
    with (
        tempfile.TemporaryDirectory() as folder,
        started(names, pathlib.Path(folder)) as racers,
    ):
        versions = ready(racers)
        if machine.backend != "cpu":
            warn(f"JAX is on {machine.backend}, PyTorch on the CPU: JAX_PLATFORMS=cpu")
        around = report.surroundings(machine, ROUNDS.value, versions)
        racers = [racer for racer in racers if racer.name in versions]
        for case in chosen:
            races.append(race(case, racers, machine, ROUNDS.value))
            common.write_text(path, report.as_json(around, races))
            left = time_left(begin, len(races), len(chosen))
            common.say(tables.line(races[-1]) + left)
            warn_of(races[-1])
    return around, races


def main(argv: list[str]) -> None:
    """Chooses, races, reports."""
    del argv
    chosen, names = chosen_cases(), chosen_peers()
    workdir = common.open_workdir("speed")
    rounds = workdir / "speed.json"
    try:
        around, races = run(chosen, names, rounds)
    except KeyboardInterrupt:
        raise Interrupted(f"SIGINT; {rounds} has the cases that were done") from None
    text = tables.markdown(around, races)
    common.write_text(workdir / "speed.md", text)
    figure.draw(workdir / "figures" / "speed.png", races, peers.NAMES)
    common.say("", text)
    print(f"tables, rounds and figure: {workdir}", flush=True)


if __name__ == "__main__":
    common.run(main)
