"""Flax linen: nn.RNN over its cells, whose parameters stand gate by gate."""

import flax.linen as nn
import jax.numpy as jnp

from experiments.speed.cases import Case, CellWeights, Weights
from experiments.speed.peers import Runner, _jax

PACKAGES = ("flax", "jax", "jaxlib")
CELLS = {"lstm": nn.OptimizedLSTMCell, "gru": nn.GRUCell, "elman": nn.SimpleCell}


def sequence(case: Case) -> Runner:
    """Outputs or gradient; lengths change no output of nn.RNN, so it runs padded."""
    model = nn.Sequential([_layer(case) for _ in range(case.network.layers)])

    def apply(params, xs, mask):
        del mask
        return model.apply({"params": params}, xs)

    note = "padded" if case.network.ragged else ""
    return _jax.sequence(case, lambda weights: _layers(case, weights), apply, note=note)


def streaming(case: Case) -> Runner:
    """A step of the cell a call."""
    cell = CELLS[case.network.cell](case.H)
    zero = jnp.zeros((case.B, case.H))

    def step(params, state, x):
        return cell.apply({"params": params["layers_0"]["cell"]}, state, x)

    return _jax.streaming(case, lambda w: _layers(case, w), step, (zero, zero))


def language_model(case: Case) -> Runner:
    """nn.Embed, the layers, nn.Dense."""
    count = case.network.layers
    layers = [_layer(case) for _ in range(count)]
    model = nn.Sequential([nn.Embed(case.n_in, case.H), *layers, nn.Dense(case.n_in)])

    def convert(weights):
        return {
            "layers_0": {"embedding": weights.embedding},
            **_layers(case, weights, first=1),
            f"layers_{count + 1}": {"kernel": weights.w_y, "bias": weights.b_y},
        }

    def nats(params, tokens, targets):
        logits = model.apply({"params": params}, tokens)
        return _jax.cross_entropy(logits, targets)

    return _jax.language_model(case, convert, nats)


def _layer(case: Case) -> nn.Module:
    def rnn():
        return nn.RNN(CELLS[case.network.cell](case.H), time_major=True)

    if case.network.directions == 2:
        return nn.Bidirectional(rnn(), rnn(), time_major=True)
    return rnn()


def _layers(case: Case, weights: Weights, first: int = 0):
    def one(directions):
        cells = [
            {"cell": _cell(case.network.cell, direction)} for direction in directions
        ]
        both = dict(zip(("forward_rnn", "backward_rnn"), cells, strict=False))
        return both if len(cells) == 2 else cells[0]

    return {
        f"layers_{first + i}": one(directions)
        for i, directions in enumerate(weights.layers)
    }


def _cell(cell: str, direction: CellWeights):
    """Kernels named by where they come from and their gate; biases where it has them.

    An LSTM adds them to the state's part, the others to the input's.
    """
    gates = {"lstm": "ifgo", "gru": "rzn", "elman": " "}[cell]
    params = {}
    for side, kernel in (("i", direction.w_x), ("h", direction.w_h)):
        biased = side == ("h" if cell == "lstm" else "i")
        kernels = jnp.split(kernel, len(gates), axis=1)
        for gate, w, b in zip(
            gates, kernels, jnp.split(direction.b, len(gates)), strict=True
        ):
            bias = {"bias": b} if biased else {}
            params[f"{side}{gate}".strip()] = {"kernel": w, **bias}
    if cell == "gru":
        params["hn"]["bias"] = 0 * direction.b[: len(direction.w_h)]
    return params
