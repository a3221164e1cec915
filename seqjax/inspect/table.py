"""Runs beside each other, as a table in plain text or Markdown."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from seqjax.inspect.runs import RunSummary, groups, lower_is_better

ABSENT = "–"
TEXT = {"run", "task", "cell", "data", "metric"}  # the other columns hold numbers


def comparison_table(runs: Iterable[RunSummary], *, markdown: bool = False) -> str:
    """Returns a row a run: what it was, and how well it did.

    Scores that cannot be compared stand in tables of their own, one for each task,
    data and metric. An arrow says which score is better, where the runs do, and then
    the best run is first.

    Args:
      runs: to compare.
      markdown: for Markdown instead of columns that are aligned by spaces.

    Returns:
      The tables, an empty line between them, without a last line break.
    """
    draw = _markdown if markdown else columns
    return "\n\n".join(
        "\n".join(draw([_header(group), *map(_row, group)])) for group in groups(runs)
    )


def _header(group: Sequence[RunSummary]) -> list[str]:
    lower = lower_is_better(group)
    score = "score" if lower is None else "score ↓" if lower else "score ↑"
    first = ["run", "task", "cell", "data", "parameters", "metric"]
    return [*first, score, "baseline", "best step", "seconds"]


def _row(run: RunSummary) -> list[str]:
    result = run.result
    data = run.flags.get("data") or run.flags.get("dataset")
    return [
        run.name,
        str(result.get("task") or ABSENT),
        str(result.get("cell") or run.flags.get("cell") or ABSENT),
        str(result.get("data") or data or ABSENT),
        _number(result.get("parameters"), ",.0f"),
        str(result.get("metric") or ABSENT),
        _number(run.score, ".5g"),
        _number(result.get("baseline"), ".5g"),
        _number(run.best_step, ",.0f"),
        _number(result.get("seconds"), ",.1f"),
    ]


def _number(value: Any, how: str) -> str:
    return format(value, how) if isinstance(value, int | float) else ABSENT


def columns(rows: Sequence[Sequence[str]], text: Collection[str] = TEXT) -> list[str]:
    """Returns rows as lines whose columns are aligned by spaces.

    Args:
      rows: the first one has the headings.
      text: the headings of columns of words, which are aligned to the left; the others
        hold numbers.
    """
    aligned = [
        [
            cell.ljust(width) if column[0] in text else cell.rjust(width)
            for cell in column
        ]
        for column in zip(*rows, strict=True)
        for width in [max(map(len, column))]
    ]
    return ["  ".join(row).rstrip() for row in zip(*aligned, strict=True)]


def _markdown(rows: list[list[str]]) -> list[str]:
    rule = ["---" if name in TEXT else "---:" for name in rows[0]]
    escaped = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (escaped[0], rule, *escaped[1:])]
