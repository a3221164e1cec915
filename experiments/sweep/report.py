"""What a sweep found: a row for each combination, a table, a result."""

import json
import statistics
from collections.abc import Sequence
from typing import Any

from experiments.sweep.engine import Outcome
from experiments.sweep.grid import Grid
from seqjax import figures
from seqjax.inspect.table import ABSENT, columns

SAME = "data metric lower_is_better baseline_name best_possible".split()
KINDS = (  # a column's key, its heading, how its numbers are written
    ("baseline", "baseline", ".5g"),
    ("parameters", "parameters", ",.0f"),
    ("seconds", "seconds", ",.1f"),
)


def rows(grid: Grid, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """What each combination reached over its seeds, in the grid's order.

    Each has the "flags", the "scores" and "baselines" of the runs that did not fail,
    their means and the standard deviation "score_std" (None of one alone), "speeds" in
    tokens per second, the means of parameters and seconds, and why runs failed.
    """
    return [
        _row(values, [o for o in outcomes if o.trial.values == values])
        for values in grid.combinations()
    ]


def _row(values: dict[str, str], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    results = [o.result for o in outcomes if o.result]
    scores = [result["score"] for result in results]
    return {
        "flags": values,
        "score": statistics.fmean(scores) if scores else None,
        "score_std": statistics.stdev(scores) if len(scores) > 1 else None,
        "scores": scores,
        "baselines": [result["baseline"] for result in results],
        "speeds": [r["tokens_per_second"] for r in results if "tokens_per_second" in r],
        **{key: _mean(results, key) for key in ("baseline", "parameters", "seconds")},
        "folders": [o.trial.folder for o in outcomes if o.result],
        "failures": [o.failure for o in outcomes if o.failure],
    }


def _mean(results: Sequence[dict[str, Any]], key: str) -> float | None:
    numbers = [result[key] for result in results if result.get(key) is not None]
    return statistics.fmean(numbers) if numbers else None


def summary(
    grid: Grid, outcomes: Sequence[Outcome], found: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """The result of a sweep: its best combination's score, and all rows."""
    results = [o.result for o in outcomes if o.result]
    scored = [row for row in found if row["score"] is not None]
    lower = bool(results[0].get("lower_is_better"))
    best = (min if lower else max)(scored, key=lambda row: row["score"])
    return {
        "task": f"sweep of {grid.task}",
        "cell": best["flags"].get("cell") or results[0].get("cell", ""),
        **{key: results[0].get(key) for key in SAME},
        "score": best["score"],
        "score_std": best["score_std"],
        "baseline": best["baseline"],
        "best": best["flags"],
        "steps": sum(result.get("steps", 0) for result in results),
        "seconds": round(sum(result.get("seconds", 0) for result in results), 2),
        "seeds": list(grid.seeds),
        "swept": {name: list(values) for name, values in grid.swept.items()},
        "rows": list(found),
    }


def table(result: dict[str, Any]) -> str:
    """The rows as text: flags, score ± standard deviation, what goes with it."""
    arrow = "score ↓" if result["lower_is_better"] else "score ↑"
    swept, found = list(result["swept"]), result["rows"]
    kinds = [kind for kind in KINDS if any(row[kind[0]] is not None for row in found)]
    head = [*swept, arrow, *(heading for _, heading, _ in kinds), "runs"]
    lines = [head] + [
        [
            *(row["flags"][name] for name in swept),
            plus_minus(row["score"], row["score_std"]),
            *(_number(row[key], how) for key, _, how in kinds),
            _runs(row),
        ]
        for row in found
    ]
    mean = "; means over seeds" if len(result["seeds"]) > 1 else ""
    return "\n".join([f"score: {result['metric']}{mean}", *columns(lines, set(swept))])


def plus_minus(score: float | None, std: float | None) -> str:
    """A mean and a standard deviation, to the digits that mean something."""
    if score is None:
        return ABSENT
    return f"{score:.5g}" if std is None else f"{score:.5g} ± {std:.2g}"


def _number(value: float | None, how: str) -> str:
    return ABSENT if value is None else format(value, how)


def _runs(row: dict[str, Any]) -> str:
    done, failed = len(row["scores"]), len(row["failures"])
    return f"{done} of {done + failed}" if failed else str(done)


def settings(result: dict[str, Any]) -> "list[figures.Setting]":
    """The rows as the figure draws them."""
    return [
        figures.Setting(row["flags"], row["scores"], row["baseline"])
        for row in result["rows"]
    ]


def as_json(result: dict[str, Any]) -> str:
    """The result in one line."""
    return json.dumps(result) + "\n"
