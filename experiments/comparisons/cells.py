"""GRU against LSTM with as many parameters: score and time."""

from typing import Any

from experiments.comparisons.common import (
    HEADINGS,
    Finding,
    Request,
    against,
    reached,
    scored,
    sweeps,
    table_row,
    timed,
    times_as_long,
)
from seqjax import figures

TASK = "names"
FLAGS = {
    "cell": "gru,lstm",
    "parameters": "4000,16000,64000",
    "steps": "500",
    "samples": "100",
    "neighbors": "0",
    "split_seed": "0",
}


def compare(request: Request) -> Finding:
    """Trains both cells at each size, with --parameters in the layer."""
    (result,) = sweeps(request, TASK, {"cells": FLAGS}).values()
    rows = result["rows"]
    panels = [
        ("parameters", result["metric"], scored(result)),
        ("parameters", "training, µs a letter", timed(result)),
    ]
    title = f"cells with as many parameters in their layer; {request.seeds} seeds"
    figures.panels_by_setting(request.figure, panels, title=title)
    table = [[*result["swept"], *HEADINGS], *map(table_row, rows)]
    sizes: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        sizes.setdefault(row["flags"].get("parameters", ""), []).append(row)
    said = [_at(size, rows) for size, rows in sizes.items()]
    return Finding(table, " ".join(said), result)


def _at(size: str, rows: list[dict[str, Any]]) -> str:
    """What is found at one size, each cell against the first."""
    first, *others = (row for row in rows if row["scores"])
    said = [
        f"{row['flags'].get('cell')} scores {reached(row)}, "
        f"{against(row['scores'], first['scores'])} the {reached(first)} of "
        f"{first['flags'].get('cell')}, and takes {times_as_long(row, first)} a letter"
        for row in others
    ]
    begin = f"With {size} parameters" if size else "With these flags"
    return f"{begin}, {'; '.join(said)}." if said else ""
