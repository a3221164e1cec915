"""Flax linen: nn.RNN over its cells, whose parameters stand gate by gate."""

import flax.linen as nn
import jax.numpy as jnp

from experiments.speed.cases import Case, Weights
from experiments.speed.peers import Runner, _jax, _ours
from seqjax.bridges import linen

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
    pairs = enumerate(_ours.pairs(case, weights))
    return {f"layers_{first + i}": linen.to_params(*pair) for i, pair in pairs}
