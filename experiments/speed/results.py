"""What a race gave, and what follows from it: ratios, means, goals missed."""

import math
import statistics
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from experiments.speed.cases import Case
from experiments.speed.limit import Limit
from experiments.speed.peers import PLAIN, US

TORCH = "torch"


class Outcome(NamedTuple):
    """How one implementation did in one case."""

    status: Literal["raced", "unable", "failed", "differs"]
    reason: str = ""  # of any but "raced"
    seconds: tuple[float, ...] = ()  # of a call, one entry a round
    compile: float = 0.0  # seconds
    memory: int | None = None  # bytes
    note: str = ""


class Race(NamedTuple):
    """How all did in one case."""

    case: Case
    limit: Limit
    outcomes: dict[str, Outcome]

    def median(self, name: str) -> float:
        """Seconds of a call."""
        return statistics.median(self.outcomes[name].seconds)

    def raced(self, name: str | None) -> bool:
        """Whether its time counts."""
        return name in self.outcomes and self.outcomes[name].status == "raced"

    def best_jax_peer(self) -> str | None:
        """The fastest of those in JAX beside seqjax."""
        own = US, PLAIN, TORCH
        others = [n for n in self.outcomes if self.raced(n) and n not in own]
        return min(others, key=self.median, default=None)

    def torch(self) -> str | None:
        """PyTorch, if it raced."""
        return TORCH if self.raced(TORCH) else None

    def fraction(self) -> float:
        """The limit's time over seqjax's."""
        return self.limit.seconds / self.median(US)


class Ratio(NamedTuple):
    """A peer's time over seqjax's: above 1, seqjax is faster."""

    median: float  # of the rounds' ratios
    lowest: float
    highest: float


Reference = Callable[[Race], str | None]
REFERENCES: dict[str, Reference] = {
    "the best JAX peer": Race.best_jax_peer,
    "PyTorch": Race.torch,
}


def ratio(race: Race, name: str | None) -> Ratio | None:
    """How many times faster seqjax is, round by round; None if either did not race."""
    if not (name and race.raced(name) and race.raced(US)):
        return None
    rounds = zip(race.outcomes[name].seconds, race.outcomes[US].seconds, strict=True)
    ratios = [theirs / ours for theirs, ours in rounds]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def geometric_mean(values: list[float]) -> float:
    """exp of the mean logarithm."""
    return math.exp(statistics.fmean(map(math.log, values)))


class Goal(NamedTuple):
    """What seqjax shall reach in one mode against one reference."""

    mode: str
    reference: str
    mean: float | None  # in the geometric mean over cases
    each: float  # in every case


GOALS = [
    Goal("train", "the best JAX peer", mean=1.8, each=1.0),
    Goal("train", "PyTorch", mean=None, each=1.0),
    Goal("forward", "the best JAX peer", mean=None, each=1.0),
    Goal("forward", "PyTorch", mean=None, each=1.0),
]
FRACTIONS = {"product": 0.75, "bandwidth": 0.5}  # of the limit, by what binds


def ratios(races: list[Race], mode: str, reference: str) -> list[tuple[float, Race]]:
    """The median ratio of every case of a mode where both raced."""
    pairs = [
        (ratio(r, REFERENCES[reference](r)), r) for r in races if r.case.mode == mode
    ]
    return [(found.median, race) for found, race in pairs if found]


def summary(races: list[Race]) -> list[str]:
    """The geometric mean and the worst case of each mode against each reference."""
    lines = []
    for mode in ("train", "forward"):
        for reference in REFERENCES:
            pairs = ratios(races, mode, reference)
            if pairs:
                mean = geometric_mean([value for value, _ in pairs])
                worst, race = min(pairs, key=lambda pair: pair[0])
                lines.append(
                    f"{mode}, against {reference}: {mean:.2f}× in the geometric mean "
                    f"(cases: {len(pairs)}), worst {worst:.2f}× in {race.case.title}"
                )
    return lines


def missed(races: list[Race]) -> Iterator[str]:
    """A sentence for every goal missed, with what binds there."""
    for race in races:
        goal = FRACTIONS.get(race.limit.binds, 0.0)
        if race.raced(US) and race.fraction() < goal:
            yield (
                f"{race.case.name}: {race.fraction():.0%} of the limit, where the "
                f"{race.limit.binds} binds, goal {goal:.0%}"
            )
    for goal in GOALS:
        pairs = ratios(races, goal.mode, goal.reference)
        mean = geometric_mean([value for value, _ in pairs] or [math.inf])
        if goal.mean and mean < goal.mean:
            yield (
                f"{goal.mode}, against {goal.reference}: {mean:.2f}× in the geometric "
                f"mean, goal {goal.mean:.1f}×"
            )
        for value, race in pairs:
            if value < goal.each:
                yield (
                    f"{race.case.name}: {value:.2f}× {goal.reference}, goal "
                    f"{goal.each:.1f}×; it runs at {race.fraction():.0%} of the "
                    f"limit, where the {race.limit.binds} binds"
                )
