"""A grid: an experiment, the values of its flags, the seeds; and the runs of it."""

import dataclasses
import itertools
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiments.shared.cli import split_cells
from experiments.shared.errors import UsageError


class Trial(NamedTuple):
    """One run of a grid."""

    values: dict[str, str]  # of the flags that are swept
    flags: tuple[str, ...]  # for the experiment, but for its folder
    seed: int | None  # None where the grid leaves it to the experiment

    @property
    def name(self) -> str:
        """What sets the run apart, such as "cell=gru, features=32, seed=0"."""
        seed = {} if self.seed is None else {"seed": self.seed}
        named = {**self.values, **seed}
        return ", ".join(f"{flag}={value}" for flag, value in named.items()) or "run"

    @property
    def folder(self) -> str:
        """The name of the run's folder."""
        return re.sub(r"[^\w=,.+-]+", "_", self.name.replace(", ", ",")).strip("_")


@dataclasses.dataclass(frozen=True)
class Grid:
    """All combinations of the values of an experiment's flags, with each seed.

    Attributes:
      task: the experiment.
      flags: the values of each flag; those with several are swept.
      seeds: of each combination; empty leaves it to the experiment.
      subset: how many combinations are drawn at random; 0 takes all.
    """

    task: str
    flags: Mapping[str, tuple[str, ...]]
    seeds: tuple[int, ...] = ()
    subset: int = 0

    @property
    def swept(self) -> dict[str, tuple[str, ...]]:
        """The flags with several values."""
        return {name: values for name, values in self.flags.items() if len(values) > 1}

    def combinations(self) -> list[dict[str, str]]:
        """A value for each swept flag, in every combination or in those drawn."""
        each = itertools.product(*self.swept.values())
        found = [dict(zip(self.swept, values, strict=True)) for values in each]
        if not 0 < self.subset < len(found):
            return found
        drawn = random.Random(0).sample(range(len(found)), self.subset)
        return [found[i] for i in sorted(drawn)]

    def trials(self) -> list[Trial]:
        """The runs: all combinations with the first seed, then with the next.

        So a busy hour of the machine falls on all of them, not on one.

        Raises:
          UsageError: two of them would have one folder.
        """
        seeds: Sequence[int | None] = self.seeds or (None,)
        found = [self._trial(c, seed) for seed in seeds for c in self.combinations()]
        folder, count = Counter(t.folder for t in found).most_common(1)[0]
        if count > 1:
            raise UsageError(f"two runs of this grid would share the folder {folder}")
        return found

    def _trial(self, values: dict[str, str], seed: int | None) -> Trial:
        chosen = {name: each[0] for name, each in self.flags.items()} | values
        if seed is not None:
            chosen |= {"seed": str(seed), "seeds": "1"}
        flags = (f"--{n}={v}" if v is not None else f"--{n}" for n, v in chosen.items())
        return Trial(values, tuple(flags), seed)


def split_values(text: str) -> list[str]:
    """Splits the values of a flag at semicolons, or else at commas outside of brackets.

    Example:
      >>> split_values("gru,lstm(coupled=True, chrono=9)")
      ['gru', 'lstm(coupled=True, chrono=9)']
      >>> split_values("3,5;7,9")
      ['3,5', '7,9']
    """
    values = text.split(";") if ";" in text else split_cells(text) or [""]
    return list(dict.fromkeys(value.strip() for value in values if value or not text))


def parse(arguments: Sequence[str]) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Reads the experiment's name, and the values of its flags.

    Args:
      arguments: words of a command line, without the flags of the sweep itself.

    Returns:
      The name, and the values of each flag; a flag that is given again counts as the
      last time. A flag without a value, such as --nobidirectional, has the value None.

    Raises:
      UsageError: a word is no --flag=value, there is no name, or there are two.
    """
    tasks, flags = [], {}
    for word in arguments:
        name, equals, text = word.partition("=")
        if not word.startswith("-"):
            tasks.append(word)
        elif equals and not split_values(text):
            raise UsageError(f"{name}: there is no value in {text!r}")
        else:
            values = split_values(text) if equals else [None]
            flags[name.lstrip("-")] = tuple(values)
    if not tasks:
        raise UsageError("name an experiment, as in python -m experiments.sweep names")
    if len(set(tasks)) > 1:
        raise UsageError(
            f"{tasks[1]!r} is not a flag; name one experiment, and write its flags as "
            f"--flag=value,value"
        )
    return tasks[0], flags
