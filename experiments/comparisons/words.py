"""Models of words against models of characters, on one text, in bits per character."""

import pathlib
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

import seqjax
from experiments.comparisons.common import (
    Finding,
    Request,
    against,
    mean_time,
    sweeps,
)
from experiments.comparisons.text import (
    TASK,
    Counts,
    Spelling,
    bits_per_character,
    bits_per_token,
    by_context,
    count,
    with_text,
)
from experiments.shared.folders import folder_name
from experiments.sweep.report import plus_minus
from seqjax import figures
from seqjax.data import Splits
from seqjax.figures import drawing
from seqjax.figures.settings import draw_setting
from seqjax.predict import LanguagePredictor

SAME = {"features": "96", "batch_size": "16", "steps": "1000", "eval_every": "500"}
PARTS = {  # a piece of a stream has about as much text in both
    "characters": {"level": "char", "bptt": "128", "orders": "6"},
    "words": {"level": "word", "bptt": "32", "vocabulary": "2000", "orders": "3"},
}
WINDOW = 45  # words that are read from nothing, to see how far back a model looks
WINDOWS = 200
EDGES = np.array([0, 2, 4, 8, 16, 32, 64, 128, 256])  # characters of context
NEAR = 1.05  # of the bits with the longest context


def compare(request: Request) -> Finding:
    """Trains both on the same text, and counts what each takes and reaches."""
    asked, parts = with_text(request)
    flags = {name: {**SAME, **own} for name, own in PARTS.items()}
    results = sweeps(asked, TASK, flags)
    found = {}
    for name, result in results.items():
        folders = [
            request.folder / folder_name(name) / folder
            for folder in result["rows"][0]["folders"]
        ]
        found[name] = measure(folders, result["rows"][0], parts)
    draw(request, found)
    numbers = dict(found["words"]) | {"models": found, "lower_is_better": True}
    numbers |= {"metric": "bits per character", "data": results["words"]["data"]}
    numbers |= {"cell": results["words"]["cell"], "steps": results["words"]["steps"]}
    numbers.pop("parameters")
    return Finding(table(found), conclusion(found), numbers)


def measure(
    folders: Sequence[pathlib.Path], row: dict[str, Any], parts: Splits
) -> dict[str, Any]:
    """The numbers of one level: score, baseline, length, cost, unknown words, reach."""
    models = [seqjax.load(folder) for folder in folders]
    tokenizer = models[0].tokenizer
    counts = count(tokenizer, parts.train, parts.test)

    def score(value: float) -> float:
        return bits_per_character(bits_per_token(value, tokenizer.kind), counts)

    scores = [score(value) for value in row["scores"]]
    return {
        "score": statistics.fmean(scores),
        "scores": scores,
        "score_std": statistics.stdev(scores) if len(scores) > 1 else None,
        "baseline": score(row["baseline"]),
        "tokens_per_line": counts.tokens / len(parts.test),
        "unknown": counts.unknown / (counts.tokens - len(parts.test)),
        "spelled": counts.spelled / counts.characters,
        "parameters": row["parameters"],
        "seconds": row["seconds"],
        "microseconds": mean_time(row) * counts.tokens / counts.characters,
        "vocabulary": len(tokenizer.tokens),
        "reach": reach(models, parts, counts),
    }


def reach(
    models: Sequence[LanguagePredictor], parts: Splits, counts: Counts
) -> dict[str, Any]:
    """Bits per character after so much context, and from where on more hardly helps."""
    words = " ".join(parts.test).split()
    starts = np.linspace(0, max(len(words) - WINDOW, 0), WINDOWS).astype(int)
    texts = [" ".join(words[start : start + WINDOW]) for start in np.unique(starts)]
    kind = models[0].tokenizer.kind
    spelling = None
    if kind != "chars" and counts.unknown:
        spelling = Spelling.learn(models[0].tokenizer, parts.train)
    curves = []
    for model in models:
        at, (bits, sizes) = by_context(model, spelling, texts)
        place = np.digitize(at, EDGES) - 1
        total = [np.bincount(place, each, len(EDGES)) for each in (bits, sizes)]
        curves.append(total[0] / np.where(total[1], total[1], np.nan))
    mean = np.mean(curves, axis=0)
    seen = np.flatnonzero(~np.isnan(mean))
    near = [i for i in seen if np.all(mean[seen[seen >= i]] <= NEAR * mean[seen[-1]])]
    return {
        "context": EDGES[seen].tolist(),
        "bits": [curve[seen].tolist() for curve in np.array(curves)],
        "characters": int(EDGES[near[0]]),
    }


