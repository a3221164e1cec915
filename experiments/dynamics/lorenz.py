"""A network that has learned the Lorenz system: its error, and its chaos."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from experiments.dynamics.data import BITS, DT, LARGEST, Example
from experiments.dynamics.model import batches_of, closed_loop, targets_of
from experiments.shared.run import Run
from seqjax import figures, inspect
from seqjax.predict import VectorPredictor
from seqjax.train import TrainResult

STEPS, DISCARD, SHOWN = 41_000, 1000, 4000  # of the network by itself


def report(
    run: Run,
    result: TrainResult,
    predictor: VectorPredictor,
    test: Sequence[Example],
) -> dict[str, Any]:
    """Lets the network go on by itself, and writes its exponents beside the known."""
    outputs = np.concatenate(predictor.outputs(batches_of(predictor, test)))
    exponents = run_alone(run, predictor, test[0])
    run.say(
        f"largest Lyapunov exponent: {exponents[0]:.4f} nats per unit of time; that of "
        f"the Lorenz system is {LARGEST}"
    )
    return run.finish(
        result,
        metric="mean squared error of the next state, scaled",
        lower_is_better=True,
        score=float(np.mean((outputs - targets_of(test)) ** 2)),
        baseline=straight_on(test),
        baseline_name="straight on from the last two states",
        lyapunov=[float(value) for value in exponents],
        lyapunov_known=LARGEST,
    )


def straight_on(test: Sequence[Example]) -> float:
    """Baseline: the last change once more."""
    errors = [e.targets[1:] - 2 * e.inputs[1:] + e.inputs[:-1] for e in test]
    return float(np.mean(np.concatenate(errors) ** 2))


def run_alone(run: Run, predictor: VectorPredictor, begin: Example) -> np.ndarray:
    """Draws the states that the network runs through, and its exponents [3]."""
    step, state = closed_loop(predictor, begin.inputs)
    xs = jnp.zeros((STEPS, 0))

    @jax.jit
    def both(state):
        found = inspect.lyapunov_exponents_of(step, state, xs, BITS, DISCARD)
        states = lax.scan(lambda s, x: (step(s, x),) * 2, state, xs[:SHOWN])[1]
        return found, states[None, :, :BITS]

    found, states = both(state)
    cell = run.options.cell
    title = f"{cell}: the Lorenz system, as the network goes on by itself"
    run.figure(figures.trajectories, "attractor", states, title=title)
    title = f"{cell}: Lyapunov exponents of the network by itself"
    known = {"the largest of the Lorenz system": LARGEST}
    options = {"title": title, "unit": "nats per unit of time", "known": known}
    run.figure(figures.lyapunov, "lyapunov", found.running / DT, **options)
    return np.asarray(found.exponents) / DT
