"""One to four layers: as many parameters in all, or as many units in each."""

from typing import Any

from experiments.comparisons.common import (
    HEADINGS,
    Finding,
    Request,
    against,
    best_of,
    name_of,
    reached,
    scored,
    sweeps,
    table_row,
    timed,
    times_as_long,
)
from seqjax import figures

TASK = "names"
SAME = {
    "layers": "1,2,3,4",
    "steps": "250",
    "samples": "100",
    "neighbors": "0",
    "split_seed": "0",
}
PARTS = {"equal parameters": {"parameters": "20000"}, "equal width": {"features": "48"}}


def compare(request: Request) -> Finding:
    """Trains each depth in both ways of being fair."""
    parts = {name: {**SAME, **flags} for name, flags in PARTS.items()}
    results = sweeps(request, TASK, parts)
    first = next(iter(results.values()))
    score, time = (
        [s for name, result in results.items() for s in draw(result, {"": name})]
        for draw in (scored, timed)
    )
    panels = [
        ("layers", first["metric"], score),
        ("layers", "training, µs a letter", time),
        ("layers", "parameters", _sizes(results)),
    ]
    title = f"depth of a recurrent network; {request.seeds} seeds"
    figures.panels_by_setting(request.figure, panels, title=title)
    table = [["at", *first["swept"], *HEADINGS]]
    for name, result in results.items():
        table += [[name, *table_row(row)] for row in result["rows"]]
    said = [_said(name, result) for name, result in results.items()]
    return Finding(table, " ".join(said), {**first, "parts": results})


def _sizes(results: dict[str, dict[str, Any]]) -> list[figures.Setting]:
    return [
        figures.Setting({**row["flags"], "": name}, [row["parameters"]])
        for name, result in results.items()
        for row in result["rows"]
    ]


def _said(name: str, result: dict[str, Any]) -> str:
    """The best depth against one layer, or that against the most."""
    first, best = result["rows"][0], best_of(result)
    if best is first:  # then against the last
        first = result["rows"][-1]
    return (
        f"At {name}, {name_of(best)} scores best, {reached(best)}, "
        f"{against(best['scores'], first['scores'])} the {reached(first)} of "
        f"{name_of(first)}, and takes {times_as_long(best, first)} a letter."
    )
