"""The results as Markdown, and a line of them while the race goes on."""

from collections import defaultdict
from collections.abc import Callable

from experiments.speed.limit import LEVELS
from experiments.speed.peers import PLAIN, US
from experiments.speed.report import Surroundings
from experiments.speed.results import REFERENCES, Race, missed, ratio, summary

NOTHING = "–"
UNITS = (1, "s"), (1e3, "ms"), (1e6, "µs")


def markdown(around: Surroundings, races: list[Race]) -> str:
    """The tables, what follows from them, and who did not take part."""
    names = list(around.versions)
    goals = list(missed(races)) or ["every goal is reached"]
    sections = [
        ["# Speed", "", *_head(around)],
        ["## seqjax", "", *_main_table(races)],
        [*_bullets(summary(races)), "", "Goals missed:", "", *_bullets(goals)],
        ["## Time of a call", "", *_table(races, names, _call)],
        ["## Seconds of compilation", "", *_table(races, names, _compile)],
        ["## Peak memory, MB", "", *_table(races, names, _memory)],
        ["## Differences in the work", "", *_bullets(_notes(races) or ["none"])],
    ]
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def line(race: Race) -> str:
    """One case in a line, while the race goes on."""
    if not race.raced(US):
        return f"{race.case.name}: {US} did not run"
    against = [
        f"{found.median:.2f}× {name}"
        for name in (reference(race) for reference in REFERENCES.values())
        if (found := ratio(race, name))
    ]
    return f"{race.case.name}: {', '.join([_call(race, US), *against])}"


def _head(around: Surroundings) -> list[str]:
    machine = around.machine
    packages = {k: v for each in around.versions.values() for k, v in each.items()}
    versions = ", ".join(f"{name} {packages[name]}" for name in sorted(packages))
    reads = ", ".join(
        f"{machine.read(size) / 1e9:.0f} GB/s at {size // 1024} kB" for size in LEVELS
    )
    return [
        f"{around.date}, {around.processor}, {around.cores} cores, JAX on "
        f"{machine.backend}, float32, {around.rounds} rounds. {versions}.",
        "",
        f"Rates that limit: products {machine.products / 1e9:.0f} GFLOP/s, tanh "
        f"{machine.tanhs / 1e9:.1f} G/s, reading a matrix {reads}.",
        "",
        "A case is KIND/BxTxINxH/MODE. × is the other's time over that of seqjax: the "
        "median over rounds, and their range. seqjax splits batches over the cores by "
        "`train.data_parallel`; in a plain jit it does not. The limit is a lower bound "
        "of the time, with what binds there. Memory is what a run holds at most, "
        "beyond what was held before it.",
    ]


def _main_table(races: list[Race]) -> list[str]:
    head = "case,time,plain jit,best JAX peer,,PyTorch,limit,compile,MB".split(",")
    rows = [_main_row(race) for race in races if race.raced(US)]
    return _lines(head, rows)


def _main_row(race: Race) -> list[str]:
    best = race.best_jax_peer()
    return [
        race.case.name,
        _call(race, US),
        _ratio(race, PLAIN),
        best or NOTHING,
        _ratio(race, best),
        _ratio(race, race.torch()),
        f"{race.fraction():.0%} {race.limit.binds}",
        f"{_compile(race, US)} s",
        _memory(race, US),
    ]


def _ratio(race: Race, name: str | None) -> str:
    found = ratio(race, name)
    if not found:
        return NOTHING
    return f"{found.median:.2f}× ({found.lowest:.2f}–{found.highest:.2f})"


def _table(
    races: list[Race], names: list[str], cell: Callable[[Race, str], str]
) -> list[str]:
    def entry(race: Race, name: str) -> str:
        status = race.outcomes[name].status
        if status == "raced":
            return cell(race, name)
        return NOTHING if status == "unable" else status

    rows = [[r.case.name, *(entry(r, name) for name in names)] for r in races]
    return _lines(["case", *names], rows)


def _lines(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def _call(race: Race, name: str) -> str:
    seconds = race.median(name)
    scale, unit = next(u for u in UNITS if seconds >= 1 / u[0] or u is UNITS[-1])
    text = f"{seconds * scale:#.3g}".rstrip(".") + f" {unit}"
    if race.case.network.task == "language_model":
        text += f", {race.case.B * race.case.T / seconds:,.0f} tokens/s"
    return text


def _compile(race: Race, name: str) -> str:
    return f"{race.outcomes[name].compile:.2f}"


def _memory(race: Race, name: str) -> str:
    held = race.outcomes[name].memory
    return "" if held is None else f"{held / 1e6:.1f}"


def _notes(races: list[Race]) -> list[str]:
    """Who ran something else or nothing: a line for each reason."""
    names, kinds = defaultdict(dict), defaultdict(dict)
    for race in races:
        for name, outcome in race.outcomes.items():
            what = (outcome.status, outcome.reason or outcome.note)
            names[what][name] = kinds[what][race.case.kind] = True
    return [
        f"{', '.join(kinds[what])}: {', '.join(names[what])} {', '.join(what)}"
        for what in names
        if what[1]
    ]


def _bullets(lines: list[str]) -> list[str]:
    return [f"- {line}" for line in lines]
