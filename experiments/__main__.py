"""Lists what there is to run.

python -m experiments            the tasks: data, minutes, scores, presets
python -m experiments cells      the cells: fields, equations, sources
python -m experiments table      the measured runs as a Markdown table
"""

import ast
import dataclasses
import importlib
import inspect
import json
import pathlib
import sys
import textwrap
from typing import Any

from seqjax import CELLS

FOLDER = pathlib.Path(__file__).parent
COLUMNS = ("command", "data", "minutes", "score", "baseline")


def tasks() -> list[str]:
    """The experiments, each a folder that can be run."""
    return sorted(path.parent.name for path in FOLDER.glob("*/__main__.py"))


def scores(task: str) -> list[dict[str, str]]:
    """The runs of a task that were measured."""
    path = FOLDER / task / "scores.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else []


def describe_task(task: str) -> str:
    """A task's first sentence, its data sets, its presets and its measured runs."""
    source = (FOLDER / task / "__main__.py").read_text("utf-8")
    first = (ast.get_docstring(ast.parse(source)) or "").splitlines()[0]
    lines = [f"{task}: {first}"]
    if (FOLDER / task / "data.py").exists():
        table = importlib.import_module(f"experiments.{task}.data").TABLE
        lines += [f"  --dataset={d.name}: {d.description}" for d in table.datasets]
        lines += [f"  --data=…: {table.format}"]
    presets = sorted((FOLDER / task / "presets").glob("*.txt"))
    lines += [f"  --flagfile={path.relative_to(FOLDER.parent)}" for path in presets]
    for run in scores(task):
        lines += [f"  {run['command']}"]
        lines += [
            f"    {run['minutes']} minutes: {run['score']}; baseline: {run['baseline']}"
        ]
    wrapped = (
        textwrap.fill(line, 88, subsequent_indent="      ", break_on_hyphens=False)
        for line in lines
    )
    return "\n".join(wrapped)


def describe_cell(name: str) -> str:
    """A cell's equations and sources, and its fields with their defaults."""
    cell: Any = CELLS[name]
    module = inspect.getdoc(sys.modules[cell.__module__]) or ""
    lines = [f"--cell={name}", "", textwrap.indent(module, "  "), "", "  Fields:"]
    for field in dataclasses.fields(cell):
        if field.default is not dataclasses.MISSING:
            lines.append(f"    {field.name} = {field.default!r}")
    if len(lines) == 5:
        lines.append("    none but features")
    return "\n".join(lines)


def markdown() -> str:
    """All measured runs as a Markdown table, as the README shows it."""
    rows = [run for task in tasks() for run in scores(task)]
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for run in rows:
        cells = [f"`{run['command']}`", *(run[column] for column in COLUMNS[1:])]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Prints the list that is asked for."""
    lists = {
        (): lambda: "\n\n".join(map(describe_task, tasks())),
        ("cells",): lambda: "\n\n".join(map(describe_cell, sorted(CELLS))),
        ("table",): markdown,
    }
    if tuple(arguments) not in lists:
        print(__doc__)
        sys.exit(0 if arguments in (["--help"], ["-h"]) else 2)
    print(lists[tuple(arguments)]())


if __name__ == "__main__":
    main(sys.argv[1:])
