"""Equinox: a cell under lax.scan, mapped over the batch, as its documentation does."""

import equinox as eqx
import jax
import jax.numpy as jnp

from experiments.speed.cases import Case, CellWeights, Weights
from experiments.speed.peers import Runner, Unable, _jax

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
    return [
        [_cell(case.network.cell, direction) for direction in layer]
        for layer in weights[0]
    ]


def _cell(cell: str, direction: CellWeights) -> eqx.Module:
    width, H = len(direction.w_x), len(direction.w_h)
    empty = eqx.filter_eval_shape(CELLS[cell], width, H, key=jax.random.key(0))
    arrays = {
        "weight_ih": direction.w_x.T,
        "weight_hh": direction.w_h.T,
        "bias": direction.b,
    }
    if cell == "gru":
        arrays["bias_n"] = 0 * direction.b[:H]
    return eqx.tree_at(
        lambda module: [getattr(module, name) for name in arrays],
        empty,
        list(arrays.values()),
    )
