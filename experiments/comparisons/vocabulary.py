"""The size of a vocabulary against unknown words, the time of a step, and the score."""

import statistics
from typing import Any

import seqjax
from experiments.comparisons.common import (
    Finding,
    Request,
    against,
    mean_time,
    microseconds,
    sweeps,
    times_as_long,
)
from experiments.comparisons.text import (
    TASK,
    bits_per_character,
    bits_per_token,
    count,
    with_text,
)
from experiments.sweep.report import plus_minus
from seqjax import figures
from seqjax.data import Splits

FLAGS = {
    "vocabulary": "125,500,2000",
    "level": "word",
    "features": "96",
    "bptt": "32",
    "batch_size": "16",
    "steps": "300",
    "eval_every": "150",
    "orders": "3",
}


def compare(request: Request) -> Finding:
    """Trains a model of words with each size of vocabulary, on one text."""
    asked, parts = with_text(request)
    (result,) = sweeps(asked, TASK, {"sizes": FLAGS}).values()
    found = [measure(request, row, parts) for row in result["rows"]]
    panels = [
        ("vocabulary", unit, [figures.Setting(m["flags"], m[key]) for m in found])
        for key, unit in (
            ("unknown_percent", "held-out words that are unknown, %"),
            ("perplexities", "perplexity per token"),
            ("microseconds", "training, µs a word"),
        )
    ]
    scores = [figures.Setting(m["flags"], m["scores"], m["baseline"]) for m in found]
    unit = "held-out text, bits per character, unknown words spelled"
    panels.insert(1, ("vocabulary", unit, scores))
    title = f"the size of a vocabulary; {request.seeds} seeds"
    name = "Kneser–Ney n-gram"
    figures.panels_by_setting(request.figure, panels, title=title, baseline=name)
    best = min(found, key=lambda m: m["score"])
    numbers = {
        **{key: best[key] for key in ("score", "score_std", "scores", "baseline")},
        **{key: result[key] for key in ("data", "cell", "steps", "swept")},
        "metric": "bits per character, unknown words spelled",
        "lower_is_better": True,
        "sizes": found,
    }
    return Finding(table(found), conclusion(found, best), numbers)


def measure(request: Request, row: dict[str, Any], parts: Splits) -> dict[str, Any]:
    """The numbers of one size: unknown words, score, perplexity, time."""
    model = seqjax.load(request.folder / "sizes" / row["folders"][0])
    counts = count(model.tokenizer, parts.train, parts.test)
    scores, (baseline,) = (
        [bits_per_character(bits_per_token(v, "spaced"), counts) for v in values]
        for values in (row["scores"], row["baselines"][:1])
    )
    return {
        "flags": row["flags"],
        "known": len(model.tokenizer.tokens) - 2,
        "unknown_percent": [100 * counts.unknown / (counts.tokens - len(parts.test))],
        "score": statistics.fmean(scores),
        "score_std": statistics.stdev(scores) if len(scores) > 1 else None,
        "scores": scores,
        "baseline": baseline,
        "spelled": counts.spelled / counts.characters,
        "perplexities": row["scores"],
        "speeds": row["speeds"],
        "microseconds": microseconds(row),
        "time": mean_time(row),
        "parameters_of_model": row["parameters"],
    }


def table(found: list[dict[str, Any]]) -> list[list[str]]:
    """A row a size."""
    head = [
        "known words",
        "unknown",
        "bits per character",
        "of which spelled",
        "n-gram",
        "perplexity per token",
        "parameters",
        "µs a word",
    ]
    return [head] + [
        [
            f"{m['known']:,}",
            f"{m['unknown_percent'][0]:.2f}%",
            plus_minus(m["score"], m["score_std"]),
            f"{m['spelled']:.3f}",
            f"{m['baseline']:.4g}",
            f"{statistics.fmean(m['perplexities']):.4g}",
            f"{m['parameters_of_model']:,.0f}",
            f"{m['time']:.4g}",
        ]
        for m in found
    ]


def conclusion(found: list[dict[str, Any]], best: dict[str, Any]) -> str:
    """What a larger vocabulary gains and costs."""
    small = min(found, key=lambda m: m["known"])
    large = max(found, key=lambda m: m["known"])
    lowest = min(found, key=lambda m: statistics.fmean(m["perplexities"]))
    return (
        f"From {small['known']:,} to {large['known']:,} known words the share of "
        f"unknown ones falls from {small['unknown_percent'][0]:.1f}% to "
        f"{large['unknown_percent'][0]:.1f}%, and a word takes "
        f"{times_as_long(large, small)}. Perplexity per token is "
        f"lowest with {lowest['known']:,} words, for <UNK> is easily predicted; with "
        f"unknown words spelled, bits per character are lowest with {best['known']:,}: "
        f"{plus_minus(best['score'], best['score_std'])}, "
        f"{against(best['scores'], small['scores'])} the "
        f"{plus_minus(small['score'], small['score_std'])} of {small['known']:,} words."
    )
