"""Keras 3 on JAX: its layers called without state under jax.jit, batch-major."""

import jax.numpy as jnp
import keras

from experiments.speed.cases import Case, Weights
from experiments.speed.peers import Runner, _jax, _ours
from seqjax.bridges import keras as bridge

PACKAGES = ("keras", "jax", "jaxlib")
LAYERS = {
    "lstm": keras.layers.LSTM,
    "gru": keras.layers.GRU,  # reset_after=True is its default
    "elman": keras.layers.SimpleRNN,
}


def sequence(case: Case) -> Runner:
    """Outputs or gradient; ragged rows by a mask."""
    model = keras.Sequential([_layer(case) for _ in range(case.network.layers)])
    model.build((case.B, case.T, case.n_in))
    rest = [variable.value for variable in model.non_trainable_variables]

    def apply(params, xs, mask):
        return model.stateless_call(params, rest, xs, mask=mask)[0]

    return _jax.sequence(case, lambda w: _params(case, w), apply, batch_major=True)


def streaming(case: Case) -> Runner:
    """A step of the cell a call."""
    cell = keras.layers.LSTMCell(case.H)
    cell.build((case.B, case.n_in))
    rest = [variable.value for variable in cell.non_trainable_variables]
    zero = jnp.zeros((case.B, case.H))

    def step(params, state, x):
        (y, state), _ = cell.stateless_call(params, rest, x, state)
        return state, y

    return _jax.streaming(case, lambda w: _params(case, w), step, [zero, zero])


def _layer(case: Case) -> keras.Layer:
    layer = LAYERS[case.network.cell](case.H, return_sequences=True)
    return keras.layers.Bidirectional(layer) if case.network.directions == 2 else layer


def _params(case: Case, weights: Weights):
    pairs = _ours.pairs(case, weights)
    return [array for pair in pairs for array in bridge.to_weights(*pair)]
