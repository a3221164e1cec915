"""A reservoir, its readout solved with a penalty that was chosen, and its errors."""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from experiments.echo_state.data import Signal
from experiments.shared.errors import UsageError
from experiments.shared.ranges import numbers
from seqjax import Layer, metrics
from seqjax.data import Source
from seqjax.layers import FeedbackCarry, ReadoutParams
from seqjax.models import Tagger
from seqjax.predict import SeriesPredictor
from seqjax.predict.series import go_on
from seqjax.train import ridge

BLOCKS, STARTS = 5, 10  # of cross-validation; forecasts that begin in a block
Array = jax.Array


class Plan(NamedTuple):
    """How a readout is solved and chosen."""

    learn: int  # steps to learn from, those of the washout counted
    washout: int  # steps that are left out, in which the first state is forgotten
    horizon: int  # of the forecasts that choose the penalty; 0: one step errors do
    penalties: tuple[float, ...]


class Solved(NamedTuple):
    """A readout, and how its penalty was chosen."""

    readout: ReadoutParams
    penalty: Array  # []
    errors: Array  # [K], mean squared error of what was held out, scaled


class Errors(NamedTuple):
    """Errors on the stretches to test on, in the units of the signal."""

    next: np.ndarray  # [B, ahead, m], one step ahead
    alone: np.ndarray | None  # [B, ahead, m], of a network that reads its own outputs


def signal_of(options: Any, source: Source) -> Signal:
    """The signal of a data set, with --tests and --horizon as the flags say.

    Raises:
      UsageError: no test reaches as far.
    """
    signal: Signal = source.examples.first(options.tests)
    if options.horizon is None:
        return signal
    ahead = signal.test_targets.shape[1] - signal.warm if signal.closed else 0
    if options.horizon > ahead:
        raise UsageError(
            f"--horizon: {options.horizon} steps are more than the {ahead} that can be "
            f"scored of {source.name}"
        )
    return signal._replace(horizon=options.horizon)


def plan_of(options: Any, signal: Signal) -> Plan:
    """What the flags ask for, if the signal has it.

    Raises:
      UsageError: it is too short for the washout.
    """
    learn = min(options.learn, len(signal.inputs))
    needed = options.washout + BLOCKS * (max(signal.horizon, 1) + STARTS)
    if learn < needed:
        raise UsageError(
            f"--washout: {options.washout} steps of washout need {needed} steps to "
            f"learn from, and there are {learn}"
        )
    if options.washout > signal.warm:
        raise UsageError(
            f"--washout: {options.washout} steps are more than the {signal.warm} that "
            f"stand before each test"
        )
    return Plan(learn, options.washout, signal.horizon, _penalties(options))


def _penalties(options: Any) -> tuple[float, ...]:
    penalties = numbers(options, "penalties")
    if not penalties or min(penalties) < 0:
        raise UsageError("--penalties: name one or more numbers from 0 on")
    return tuple(penalties)


def scaled(signal: Signal, learn: int) -> tuple[Array, Array]:
    """The first steps of the signal as the network reads and writes them."""
    reads, writes = signal.scales
    xs, ys = reads.encode(signal.inputs[:learn]), writes.encode(signal.targets[:learn])
    return jnp.asarray(xs), jnp.asarray(ys)


@functools.partial(jax.jit, static_argnums=(0, 4))
def solve(layer: Layer, params: Any, xs: Array, ys: Array, plan: Plan) -> Solved:
    """Solves the readout of a layer, with the penalty that does best on blocks.

    Each of `BLOCKS` blocks in turn is held out. If the network is to run by itself, the
    penalty is chosen by its forecasts from `STARTS` places in what is held out, for one
    step errors say little about them; else by one step errors.

    Args:
      layer: causal; its outputs are read out.
      params: of the layer.
      xs: scaled inputs [T, n].
      ys: scaled targets [T, m].
      plan: how.
    """
    ys = ys[plan.washout :]
    states = layer.unroll(params, xs)[1][plan.washout :]
    length = len(ys) // BLOCKS
    cut = lambda a: a[: BLOCKS * length].reshape(BLOCKS, length, -1)  # noqa: E731
    blocks = lax.map(lambda pair: ridge.observe(*pair), (cut(states), cut(ys)))
    penalties = jnp.asarray(plan.penalties, ys.dtype)
    if plan.horizon:
        errors = _forecast_errors(layer, params, xs, cut(ys), blocks, plan)
    else:
        errors = ridge.cross_validate(blocks, penalties).errors
    best = jnp.argmin(errors)
    readout = ridge.solve(ridge.merge(blocks), penalties[best])
    return Solved(readout, penalties[best], errors)


