"""Why a plain network forgets, and what helps: gradients by lag, and what is learned.

    python -m experiments.gradient_flow
    python -m experiments.gradient_flow --cell=elman,peephole_lstm --distances=5,10,20

Each cell reads random symbols and is to name the first of them at the end. Its gradient
at every lag is taken at initialisation and after training; it is trained at each of
--distances, for --seeds seeds at once, and how many of these learn is counted. With
several cells, the figures beside the cells' own folders show them together, and what
each remedy does to the gradient: initialisations, forget biases, a reservoir,
truncation; a training with and without clipping; and what is learned with truncation.

writes into the run's folder: figures/gradient_flow.png, figures/remedies.png,
figures/clipping.png, figures/truncation.png, result.json, and for each cell a folder
with its numbers and, for each distance, metrics.jsonl and checkpoints/.
"""

import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from absl import flags

from experiments.gradient_flow import pictures, remedies
from experiments.gradient_flow.data import (
    ASKED,
    TABLE,
    Symbols,
    Windows,
    split_symbols,
)
from experiments.gradient_flow.model import (
    draw,
    loss_of,
    make_network,
    norms_by_lag,
    share_recalled,
)
from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.comparison import finish_together
from experiments.shared.errors import UsageError
from experiments.shared.folders import folder_name
from experiments.shared.layers import layer_of
from experiments.shared.run import Run
from seqjax import Stack, inspect

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
    cell="elman,gru,lstm,lstm(chrono=100)",
    features=32,
    steps=1500,
    batch_size=32,
    learning_rate=3e-3,
    clip_norm=1.0,
    eval_every=100,
    seeds=5,
)
flags.DEFINE_list(
    "distances", ["10", "20", "40", "100"], "Symbols of a sequence to train on."
)
flags.DEFINE_integer("lags", 200, "How far back the gradient is followed.", 2)
GRADIENTS = "gradients.json"  # norms by lag, in each cell's folder
LEARNED = 0.9  # a share of first symbols; chance has one in as many as there are kinds


def train(options: Any) -> dict[str, Any]:
    """Gradients at initialisation, a training at each distance, gradients after."""
    layer, distances = layer_of(options, causal=True), distances_of(options)
    source = TABLE.load(options.dataset, options.data)
    kinds = source.examples.count
    network = make_network(layer, kinds)
    key = jax.random.key(options.seed)
    params = draw(network, kinds, key, options.seeds)
    facts = f"{len(source.examples.ids):,} symbols of {kinds} kinds"
    run = Run.begin("gradient_flow", options, source, None, facts)
    size = sum(leaf.size for leaf in jax.tree.leaves(params)) // options.seeds
    run.say(f"model: {options.cell}, {size:,} parameters, {options.seeds} seeds")
    longest = distances[-1]
    asked = windows(source.examples, 2, options.lags + 1, options)[:32]
    before = norms_by_lag(network, params, asked)
    learned = {d: fit(run, network, params, source.examples, d) for d in distances}
    asked = windows(source.examples, 2, longest, options)[:32]
    after = norms_by_lag(network, learned[longest][0], asked)
    recalled = {d: right for d, (_, right) in learned.items()}
    return report(run, before, after, recalled, 1 / kinds)


def distances_of(options: Any) -> list[int]:
    """The distances of --distances, the smallest first."""
    try:
        distances = sorted({int(text) for text in options.distances})
    except ValueError:
        distances = []
    if not distances or distances[0] < 2:
        raise UsageError("--distances: give whole numbers from 2 on, as in 10,20,40")
    return distances


def windows(symbols: Symbols, part: int, length: int, options: Any) -> np.ndarray:
    """Sequences [ASKED, length] of the validation (1) or the test part (2)."""
    ids = split_symbols(symbols)[part]
    if len(ids) < length:
        raise UsageError(
            f"--distances, --lags: {length} symbols are more than the {len(ids)} that "
            f"are held out"
        )
    return Windows(ids, length, ASKED, options.seed).stacked(0, 1)[0]


def fit(
    run: Run, network: Stack, params: Any, symbols: Symbols, distance: int
) -> tuple[Any, list[float]]:
    """Trains at one distance; the parameters, and the shares recalled by seed."""
    o = run.options
    valid, test = (windows(symbols, part, distance, o) for part in (1, 2))

    def evaluate(params):
        return {"valid": float(1 - share_recalled(network, params, valid).mean())}

    run.say(f"distance {distance}:")
    data = Windows(split_symbols(symbols)[0], distance, o.batch_size, o.seed)
    at = run.within(str(distance))
    how = {"unit": "nats per sequence", "seeds": True}
    result = at.fit(network, params, data, loss_of(network), evaluate, **how)
    return result.params, np.asarray(
        share_recalled(network, result.params, test)
    ).tolist()


def report(
    run: Run,
    before: list[float],
    after: list[float],
    recalled: dict[int, list[float]],
    chance: float,
) -> dict[str, Any]:
    """Draws the cell by itself, prints and writes the result."""
    verdicts = [inspect.verdict(np.array(norms)) for norms in (before, after)]
    longest = max(recalled)
    for name, verdict in zip(("at initialisation", "trained"), verdicts, strict=True):
        run.say(f"{run.options.cell}: the gradient {name}: {verdict.in_words()}")
    for distance, right in recalled.items():
        count = sum(share >= LEARNED for share in right)
        run.say(f"distance {distance}: {count} of {len(right)} seeds learn it")
    result = run.finish(
        metric=f"share of first symbols recalled at distance {longest}, mean of seeds",
        lower_is_better=False,
        score=float(np.mean(recalled[longest])),
        baseline=chance,
        baseline_name="chance",
        best_possible=run.source.best,
        verdicts=[verdict._asdict() for verdict in verdicts],
        recalled={str(distance): right for distance, right in recalled.items()},
    )
    gradients = {"initialisation": before, "trained": after}
    run.write(GRADIENTS, json.dumps(gradients) + "\n")
    drawn = {run.options.cell: result | {"gradient": gradients}}
    run.figure(pictures.draw_story, "gradient_flow", drawn, title=run.options.cell)
    return result


def together(
    options: Any, folder: pathlib.Path, results: Mapping[str, dict[str, Any]]
) -> None:
    """Draws all cells in one figure, and the remedies; writes what each reached."""
    figures = folder / "figures"
    figures.mkdir(exist_ok=True)
    paths = [folder / folder_name(cell) / GRADIENTS for cell in results]
    title = "why a plain network forgets: gradient by lag, and what is learned"
    drawn = {
        cell: results[cell] | {"gradient": json.loads(path.read_text("utf-8"))}
        for cell, path in zip(results, paths, strict=True)
    }
    pictures.draw_story(figures / "gradient_flow.png", drawn, title=title)
    symbols = TABLE.load(options.dataset, options.data).examples
    asked = windows(symbols, 2, options.lags + 1, options)[:32]
    panels = remedies.by_lag(options, symbols.count, asked)
    pictures.draw_remedies(figures / "remedies.png", panels)
    histories = remedies.clipping(options, symbols, folder / "clipping")
    chance = math.log(symbols.count)
    pictures.draw_clipping(figures / "clipping.png", histories, chance)
    recalled = remedies.truncation(options, symbols, folder / "truncation")
    pictures.draw_truncation(figures / "truncation.png", recalled, 1 / symbols.count)
    finish_together(folder, results)


if __name__ == "__main__":
    cli.run(train, together=together, seeds_at_once=True)
