"""Why a plain network forgets, and what helps: gradients by lag, and what is learned.

    python -m experiments.gradient_flow
    python -m experiments.gradient_flow --cell=elman,peephole_lstm --distances=5,10,20

Each cell reads random symbols and is to name the first of them at the end. Its gradient
at every lag is taken at initialisation and after training; it is trained at each of
--distances, with --seeds seeds, and how many of these learn is counted. The figures
beside the trainings' own folders show them together, and what each remedy does to the
gradient: initialisations, forget biases, a reservoir, truncation; a training with and
without clipping; and what is learned with truncation.

writes into the run's folder: figures/gradient_flow.png, figures/remedies.png,
figures/clipping.png, figures/truncation.png, truncation.json with what that one draws,
result.json, and for each cell and seed a folder with its numbers and, for each
distance, metrics.jsonl and checkpoints/.
"""

import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from absl import flags

from experiments.gradient_flow import remedies
from experiments.gradient_flow.data import (
    ASKED,
    TABLE,
    Symbols,
    Windows,
    split_symbols,
)
from experiments.gradient_flow.model import (
    loss_of,
    make_network,
    norms_by_lag,
    share_recalled,
)
from experiments.shared import cli, distances
from experiments.shared import flags as shared
from experiments.shared.comparison import finish_together
from experiments.shared.errors import UsageError
from experiments.shared.folders import folder_name
from experiments.shared.layers import layer_of
from experiments.shared.run import Run
from seqjax import Stack, inspect
from seqjax.data.writing import write_text
from seqjax.extras import later

pictures = later("experiments.gradient_flow.pictures")

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
    cell="elman,gru,lstm,gru(chrono=100),lstm(chrono=100)",
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


def train(options: Any) -> dict[str, Any]:
    """Gradients at initialisation, a training at each distance, gradients after."""
    layer, far = layer_of(options, causal=True), distances.distances_of(options)
    source = TABLE.load(options.dataset, options.data)
    kinds = source.examples.count
    network = make_network(layer, kinds)
    params = jax.jit(network.init, static_argnums=1)(
        jax.random.key(options.seed), kinds
    )
    facts = f"{len(source.examples.ids):,} symbols of {kinds} kinds"
    run = Run.begin("gradient_flow", options, source, params, facts)
    longest = far[-1]
    asked = windows(source.examples, 2, options.lags + 1, options)[:32]
    before = norms_by_lag(network, params, asked)
    learned = {d: fit(run, network, params, source.examples, d) for d in far}
    asked = windows(source.examples, 2, longest, options)[:32]
    after = norms_by_lag(network, learned[longest][0], asked)
    shares = {d: share for d, (_, share) in learned.items()}
    return report(run, before, after, shares, 1 / kinds)


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
) -> tuple[Any, float]:
    """Trains at one distance; the parameters, and the share recalled."""
    o = run.options
    valid, test = (windows(symbols, part, distance, o) for part in (1, 2))

    def evaluate(params):
        return {"valid": 1 - float(share_recalled(network, params, valid))}

    run.say(f"distance {distance}:")
    data = Windows(split_symbols(symbols)[0], distance, o.batch_size, o.seed)
    at = run.within(str(distance))
    unit = "nats per sequence"
    result = at.fit(network, params, data, loss_of(network), evaluate, unit=unit)
    return result.params, float(share_recalled(network, result.params, test))


def report(
    run: Run,
    before: list[float],
    after: list[float],
    learned: dict[int, float],
    chance: float,
) -> dict[str, Any]:
    """Prints and writes what one training of one cell gave."""
    verdicts = [inspect.verdict(np.array(norms)) for norms in (before, after)]
    longest = max(learned)
    for name, verdict in zip(("at initialisation", "trained"), verdicts, strict=True):
        run.say(f"{run.options.cell}: the gradient {name}: {verdict.in_words()}")
    for distance, share in learned.items():
        run.say(f"distance {distance}: {share:.3f} of first symbols are recalled")
    gradients = {"initialisation": before, "trained": after}
    run.write(GRADIENTS, json.dumps(gradients) + "\n")
    result = run.finish(
        metric=f"share of first symbols recalled at distance {longest}",
        lower_is_better=False,
        score=learned[longest],
        baseline=chance,
        baseline_name="chance",
        best_possible=run.source.best,
        verdicts=[verdict._asdict() for verdict in verdicts],
        learned={str(distance): share for distance, share in learned.items()},
    )
    cell = run.options.cell
    drawn = {cell: gradients}, distances.by_cell([result]), chance
    run.figure(pictures.draw_story, "gradient_flow", *drawn, title=cell)
    return result


def together(
    options: Any, folder: pathlib.Path, results: Mapping[str, dict[str, Any]]
) -> None:
    """Draws all cells in one figure, and the remedies; writes what each reached."""
    figures = folder / "figures"
    figures.mkdir(exist_ok=True)
    paths = (folder / folder_name(name) / GRADIENTS for name in results)
    gradients = [json.loads(path.read_text("utf-8")) for path in paths]
    cells = [result["cell"] for result in results.values()]
    learned = distances.by_cell(list(results.values()))
    for cell, shares in learned.items():
        if not options.quiet:
            print(f"{cell}: {distances.in_words(shares)}", flush=True)
    symbols = TABLE.load(options.dataset, options.data).examples
    pictures.draw_story(
        figures / "gradient_flow.png",
        pictures.mean_over_seeds(cells, gradients),
        learned,
        1 / symbols.count,
        title="why a plain network forgets: gradient by lag, and what is learned",
    )
    asked = windows(symbols, 2, options.lags + 1, options)[:32]
    panels = remedies.by_lag(options, symbols.count, asked)
    pictures.draw_remedies(figures / "remedies.png", panels)
    histories = remedies.clipping(options, symbols, folder / "clipping")
    chance = math.log(symbols.count)
    pictures.draw_clipping(figures / "clipping.png", histories, chance)
    recalled = remedies.truncation(options, symbols, folder / "truncation")
    write_text(folder / "truncation.json", json.dumps(recalled) + "\n")
    pictures.draw_truncation(figures / "truncation.png", recalled, 1 / symbols.count)
    finish_together(folder, results)


if __name__ == "__main__":
    cli.run(train, together=together)
