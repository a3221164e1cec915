"""Equinox: a cell under lax.scan, mapped over the batch, as its documentation does."""

import equinox as eqx
import jax
import jax.numpy as jnp

from experiments.speed.cases import Case, Weights
from experiments.speed.peers import Runner, Unable, _jax, _ours
from seqjax.bridges import equinox as bridge

PACKAGES = ("equinox", "jax", "jaxlib")
CELLS = {"lstm": eqx.nn.LSTMCell, "gru": eqx.nn.GRUCell}


def sequence(case: Case) -> Runner:
    """Outputs or gradient; it knows no lengths, so it runs padded."""
    if case.network.cell not in CELLS:
        raise Unable("it has no Elman cell")

    def network(params, xs):
        for directions in params:
            ways = [
                _unroll(case, cell, xs, way == 1) for way, cell in enumerate(directions)
            ]
            xs = jnp.concatenate(ways, axis=-1) if len(ways) > 1 else ways[0]
        return xs

    def apply(params, xs, mask):
        del mask
        return jax.vmap(network, in_axes=(None, 0))(params, xs)

    note = "padded" if case.network.ragged else ""
    return _jax.sequence(case, lambda w: _cells(case, w), apply, True, note)


def streaming(case: Case) -> Runner:
    """A step of the cell a call, mapped over the batch."""
    zero = jnp.zeros((case.B, case.H))

    def step(params, state, x):
        state = jax.vmap(params[0][0])(x, state)
        return state, state[0]

    return _jax.streaming(case, lambda w: _cells(case, w), step, (zero, zero))


def _unroll(case: Case, cell: eqx.Module, xs, reverse: bool):
    zero = jnp.zeros(case.H)

    def lstm(state, x):
        state = cell(x, state)
        return state, state[0]

    def gru(state, x):
        state = cell(x, state)
        return state, state

    if case.network.cell == "lstm":
        return jax.lax.scan(lstm, (zero, zero), xs, reverse=reverse)[1]
    return jax.lax.scan(gru, zero, xs, reverse=reverse)[1]


def _cells(case: Case, weights: Weights):
    cell = _ours.cell(case)
    return [
        [bridge.export(cell, _ours.cell_params(case, one)) for one in directions]
        for directions in weights.layers
    ]