COLUMNS = {
    "bits per character": lambda m: plus_minus(m["score"], m["score_std"]),
    "of which spelled": lambda m: f"{m['spelled']:.3f}",
    "n-gram": lambda m: f"{m['baseline']:.4g}",
    "tokens a line": lambda m: f"{m['tokens_per_line']:.1f}",
    "unknown": lambda m: f"{m['unknown']:.2%}",
    "vocabulary": lambda m: f"{m['vocabulary']:,}",
    "parameters": lambda m: f"{m['parameters']:,.0f}",
    "µs a character": lambda m: f"{m['microseconds']:.4g}",
    "seconds": lambda m: f"{m['seconds']:.1f}",
    "reach, characters": lambda m: f"{m['reach']['characters']}",
}


def table(found: dict[str, dict[str, Any]]) -> list[list[str]]:
    """A row a level."""
    rows = [[name, *(say(m) for say in COLUMNS.values())] for name, m in found.items()]
    return [["tokens", *COLUMNS], *rows]


def conclusion(found: dict[str, dict[str, Any]]) -> str:
    """Who predicts better, and what else sets them apart."""
    words, characters = found["words"], found["characters"]
    length = characters["tokens_per_line"] / words["tokens_per_line"]
    size = words["parameters"] / characters["parameters"]
    said = {n: plus_minus(m["score"], m["score_std"]) for n, m in found.items()}
    time = words["microseconds"] / characters["microseconds"]
    reaches = [found[name]["reach"]["characters"] for name in ("words", "characters")]
    return (
        f"In bits per character the model of words reaches {said['words']}, "
        f"{against(words['scores'], characters['scores'])} the {said['characters']} of "
        f"the model of characters; {words['spelled']:.3f} of it spell the "
        f"{words['unknown']:.1%} of words that it does not know. Its sequences are "
        f"{length:.1f} times shorter, it has {size:.1f} times as many parameters, and "
        f"learns a character in {time:.2f} times the time. More than {reaches[0]} "
        f"characters of context gain it less than {NEAR - 1:.0%}, against {reaches[1]} "
        f"for characters. Kneser–Ney n-grams reach {words['baseline']:.4g} with words "
        f"and {characters['baseline']:.4g} with characters: {_beaten(found)}."
    )


def _beaten(found: dict[str, dict[str, Any]]) -> str:
    """Which network does better than its n-gram, and may so be called trained."""
    better = [name for name, m in found.items() if m["score"] < m["baseline"]]
    if not better:
        return "neither network, trained so briefly, beats its own"
    return f"the network of {' and that of '.join(better)} beats its own"


def draw(request: Request, found: dict[str, dict[str, Any]]) -> None:
    """Scores, the time a character takes, and the score after so much context."""
    figure, (axes,) = drawing.canvas(1, 3, (16, 4.8))
    units = {
        "scores": "held-out text, bits per character",
        "microseconds": "training, µs a character",
    }
    for panel, (key, unit) in zip(axes, units.items(), strict=False):
        settings = [
            figures.Setting(
                {"tokens": name},
                np.atleast_1d(m[key]).tolist(),
                m["baseline"] if key == "scores" else None,
            )
            for name, m in found.items()
        ]
        draw_setting(panel, settings, "tokens", "Kneser–Ney n-gram")
        drawing.label_axes(panel, "tokens", unit)
    for i, (name, m) in enumerate(found.items()):
        style = {"color": f"C{i}", "label": name}
        at = np.array(m["reach"]["context"])
        drawing.mean_line(axes[2], at, np.array(m["reach"]["bits"]), **style)
    axes[2].set_xscale("symlog", linthresh=2)
    ticks = found["characters"]["reach"]["context"]
    axes[2].set_xticks(ticks, [str(tick) for tick in ticks])
    axes[2].minorticks_off()
    drawing.label_axes(axes[2], "characters of context, at least", "bits per character")
    axes[2].grid(alpha=0.3)
    drawing.legend(axes[0], axes[2])
    title = f"one text by words and by characters; {request.seeds} seeds"
    drawing.write(figure, request.figure, title)
