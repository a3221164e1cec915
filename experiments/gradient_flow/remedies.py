"""What helps against gradients that vanish or explode, each by its gradient by lag."""

import copy
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from experiments.gradient_flow.data import Symbols, Windows, split_symbols
from experiments.gradient_flow.model import loss_of, make_network, norms_by_lag
from experiments.shared.layers import stacked
from experiments.shared.run import Run
from seqjax import train
from seqjax.inspect.lags import geometric_mean

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


def by_lag(
    options: Any, kinds: int, symbols: np.ndarray
) -> Mapping[str, Mapping[str, list[float]]]:
    """Returns panels of lines: gradients by lag of each remedy at initialisation."""

    def norms(cell):
        network = make_network(stacked(cell, options.features), kinds)
        seeds = range(options.seed, options.seed + options.seeds)
        drawn = (network.init(jax.random.key(seed), kinds) for seed in seeds)
        each = [norms_by_lag(network, params, symbols) for params in drawn]
        return geometric_mean(np.array(each).T).tolist()

    return {
        "initialisation of the recurrent kernel": {
            name: norms(cell) for name, cell in INITIALISATIONS.items()
        },
        "gates, their bias, and a reservoir": {
            name: norms(cell) for name, cell in GATES.items()
        },
    }


UNSTABLE = {"optimizer": "sgd", "schedule": "constant", "learning_rate": 1.0}
CLIP_NORM, DISTANCE, STEPS = 1.0, 40, 300


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
    histories = {}
    for name, norm in {
        f"clipped to {CLIP_NORM:g}": CLIP_NORM,
        "not clipped": 0.0,
    }.items():
        own = copy.copy(options)
        vars(own).update(UNSTABLE, clip_norm=norm, quiet=True, resume=False)
        own.steps = min(options.steps, STEPS)
        run = Run("gradient_flow", own, folder / f"clip_norm_{norm:g}")
        run.folder.mkdir(parents=True, exist_ok=True)
        layer = stacked(INITIALISATIONS["ReLU, spectral radius 2.5"], options.features)
        network = make_network(layer, symbols.count)
        params = network.init(run.key, symbols.count)
        ids = split_symbols(symbols)[0]
        data = Windows(ids, DISTANCE, options.batch_size, options.seed)
        try:
            run.fit(
                network,
                params,
                data,
                loss_of(network),
                lambda _: {"valid": 0.0},
                unit="nats per sequence",
            )
        except train.NonFinite as error:
            name = f"{name}: {str(error).split(';')[0]}"
        lines = (run.folder / "metrics.jsonl").read_text("utf-8").splitlines()
        histories[name] = [json.loads(line) for line in lines]
    return histories
