"""Haiku: hk.dynamic_unroll over hk.LSTM. Its other cells are other functions."""

import haiku as hk
import jax.numpy as jnp

from experiments.speed.cases import Case, Weights
from experiments.speed.peers import Runner, Unable, _jax, _ours
from seqjax.bridges import haiku as bridge

PACKAGES = ("dm-haiku", "jax", "jaxlib")
OTHERS = {
    "gru": "its GRU resets before the product",
    "elman": "its vanilla RNN is of ReLU",
}


def sequence(case: Case) -> Runner:
    """Outputs or gradient; it knows no lengths, so it runs padded."""
    if case.network.cell in OTHERS:
        raise Unable(OTHERS[case.network.cell])

    def network(xs):
        for i in range(case.network.layers):
            ways = [_unroll(case, i, way, xs) for way in range(case.network.directions)]
            xs = jnp.concatenate(ways, axis=-1) if len(ways) > 1 else ways[0]
        return xs

    pure = hk.without_apply_rng(hk.transform(network))

    def apply(params, xs, mask):
        del mask
        return pure.apply(params, xs)

    note = "padded" if case.network.ragged else ""
    return _jax.sequence(case, lambda w: _params(case, w), apply, note=note)


def streaming(case: Case) -> Runner:
    """A step of the core a call."""
    pure = hk.without_apply_rng(
        hk.transform(lambda x, state: _core(case, 0, 0)(x, state))
    )
    zero = jnp.zeros((case.B, case.H))

    def step(params, state, x):
        y, state = pure.apply(params, x, state)
        return state, y

    state = hk.LSTMState(zero, zero)
    return _jax.streaming(case, lambda w: _params(case, w), step, state)


def _core(case: Case, i: int, way: int) -> hk.LSTM:
    return hk.LSTM(case.H, name=f"layer_{i}_{way}")


def _unroll(case: Case, i: int, way: int, xs):
    core = _core(case, i, way)
    state = core.initial_state(case.B)
    return hk.dynamic_unroll(core, xs, state, reverse=way == 1)[0]


def _params(case: Case, weights: Weights):
    return {
        name: arrays
        for i, layer in enumerate(weights.layers)
        for way, direction in enumerate(layer)
        for name, arrays in bridge.to_params(
            _ours.cell(case), _ours.cell_params(case, direction), f"layer_{i}_{way}"
        ).items()
    }
