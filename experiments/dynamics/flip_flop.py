"""Three bits held by a trained network: its score, its fixed points, its spectra."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.dynamics.data import BITS, Example
from experiments.dynamics.model import batches_of, layer_params, read_out, targets_of
from experiments.shared.run import Run
from seqjax import figures, inspect
from seqjax.predict import VectorPredictor
from seqjax.train import TrainResult

STARTS = 512  # searches for fixed points
NOISE = 0.1  # of their starts, around states of the held-out sequences
DRIVEN = 20  # held-out sequences, one after the other, that drive the network
REACH = 1.5  # of the farthest start from their mean, as far as points are looked for
SHOWN = 40  # held-out sequences whose states are drawn


def report(
    run: Run,
    result: TrainResult,
    predictor: VectorPredictor,
    test: Sequence[Example],
) -> dict[str, Any]:
    """Finds the fixed points, draws what the network does, writes the result."""
    outputs = np.concatenate(predictor.outputs(batches_of(predictor, test)))
    score = np.mean((outputs > 0) == (targets_of(test) > 0))
    states = states_of(predictor, test)
    points = find_points(predictor, np.concatenate(states), run.options.seed)
    memories = memories_of(predictor, points)
    exponents = draw(run, predictor, test, states, points)
    stable = points.fixed & points.stable
    run.say(
        f"{len(points.q)} fixed or slow points, {stable.sum()} of them fixed and "
        f"stable, which hold {len(memories)} of {2**BITS} memories",
        f"largest Lyapunov exponent: {exponents[0]:.4f} nats per step",
    )
    return run.finish(
        result,
        metric="share of right bits",
        lower_is_better=False,
        score=float(score),
        baseline=without_memory(test),
        baseline_name="the pulse where there is one, else the more frequent bit",
        best_possible=run.source.best if run.source else None,
        stable_fixed_points=int(stable.sum()),
        memories=len(memories),
        unstable_fixed_points=int((points.fixed & ~points.stable).sum()),
        slow_points=int((~points.fixed).sum()),
        eigenvalues=[float(abs(row[0])) for row in points.eigenvalues[stable]],
        lyapunov=[float(value) for value in exponents[:BITS]],
    )


def without_memory(test: Sequence[Example]) -> float:
    """Baseline: says each pulse, and the more frequent bit where there is none."""
    inputs = np.concatenate([example.inputs for example in test])
    targets = targets_of(test)
    majority = np.where(targets.mean(axis=0) > 0, 1, -1)
    return float(np.mean(np.where(inputs != 0, inputs, majority) == targets))


def find_points(
    predictor: VectorPredictor, states: np.ndarray, seed: int
) -> inspect.FixedPoints:
    """Fixed points without a pulse, from some of the states [N, n], with noise."""
    rng = np.random.default_rng(seed)
    starts = states[rng.integers(len(states), size=STARTS)]
    starts = starts + NOISE * rng.normal(size=starts.shape)
    layer, params = predictor.model.layer, layer_params(predictor)
    x, starts = jnp.zeros(BITS), jnp.asarray(starts)
    return inspect.fixed_points(layer, params, x, starts, reach=REACH)


def states_of(
    predictor: VectorPredictor, examples: Sequence[Example]
) -> list[np.ndarray]:
    """The states of the network along each sequence: [T, n]."""
    layer, params = predictor.model.layer, layer_params(predictor)
    longest = max(len(example.inputs) for example in examples)
    xs = np.zeros((longest, len(examples), BITS), np.float32)
    for i, example in enumerate(examples):
        xs[: len(example.inputs), i] = example.inputs
    states = np.asarray(inspect.trajectories(layer, params, jnp.asarray(xs)))
    return [states[: len(e.inputs), i] for i, e in enumerate(examples)]


def memories_of(
    predictor: VectorPredictor, points: inspect.FixedPoints
) -> set[tuple[bool, ...]]:
    """The bits that are read out at the stable fixed points."""
    stable = points.fixed & points.stable
    carries = jax.tree.map(lambda leaf: leaf[stable], points.carries)
    layer, params = predictor.model.layer, layer_params(predictor)
    ys = layer.step(params, carries, jnp.zeros((int(stable.sum()), BITS)))[1]
    return {tuple(row) for row in (np.asarray(read_out(predictor, ys)) > 0).tolist()}


def draw(
    run: Run,
    predictor: VectorPredictor,
    test: Sequence[Example],
    states: Sequence[np.ndarray],
    points: inspect.FixedPoints,
) -> np.ndarray:
    """Draws states, eigenvalues, singular values and exponents; the exponents."""
    layer, params = predictor.model.layer, layer_params(predictor)
    cell = run.options.cell
    shown = states[:SHOWN]
    title = f"{cell}: states along {len(shown)} held-out sequences, and fixed points"
    run.figure(figures.trajectories, "trajectories", shown, points, title=title)
    groups = {
        "at saddles": points.eigenvalues[~points.stable],
        "at stable points": points.eigenvalues[points.stable],
    }
    title = f"{cell}: eigenvalues of a step's Jacobian at the fixed points"
    run.figure(figures.eigenvalues, "eigenvalues", groups, title=title)
    inputs = [jnp.asarray(e.inputs, jnp.float32) for e in test[:DRIVEN]]
    spectrum = inspect.jacobian_spectrum(layer, params, inputs[0])
    title = f"{cell}: what is left of a change of the state, along a sequence"
    run.figure(figures.singular_values, "singular_values", spectrum, title=title)
    driven = jnp.concatenate(inputs)
    found = inspect.lyapunov_exponents(
        layer, params, driven, discard=min(len(inputs[0]), len(driven) - 1)
    )
    title = f"{cell}: Lyapunov exponents, driven by held-out sequences"
    run.figure(figures.lyapunov, "lyapunov", found.running, title=title)
    return np.asarray(found.exponents)
