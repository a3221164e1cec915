"""From a command line to a grid; a sweep that goes on takes the flags it began with."""

import pathlib
from collections.abc import Collection, Sequence
from typing import NamedTuple

from experiments.shared.begun import read_flags
from experiments.shared.errors import UsageError
from experiments.sweep.grid import Grid, parse, split_values

SEEDED = ("seed", "seeds", "subset")  # kept in flags.txt beside the grid's own


class Options(NamedTuple):
    """The values of the sweep's flags that make a grid."""

    seed: int
    seeds: int
    subset: int
    resume: bool
    workdir: str | None


OPTIONS = Options._fields


def divide(words: Sequence[str], own: Collection[str]) -> tuple[list[str], list[str]]:
    """Parts the words of a command line: flags of these names, and all others."""
    mine = [word for word in words if word.startswith("-") and _name(word) in own]
    return mine, [word for word in words if word not in mine]


def _name(word: str) -> str:
    name = word.lstrip("-").partition("=")[0]
    return name.removeprefix("no") if name in ("noresume", "noquiet") else name


def grid_of(words: Sequence[str], options: Options, given: Collection[str]) -> Grid:
    """The grid that a command line asks for.

    Args:
      words: the experiment and its flags.
      options: the values of the sweep's flags.
      given: which of them the command line has.

    Raises:
      UsageError: there is no such grid, or a sweep that goes on would be another one.
    """
    if options.resume:
        return _resumed(words, options, given)
    task, flags = parse(words)
    return _grid(task, flags, options, given)


def _grid(task: str, flags: dict, options: Options, given: Collection[str]) -> Grid:
    first, seeds = options.seed, ()
    if {"seed", "seeds"} & set(given):
        seeds = tuple(range(first, first + options.seeds))
    return Grid(task, flags, seeds, options.subset)


def _resumed(words: Sequence[str], options: Options, given: Collection[str]) -> Grid:
    if not options.workdir:
        raise UsageError("--resume: needs a --workdir that holds a sweep")
    folder = pathlib.Path(options.workdir)
    seeded, others = divide(read_flags(folder).lines, SEEDED)
    then = options._replace(**_integers(seeded))
    task, flags = parse(others)
    now = parse([task, *words])[1]
    for name, values in now.items():
        before = flags.get(name, ())
        if values != before and min(len(values), len(before)) < 2:
            text = ";".join(map(str, before)) or "its default"
            raise UsageError(
                f"--{name}: the sweep in {folder} was begun with {text}, and "
                f"goes on with it"
            )
    if "subset" in given and options.subset != then.subset:
        raise UsageError(f"--subset: the sweep was begun with {then.subset}")
    known = {*given, *_integers(seeded)}
    changed = {name: getattr(options, name) for name in SEEDED if name in given}
    return _grid(task, flags | now, then._replace(**changed), known)


def _integers(words: Sequence[str]) -> dict[str, int]:
    pairs = (word.lstrip("-").split("=") for word in words)
    return {name: int(value) for name, value in pairs}


def as_text(grid: Grid) -> str:
    """The words of a command line that ask for a grid, one a line."""
    lines = [grid.task]
    for name, values in grid.flags.items():
        lines.append(
            f"--{name}" if values == (None,) else f"--{name}={_joined(values)}"
        )
    if grid.seeds:
        lines += [f"--seed={grid.seeds[0]}", f"--seeds={len(grid.seeds)}"]
    if grid.subset:
        lines.append(f"--subset={grid.subset}")
    return "\n".join(lines) + "\n"


def _joined(values: Sequence[str]) -> str:
    """Values as `split_values` parts them."""
    text = ",".join(values)
    if tuple(split_values(text)) == tuple(values):
        return text
    return ";".join(values) + ";" * (len(values) == 1)
