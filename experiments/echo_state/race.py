"""Dense and sparse products of one reservoir, turn by turn with reservoirpy."""

import json
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.shared.run import Run
from seqjax import EchoState
from seqjax.cells import SparseEchoState
from seqjax.extras import library
from seqjax.figures.drawing import canvas, label_axes, write
from seqjax.train import ridge

PENALTY = 1e-8
DENSE, SPARSE, PEER = "seqjax, dense", "seqjax, sparse", "reservoirpy"


def states_of(cell: EchoState, params: Any) -> Callable[[Any], Any]:
    """A compiled run of the reservoir over inputs [T, n]."""
    run = jax.jit(lambda p, xs: cell.unroll(p, xs)[1])
    return lambda xs: run(params, xs)


def racers(cell: SparseEchoState, params: Any) -> dict[str, Callable[[Any], Any]]:
    """Whom to time: each runs over inputs [T, n] and returns states [T, H]."""
    nodes, matrices = library("reservoirpy.nodes", "speed"), library("scipy.sparse")
    whole = cell.as_dense(params)
    w_x, w_h, b = map(np.asarray, whole)
    peer = nodes.Reservoir(
        units=cell.features,
        lr=cell.leak,
        W=matrices.csr_matrix(w_h.T),
        Win=np.ascontiguousarray(w_x.T),
        bias=b,
    )
    return {
        DENSE: states_of(cell.dense, whole),
        SPARSE: states_of(cell, params),
        PEER: lambda xs: peer.run(np.asarray(xs)),
    }


def solvers(steps: int) -> dict[str, Callable[[Any, Any], Any]]:
    """Who solves a readout from states [T, H] and targets [T, m]."""
    nodes = library("reservoirpy.nodes", "speed")
    solve = jax.jit(lambda x, y: ridge.solve(ridge.observe(x, y), PENALTY))
    there = {"ridge": PENALTY * steps, "fit_bias": True}
    peer = lambda x, y: nodes.Ridge(**there).fit(np.asarray(x), np.asarray(y))  # noqa: E731
    return {DENSE: solve, PEER: peer}


def timed(
    functions: dict[str, Callable[..., Any]], rounds: int, *args: Any
) -> dict[str, list[float]]:
    """Seconds of each function in each round, after one call that is not counted."""
    for function in functions.values():
        jax.block_until_ready(function(*args))
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            begin = time.perf_counter()
            jax.block_until_ready(function(*args))
            seconds[name].append(time.perf_counter() - begin)
    return seconds


def main(options: Any) -> dict[str, Any]:
    """Races, checks that all computed the same, and says the ratios."""
    jax.config.update("jax_enable_x64", True)
    names = "leak spectral_radius density input_scale bias_scale".split()
    fields = {name: getattr(options, name) for name in names}
    cell = SparseEchoState(options.features, **fields)
    params = cell.init(jax.random.key(options.seed), 1, jnp.float64)
    xs = jax.random.uniform(jax.random.key(1), (options.learn, 1), jnp.float64, -1, 1)
    runs = racers(cell, params)
    run = Run.begin("echo_state", options)
    states = {name: np.asarray(function(xs)) for name, function in runs.items()}
    apart = max(float(np.abs(s - states[PEER]).max()) for s in states.values())
    seconds = timed(runs, options.rounds, xs)
    solved = timed(
        solvers(len(xs)), options.rounds, states[DENSE], np.roll(xs, 1, axis=0)
    )
    ratios = {
        name: float(np.median(np.divide(seconds[PEER], each)))
        for name, each in seconds.items()
    }
    for name, ratio in ratios.items():
        step = np.median(seconds[name]) / len(xs) * 1e6
        run.say(f"{name}: {ratio:.2f}× as fast as {PEER}, {step:.1f} µs a step")
    readout = float(np.median(np.divide(solved[PEER], solved[DENSE])))
    run.say(
        f"the readout is solved {readout:.2f}× as fast; states differ by {apart:.1e}"
    )
    title = f"{options.features} units, {len(xs)} steps"
    run.figure(_bars, "race", seconds, len(xs), title=title)
    rounds = {"states": seconds, "readout": solved}
    run.write("race.json", json.dumps(rounds) + "\n")
    return run.finish(
        data=f"{len(xs)} uniform inputs, float64, density {options.density:g}",
        metric=f"times as fast as {PEER}, states of {options.features} units",
        lower_is_better=False,
        score=max(ratios.values()),
        baseline=1.0,
        baseline_name=PEER,
        ratios=ratios,
        readout=readout,
        apart=apart,
    )


def _bars(path: Any, seconds: dict[str, list[float]], steps: int, *, title: str) -> Any:
    figure, grid = canvas(1, 1, (7, 3.5))
    axes = grid[0, 0]
    for i, (name, each) in enumerate(seconds.items()):
        micro = np.array(each) / steps * 1e6
        axes.barh(i, np.median(micro), color="C0" if name != PEER else "0.6")
        axes.plot(micro, [i] * len(micro), "k.", ms=4)
    axes.set_yticks(range(len(seconds)), list(seconds))
    axes.set_xlim(0)
    label_axes(axes, "time of a step (µs; bar: median, points: rounds)", "")
    return write(figure, path, title)
