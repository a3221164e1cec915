"""Flax nnx: nnx.RNN over its cells, split from their parameters outside of jit."""

import jax
import jax.numpy as jnp
from flax import nnx

from experiments.speed.cases import Case, Weights
from experiments.speed.peers import Runner, _jax, _ours
from seqjax.bridges import nnx as bridge

PACKAGES = ("flax", "jax", "jaxlib")
CELLS = {
    "lstm": nnx.OptimizedLSTMCell,
    "gru": nnx.GRUCell,  # without the bias inside the reset
    "elman": nnx.SimpleCell,
}


def sequence(case: Case) -> Runner:
    """Outputs or gradient; lengths change no output of nnx.RNN, so it runs padded."""
    model = _functional(nnx.Sequential(*(_layer(case, n) for n in case.widths)))

    def convert(weights):
        return {"layers": _layers(case, weights)}

    def apply(params, xs, mask):
        del mask
        return model(params, xs)

    note = "padded" if case.network.ragged else ""
    return _jax.sequence(case, convert, apply, note=note)


def streaming(case: Case) -> Runner:
    """A step of the cell a call."""
    cell = _functional(_cell(case, case.n_in))
    zero = jnp.zeros((case.B, case.H))
    return _jax.streaming(
        case, lambda weights: _layers(case, weights)[0]["cell"], cell, (zero, zero)
    )


def _functional(module: nnx.Module):
    """A module as a function of its parameters, a nested dict, and its inputs."""
    graph, params, rest = nnx.split(module, nnx.Param, ...)

    def apply(values, *inputs):
        state = jax.tree.map(lambda leaf: leaf, params)
        nnx.replace_by_pure_dict(state, values)
        return nnx.merge(graph, state, rest, copy=True)(*inputs)

    return apply


def _cell(case: Case, width: int) -> nnx.Module:
    return CELLS[case.network.cell](width, case.H, rngs=nnx.Rngs(0))


def _layer(case: Case, width: int) -> nnx.Module:
    def rnn():
        return nnx.RNN(_cell(case, width), time_major=True)

    if case.network.directions == 2:
        return nnx.Bidirectional(rnn(), rnn(), time_major=True)
    return rnn()


def _layers(case: Case, weights: Weights):
    pairs = enumerate(_ours.pairs(case, weights))
    return {i: bridge.to_params(*pair) for i, pair in pairs}
