"""Training at one distance after the other: where does learning stop?

A network that was trained on short clauses and is tested on long ones shows whether
what it learned leaks. Here it must learn from sentences all of which have the same
number of words between subject and verb, and is asked for others of that number.
"""

import functools
import json
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from experiments.agreement.data import DRAWS, TABLE, Sentence
from experiments.agreement.model import (
    Verbs,
    batches_of,
    encode,
    last_noun_right,
    loss_of,
    make_predictor,
    verbs_right,
)
from experiments.shared.distances import distances_of, in_words
from experiments.shared.errors import UsageError
from experiments.shared.layers import layer_of
from experiments.shared.run import Run
from seqjax import predict
from seqjax.data import Source
from seqjax.extras import later

distances, drawing = (later(f"seqjax.figures.{n}") for n in ("distances", "drawing"))
FILE = "learned.json"  # shares of right verbs by distance, in a run's folder
MOST = 10_000  # sentences to learn from, at each distance
TESTED = {"valid": 400, "test": 1000}  # sentences to choose by, and held out
Parts = Mapping[str, list[Sentence]]


def train(options: Any) -> dict[str, Any]:
    """Trains one cell with one seed at each of --distances."""
    layer, lengths = layer_of(options, causal=True), distances_of(options)
    source = draw(options, lengths)
    everything = [s for parts in source.examples.values() for s in parts["train"]]
    agree = make_predictor(layer, everything, options.gradient)
    variables = predict.init(agree, jax.random.key(options.seed))
    facts = f"{len(everything):,} sentences to learn from"
    run = Run.begin("agreement", options, source, variables, facts)
    tested = {
        distance: fit(run, replace(agree, variables=variables), parts, distance)
        for distance, parts in source.examples.items()
    }
    return report(run, tested)


def draw(options: Any, distances: Sequence[int]) -> Source:
    """Draws sentences of each distance, by parts."""
    if options.data:
        raise UsageError("--data: sentences at --distances are drawn, not read")
    entry = TABLE.entry(options.dataset)
    learned = min(MOST, options.steps * options.batch_size)
    drawn = {distance: _drawn(entry.name, distance, learned) for distance in distances}
    return Source(drawn, entry.name, entry.licence, 1.0)


@functools.cache  # all cells and seeds have the same
def _drawn(name: str, distance: int, learned: int) -> Parts:
    counts = {"train": learned, **TESTED}
    return {
        part: DRAWS[name](seed, count, distance, distance)
        for seed, (part, count) in enumerate(counts.items(), 1)
    }


def fit(
    run: Run, agree: predict.ClassPredictor, parts: Parts, distance: int
) -> dict[str, float | None]:
    """Trains at one distance; the shares of right verbs among those held out."""
    valid, test = (
        batches_of(agree, parts[part], buckets=1) for part in ("valid", "test")
    )

    def tested(variables, batches) -> Verbs:
        return verbs_right(replace(agree, variables=variables), batches)

    run.say(f"distance {distance}:")
    result = run.within(str(distance)).fit(
        agree.model,
        agree.variables,
        run.batches([encode(agree, sentence) for sentence in parts["train"]]),
        loss_of(agree.model),
        lambda variables: {"valid": tested(variables, valid).wrong()},
        unit="nats per sentence",
        loss_per="sequence",
    )
    verbs = tested(result.params, test)
    return {
        "last": float(verbs.last.mean()),
        "inner": verbs.inner_right(),
        "baseline": float(last_noun_right(parts["test"]).mean()),
    }


def report(run: Run, tested: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """Prints and writes what one cell with one seed learned."""
    run.write(FILE, json.dumps(tested) + "\n")
    run.figure(draw_distances, "distances", {run.options.cell: [tested]})
    shares = [at["last"] for at in tested.values()]
    for distance, at in tested.items():
        run.say(f"distance {distance}: {at['last']:.3f} of verbs are right")
    return run.finish(
        metric="share of verbs that agree, mean over the distances in training",
        lower_is_better=False,
        score=float(np.mean(shares)),
        baseline=float(np.mean([at["baseline"] for at in tested.values()])),
        baseline_name="the last noun",
        best_possible=run.source.best,
        steps=run.options.steps,
        by_distance={str(distance): at["last"] for distance, at in tested.items()},
    )


def together(
    options: Any, folder: pathlib.Path, folders: Mapping[str, Sequence[pathlib.Path]]
) -> None:
    """Draws and says what each cell learned at each distance, over its seeds.

    Args:
      options: the values of the flags.
      folder: gets figures/distances.png.
      folders: of the runs of each cell.
    """
    cells = {
        cell: [json.loads((path / FILE).read_text("utf-8")) for path in paths]
        for cell, paths in folders.items()
    }
    for cell, seeds in cells.items():
        if not options.quiet:
            words = in_words(_shares(seeds, "last"))
            print(f"{cell}: {words}", flush=True)
    draw_distances(folder / "figures" / "distances.png", cells)


def draw_distances(
    path: pathlib.Path, cells: Mapping[str, Sequence[Mapping[str, Any]]]
) -> None:
    """Draws the share of right verbs against the distance in training.

    Args:
      path: of the PNG.
      cells: by cell, for each seed what was right by distance.
    """
    panels = {
        label: {cell: _shares(seeds, name) for cell, seeds in cells.items()}
        for name, label in (("last", "last verb"), ("inner", "inner verbs"))
    }
    panels = {label: panel for label, panel in panels.items() if any(panel.values())}
    size = (1 + 7 * len(panels), 5)
    figure, grid = drawing.canvas(1, len(panels), size, sharey=True)
    for axes, (label, panel) in zip(grid[0], panels.items(), strict=True):
        y = "share right" if axes is grid[0, 0] else ""
        distances.draw_learned(axes, panel, 0.5, "words", (label, y))
    drawing.legend(grid[0, -1])
    title = f"{', '.join(cells)} against the distance in training: a dot a seed"
    drawing.write(figure, path, title)


def _shares(seeds: Sequence[Mapping[str, Any]], name: str) -> dict[int, list[float]]:
    """The shares of all seeds by distance; of distances that have such verbs."""
    return {
        int(distance): [seed[distance][name] for seed in seeds]
        for distance, first in seeds[0].items()
        if first[name] is not None
    }
