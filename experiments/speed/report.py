"""Where and when it was measured; all that was measured, as JSON."""

import json
import os
import pathlib
import platform
import re
import time
from typing import NamedTuple

from experiments.speed.limit import Machine
from experiments.speed.results import Race


class Surroundings(NamedTuple):
    """What the numbers depend on beside the code."""

    date: str
    processor: str
    cores: int
    rounds: int
    machine: Machine
    versions: dict[str, dict[str, str]]  # of each implementation's packages


def surroundings(
    machine: Machine, rounds: int, versions: dict[str, dict[str, str]]
) -> Surroundings:
    """Here and now."""
    date = time.strftime("%Y-%m-%d %H:%M")
    return Surroundings(
        date, _processor(), os.cpu_count() or 1, rounds, machine, versions
    )


def _processor() -> str:
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    found = re.search(r"model name\s*: (.+)", text)
    return found[1] if found else platform.processor() or platform.machine()


def as_json(around: Surroundings, races: list[Race]) -> str:
    """All that was measured."""
    cases = [
        {
            "case": race.case.name,
            "limit": race.limit._asdict(),
            "outcomes": {name: o._asdict() for name, o in race.outcomes.items()},
        }
        for race in races
    ]
    top = around._asdict() | {"machine": around.machine._asdict()}
    return json.dumps(top | {"cases": cases}, indent=1) + "\n"
