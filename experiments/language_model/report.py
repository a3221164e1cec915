"""What is said of a training: the text, the learning curve, the result."""

import math
from collections.abc import Callable
from typing import Any

from experiments.shared.ngrams import Nats
from experiments.shared.run import Run
from seqjax import figures
from seqjax.data import Corpus
from seqjax.train import TrainResult


def describe(corpus: Corpus, level: str) -> str:
    """How much there is to learn from, to choose by and to score on."""
    train, valid, test = (sum(map(len, part)) for part in corpus[2:])
    return (
        f"{train:,} {level}s to learn from, {valid:,} to choose by, {test:,} held out; "
        f"{len(corpus.vocabulary):,} different ones"
    )


def listed(nats: dict[str, float]) -> str:
    """Scores with their models, for a line of text."""
    return ", ".join(f"{value:.4f} by the {name}" for name, value in nats.items())


def in_unit(level: str) -> tuple[str, Callable[[float], float]]:
    """The unit of the score, and how nats per token become it."""
    if level == "char":
        return "bits per character", lambda nats: nats / math.log(2)
    return "perplexity per word", math.exp


def report(
    run: Run, result: TrainResult, nats: float, baselines: Nats, level: str
) -> dict[str, Any]:
    """Draws the learning curve in the score's unit, prints and writes the result."""
    unit, score = in_unit(level)
    history = [
        line | {k: score(line[k]) for k in ("loss", "valid") if k in line}
        for line in result.history
    ]
    valid = {name: score(value) for name, value in baselines.valid.items()}
    lines = {"training": "loss", "validation": "valid"}
    panel = figures.Panel(unit, lines, valid)
    run.learning_curves(result._replace(history=history), panel)
    run.say(
        f"held-out text: {nats:.4f} nats per {level}, perplexity {math.exp(nats):.2f}, "
        f"{nats / math.log(2):.4f} bits; {listed(baselines.test)}"
    )
    ngram, *_ = baselines.test
    return run.finish(
        result,
        metric=unit,
        lower_is_better=True,
        score=score(nats),
        baseline=score(baselines.test[ngram]),
        baseline_name=f"best interpolated {ngram}",
        unigram=score(baselines.test["unigram"]),
        valid=score(result.scores["valid"]),
        best_possible=run.source.best and score(run.source.best),
    )
