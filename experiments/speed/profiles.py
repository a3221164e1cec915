"""What the time of each case goes into, as a table and a figure; see `kernels`."""

import json
import pathlib
from collections.abc import Callable
from typing import NamedTuple

from matplotlib.figure import Figure

from experiments.speed.cases import Case
from experiments.speed.kernels import SHARES, STEP, WHOLE, Profile
from experiments.speed.limit import Machine, product_seconds
from experiments.speed.race import Racer


class Profiled(NamedTuple):
    """One implementation's profile of one case."""

    case: Case
    name: str
    profile: Profile
    limit: float  # seconds that the products take at the machine's best rate

    @property
    def products(self) -> float:
        """The limit's part of the time that the products took."""
        shares = self.profile.shares
        return self.limit / (shares[STEP] + shares[WHOLE])


def profiled(case: Case, racer: Racer, machine: Machine) -> Profiled | str:
    """Watches an implementation, or says why that cannot be."""
    for order in ({"do": "build", "to": str(racer.arrays)}, {"do": "profile"}):
        answer = racer.ask(case=case.name, **order)
        if problem := answer.get("unable") or answer.get("failed"):
            return problem
    profile = Profile(**answer)
    return Profiled(case, racer.name, profile, product_seconds(case, machine))


def table(rows: list[Profiled]) -> str:
    """Markdown, a row a case and implementation."""
    head = ["case", "of", "time", "watched", *SHARES, "products' rate"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        p = row.profile
        shares = [f"{p.shares[name] / p.watched:.0%}" for name in SHARES]
        times = [f"{seconds * 1e3:.3g} ms" for seconds in (p.seconds, p.watched)]
        lines.append([row.case.name, row.name, *times, *shares, f"{row.products:.0%}"])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def as_json(rows: list[Profiled]) -> str:
    """Every kernel of every case: its seconds and its calls."""
    whole = [
        {"case": row.case.name, "of": row.name, "products": row.products}
        | row.profile._asdict()
        for row in rows
    ]
    return json.dumps(whole, indent=1) + "\n"


def draw(path: pathlib.Path, rows: list[Profiled]) -> None:
    """A bar a case, its parts a colour each; a tick where the products could end."""
    several = len({row.name for row in rows}) > 1
    labels = [f"{r.case.name}, {r.name}" if several else r.case.name for r in rows]
    size = (10, 1.8 + 0.32 * len(rows))
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    axes, left = figure.subplots(), [0.0] * len(rows)
    for i, name in enumerate(SHARES):
        parts = [100 * r.profile.shares[name] / r.profile.watched for r in rows]
        axes.barh(range(len(rows)), parts, left=left, color=f"C{i}", label=name)
        left = [a + b for a, b in zip(left, parts, strict=True)]
    best = [100 * row.limit / row.profile.watched for row in rows]
    axes.plot(best, range(len(rows)), "k|", ms=11, mew=2, label="products at best")
    axes.set_yticks(range(len(rows)), labels)
    axes.set(xlabel="part of a watched call, %", xlim=(0, 100))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    figure.legend(loc="outside upper center", ncols=4)
    figure.savefig(path)


def profile_all(
    cases: list[Case],
    racers: list[Racer],
    machine: Machine,
    say: Callable[[str], None],
    warn: Callable[[str], None],
) -> list[Profiled]:
    """All cases of all implementations; what cannot be watched is said."""
    rows = []
    for case in cases:
        for racer in racers:
            row = profiled(case, racer, machine)
            if isinstance(row, str):
                warn(f"{case.name}: {racer.name}: {row}")
                continue
            rows.append(row)
            step, whole = (row.profile.shares[name] for name in (STEP, WHOLE))
            part = (step + whole) / row.profile.watched
            say(f"{case.name}: {racer.name} {part:.0%} in products")
    return rows
