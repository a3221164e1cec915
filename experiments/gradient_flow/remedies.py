"""What helps against gradients that vanish or explode, each by its gradient by lag."""

import copy
import functools
import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from experiments.gradient_flow.data import ASKED, Symbols, Windows, split_symbols
from experiments.gradient_flow.model import (
    loss_of,
    make_network,
    norms_by_lag,
    share_recalled,
)
from experiments.shared.layers import stacked
from experiments.shared.run import Run
from seqjax import Stack, train
from seqjax.inspect.lags import geometric_mean
from seqjax.train import log

INITIALISATIONS = {
    "tanh, orthogonal": "elman",
    "tanh, Glorot": "elman(recurrent_init=Glorot())",
    "tanh, He": "elman(recurrent_init=He())",
    "ReLU, He": "elman(activation='relu', recurrent_init=He())",
    "ReLU, identity": "elman(activation='relu', recurrent_init=ScaledIdentity())",
    "ReLU, spectral radius 2.5": "elman(activation='relu', "
    "recurrent_init=Sparse(density=1.0, spectral_radius=2.5))",
}
GATES = {
    "Elman": "elman",
    "GRU": "gru",
    "GRU, chrono": "gru(chrono=200)",
    "LSTM, forget bias 0": "lstm(forget_bias=0.0)",
    "LSTM, forget bias 1": "lstm",
    "LSTM, forget bias 3": "lstm(forget_bias=3.0)",
    "LSTM, chrono": "lstm(chrono=200)",
    "echo state, leak 0.1": "echo_state(leak=0.1)",
    "echo state, spectral radius 1": "echo_state(spectral_radius=1.0)",
}
TRUNCATIONS = (
    ("ReLU, spectral radius 2.5", 10),
    ("ReLU, spectral radius 2.5", 40),
    ("LSTM, chrono", 10),
    ("LSTM, chrono", 40),
    ("LSTM, chrono", 100),
)


def by_lag(
    options: Any, kinds: int, symbols: np.ndarray
) -> Mapping[str, Mapping[str, list[float]]]:
    """Returns panels of lines: gradients by lag of each remedy at initialisation."""

    def norms(cell, reach=None):
        network = make_network(
            stacked(cell, options.features, dtype=options.dtype), kinds
        )
        seeds = range(options.seed, options.seed + options.seeds)
        drawn = (network.init(jax.random.key(seed), kinds) for seed in seeds)
        each = [norms_by_lag(network, params, symbols, reach) for params in drawn]
        return geometric_mean(np.array(each).T).tolist()

    return {
        "initialisation of the recurrent kernel": {
            name: norms(cell) for name, cell in INITIALISATIONS.items()
        },
        "gates, their bias, and a reservoir": {
            name: norms(cell) for name, cell in GATES.items()
        },
        "truncation: zero further back than k2": {
            f"{name}, k2 = {reach}": norms((INITIALISATIONS | GATES)[name], reach)
            for name, reach in TRUNCATIONS
        },
    }


DISTANCE = 40  # of the network that explodes
UNSTABLE = {
    "optimizer": "sgd",
    "schedule": "constant",
    "learning_rate": 1.0,
    "seeds": 1,
    "steps": 300,
}
CLIP_NORM = 1.0


def clipping(
    options: Any, symbols: Symbols, folder: pathlib.Path
) -> dict[str, list[dict[str, Any]]]:
    """Trains one network that explodes, with its gradients clipped and as they are.

    Args:
      options: the values of the flags.
      symbols: to learn from.
      folder: gets a folder for each of the two.

    Returns:
      The lines of metrics.jsonl by what was done; an unclipped run ends where its loss
      or a gradient is not finite.
    """
    histories, cell = {}, INITIALISATIONS["ReLU, spectral radius 2.5"]
    for name, norm in {
        f"clipped to {CLIP_NORM:g}": CLIP_NORM,
        "not clipped": 0.0,
    }.items():
        own, at = UNSTABLE | {"clip_norm": norm}, folder / f"clip_norm_{norm:g}"
        try:
            _fit(options, symbols, at, cell, DISTANCE, own)
        except train.NonFinite as error:
            name = f"{name}: {str(error).split(';')[0]}"
        histories[name] = log.read(at / "metrics.jsonl")
    return histories


FIRST_AT = 20  # steps before the end, of the symbol that truncated networks recall
REACHES = (2, 5, 10, 15, 19, 20)
RECALLS = "LSTM, forget bias 1"


def truncation(
    options: Any, symbols: Symbols, folder: pathlib.Path
) -> dict[int, list[float]]:
    """Trains a network that can recall, with gradients through fewer and fewer steps.

    All its weights are updated in all of these trainings, for all steps share them. But
    where k2 is below the distance, no gradient says how to take the symbol in.

    Args:
      options: the values of the flags.
      symbols: to learn from.
      folder: gets a folder for each k2.

    Returns:
      The shares of held-out first symbols recalled, by seed, for each k2.
    """
    test, recalled = split_symbols(symbols)[2], {}
    asked = Windows(test, FIRST_AT, ASKED, options.seed).stacked(0, 1)[0]
    for reach in REACHES:

        def one(seed, reach=reach):
            at, own = folder / f"k2_{reach}" / f"seed_{seed}", {"seed": seed}
            cell = GATES[RECALLS]
            network, params = _fit(options, symbols, at, cell, FIRST_AT, own, reach)
            return float(share_recalled(network, params, asked))

        seeds = range(options.seed, options.seed + options.seeds)
        calls = [functools.partial(one, seed) for seed in seeds]
        recalled[reach] = train.in_lockstep(calls)
    return recalled


def _fit(
    options: Any,
    symbols: Symbols,
    folder: pathlib.Path,
    cell: str,
    distance: int,
    changed: dict[str, Any],
    reach: int | None = None,
) -> tuple[Stack, Any]:
    """Trains a cell with some flags changed; the network, and its best parameters."""
    own = copy.copy(options)
    vars(own).update({"quiet": True, **changed})
    own.steps = min(own.steps, options.steps)
    run = Run("gradient_flow", own, folder)
    folder.mkdir(parents=True, exist_ok=True)
    network = make_network(stacked(cell, own.features, dtype=own.dtype), symbols.count)
    params = network.init(run.key, symbols.count)
    learn, valid, _ = split_symbols(symbols)
    asked = Windows(valid, distance, ASKED, own.seed).stacked(0, 1)[0]

    def evaluate(params):
        return {"valid": float(1 - share_recalled(network, params, asked))}

    data = Windows(learn, distance, own.batch_size, own.seed)
    loss = loss_of(network, reach)
    unit = "nats per sequence"
    result = run.fit(network, params, data, loss, evaluate, unit=unit)
    return network, result.params
