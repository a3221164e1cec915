"""What does a trained network do? Memories are fixed points, chaos is an exponent.

A network learns to hold three bits, as in Sussillo and Barak (2013), "Opening the black
box". Then its dynamics are looked at: where its state stays if no pulse comes, which of
these points are stable, and how small changes of the state grow or fade.

    python -m experiments.dynamics
    python -m experiments.dynamics --cell=lstm --features=32
    python -m experiments.dynamics --dataset=lorenz

writes into the run's folder figures/trajectories.png (states and fixed points on their
principal components), eigenvalues.png, singular_values.png and lyapunov.png, and
result.json with the number of stable fixed points: eight, one for each memory.

With --dataset=lorenz the network learns to predict the next state of the Lorenz system,
and then reads its own predictions. Its largest Lyapunov exponent is laid beside that of
the system, 0.9056 per unit of time.
"""

from dataclasses import replace
from typing import Any

import jax
import numpy as np
from absl import flags

from experiments.dynamics import flip_flop, lorenz
from experiments.dynamics.data import TABLE
from experiments.dynamics.model import (
    batches_of,
    loss_of,
    make_predictor,
    targets_of,
)
from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.layers import layer_of
from experiments.shared.run import Run
from seqjax import figures, predict

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
    cell="gru",
    features=64,
    buckets=1,
    steps=1500,
    learning_rate=3e-3,
    schedule="cosine",
    clip_norm=1.0,
    eval_every=100,
)


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, dynamics, result."""
    layer = layer_of(options, causal=True)
    source = TABLE.load(options.dataset, options.data)
    splits = source.examples
    predictor = make_predictor(layer, options.gradient)
    variables = predict.init(predictor, jax.random.key(options.seed))
    facts = "{} sequences to learn from, {} to choose by, {} held out"
    run = Run.begin(
        "dynamics", options, source, variables, facts.format(*map(len, splits))
    )
    valid, targets = batches_of(predictor, splits.valid), targets_of(splits.valid)

    def evaluate(variables):
        outputs = replace(predictor, variables=variables).outputs(valid)
        errors = np.square(np.concatenate(outputs) - targets).sum(axis=1)
        return {"valid": float(errors.mean())}

    result = run.fit(
        predictor.model,
        variables,
        run.batches(splits.train),
        loss_of(predictor.model),
        evaluate,
        unit="squared error of a step",
        loss_per="sequence",
    )
    predictor = replace(predictor, variables=result.params)
    run.save(predictor)
    lines = {"training": "loss", "validation": "valid"}
    run.learning_curves(result, figures.Panel("squared error of a step", lines))
    report = lorenz.report if source.name == "lorenz" else flip_flop.report
    return report(run, result, predictor, splits.test)


if __name__ == "__main__":
    cli.run(train)