def _forecast_errors(
    layer: Layer,
    params: Any,
    xs: Array,
    ys: Array,
    blocks: ridge.RidgeStatistics,
    plan: Plan,
) -> Array:
    """Mean squared errors [K] of forecasts in each block [B, L, m], by all others."""
    penalties, horizon = jnp.asarray(plan.penalties, ys.dtype), plan.horizon
    at = jnp.linspace(0, ys.shape[1] - horizon, STARTS).astype(int)
    first = jnp.arange(BLOCKS)[:, None] * ys.shape[1] + at  # of the targets
    warm = first[..., None] + 1 + jnp.arange(plan.washout)  # steps of the inputs
    inputs = jnp.moveaxis(xs[warm], 2, 0)  # [washout, B, STARTS, n]
    carry, last = layer.unroll(params, inputs)
    last = last[-1]
    right = jax.vmap(lambda y: y[at[:, None] + jnp.arange(horizon)])(ys)

    def of_block(block):
        others, carry, last, right = block
        path = ridge.solve_all(others, penalties)

        def of_penalty(readout):
            begin = FeedbackCarry(carry, last @ readout.w + readout.b)
            off = go_on(layer, params, readout, begin, horizon) - right.swapaxes(0, 1)
            return jnp.mean(jnp.nan_to_num(off**2, nan=jnp.inf))

        return jax.vmap(of_penalty)(path)

    others = ridge.leave_one_out(blocks)
    return lax.map(of_block, (others, carry, last, right)).mean(axis=0)


def predictor_of(
    layer: Layer, params: Any, readout: ReadoutParams, signal: Signal
) -> SeriesPredictor:
    """The model to ask: a `Tagger` whose readout was solved."""
    dense = {"kernel": readout.w, "bias": readout.b}
    variables = {"params": {"recurrent": {"layer": params}, "readout": dense}}
    model = Tagger(layer, len(readout.b))
    return SeriesPredictor(model, *signal.scales, variables=variables)


def errors_of(predictor: SeriesPredictor, signal: Signal) -> Errors:
    """The errors on the stretches to test on."""
    right = signal.test_targets[:, signal.warm :]
    found = predictor.predict(signal.test_inputs)[:, signal.warm :]
    if not signal.closed:
        return Errors(found - right, None)
    begin = signal.test_inputs[:, : signal.warm + 1]
    alone = predictor.forecast(begin, right.shape[1])
    return Errors(found - right, alone - right)


def nrmse(errors: np.ndarray, signal: Signal) -> float:
    """The NRMSE of errors, over the variance of the whole signal, as it is reported.

    Of several numbers a step, each is divided by its own deviation.
    """
    deviation = signal.targets.std(axis=0)
    return metrics.Nrmse.of(errors / deviation, _unit(signal)).result()


def _unit(signal: Signal) -> np.ndarray:
    targets = signal.targets
    return (targets - targets.mean(axis=0)) / targets.std(axis=0)


def score_of(errors: Errors, signal: Signal) -> float:
    """The score of a task: at the horizon where there is one, else one step ahead."""
    if signal.horizon and errors.alone is not None:
        return nrmse(errors.alone[:, signal.horizon - 1], signal)
    return nrmse(errors.next, signal)


def until(errors: Mapping[str, Errors], signal: Signal) -> dict[str, float]:
    """The NRMSE of all steps up to the horizon, of networks that run by themselves."""
    alone = {name: e.alone for name, e in errors.items() if e.alone is not None}
    steps = signal.horizon or None
    return {name: nrmse(off[:, :steps], signal) for name, off in alone.items()}


def repeated(signal: Signal) -> Errors:
    """Baseline: the last value that is known, once more."""
    right = signal.test_targets[:, signal.warm :]
    if not signal.closed:
        return Errors(signal.targets.mean(axis=0) - right, None)
    known = signal.test_inputs[:, signal.warm :]
    return Errors(known - right, known[:, :1] - right)
