"""At which distance a cell still learns agreement, each distance trained by itself."""

import pathlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from experiments.agreement.data import GENERATORS
from experiments.agreement.model import (
    batches_of,
    encode,
    is_right,
    last_noun,
    loss_of,
    make_predictor,
    plurals,
)
from experiments.shared import distances
from experiments.shared.comparison import finish_together
from experiments.shared.errors import UsageError
from experiments.shared.layers import layer_of
from experiments.shared.run import Run
from seqjax import figures, predict
from seqjax.data import Source, Splits

SENTENCES = 10_000, 1000, 1000  # to learn from, to choose by, and held out
YLABEL = "share of verbs that agree"


def train(options: Any) -> dict[str, Any]:
    """Trains at each of --distances, says what share of the verbs is right there."""
    if options.data:
        raise UsageError("--distances: needs generated sentences, and no --data")
    far = distances.distances_of(options)
    name = options.dataset or next(iter(GENERATORS))
    drawn = {d: draw(name, d) for d in far}
    facts = f"{SENTENCES[0]} sentences to learn from at each distance"
    run = Run.begin("agreement", options, Source(drawn, name, None, 1.0), None, facts)
    learned = {d: fit(run, splits, d) for d, splits in drawn.items()}
    baseline = {
        d: float(np.mean([last_noun(s) == s.verb for s in splits.test]))
        for d, splits in drawn.items()
    }
    result = run.finish(
        metric=f"share of verbs that agree, trained at a distance of {far[-1]} words",
        lower_is_better=False,
        score=learned[far[-1]],
        baseline=baseline[far[-1]],
        baseline_name="the last noun",
        best_possible=1.0,
        learned={str(d): share for d, share in learned.items()},
        last_noun={str(d): share for d, share in baseline.items()},
    )
    figure(run.folder, [result], options.cell)
    return result


def draw(dataset: str, distance: int) -> Splits:
    """Draws sentences in which subject and verb are just so many words apart."""
    drawn = GENERATORS[dataset](0, sum(SENTENCES), distance, distance)
    ends = np.cumsum(SENTENCES)
    return Splits(*(drawn[a:b] for a, b in zip([0, *ends], ends, strict=False)))


def fit(run: Run, splits: Splits, distance: int) -> float:
    """Trains at one distance; the share of held-out verbs that is right."""
    agree = make_predictor(layer_of(run.options), splits.train, run.options.gradient)
    variables = predict.init(agree, jax.random.key(run.options.seed))
    valid, test = ((batches_of(agree, s), plurals(s)) for s in splits[1:])
    run.say(f"distance {distance}:")

    def right(variables, batches, plural):
        return is_right(replace(agree, variables=variables), batches, plural).mean()

    result = run.within(str(distance)).fit(
        agree.model,
        variables,
        run.batches([encode(agree, sentence) for sentence in splits.train]),
        loss_of(agree.model),
        lambda variables: {"valid": float(1 - right(variables, *valid))},
        unit="nats per sentence",
        loss_per="sequence",
    )
    share = float(right(result.params, *test))
    run.say(f"{run.options.cell}: {share:.3f} of the verbs are right")
    return share


def together(
    options: Any, folder: pathlib.Path, results: Mapping[str, dict[str, Any]]
) -> None:
    """Draws all cells and seeds in one figure, and writes what each learned."""
    (folder / "figures").mkdir(exist_ok=True)
    figure(folder, list(results.values()), "each cell")
    for cell, shares in distances.by_cell(list(results.values())).items():
        if not options.quiet:
            print(f"{cell}: {distances.in_words(shares)}", flush=True)
    finish_together(folder, results)


def figure(folder: pathlib.Path, results: list[dict[str, Any]], of: str) -> None:
    """Draws what is learned against the distance."""
    last = {int(d): share for d, share in results[0]["last_noun"].items()}
    figures.learned_by_distance(
        folder / "figures" / "learned.png",
        distances.by_cell(results),
        {"the last noun": last, "chance": 0.5},
        ylabel=YLABEL,
        title=f"agreement learned at each distance, {of}",
    )
