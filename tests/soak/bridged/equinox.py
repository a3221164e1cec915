"""Equinox: a cell under lax.scan, mapped over the rows."""

import equinox as eqx
import jax
import numpy as np

from seqjax.bridges.equinox import export, load
from soak.bridged import IN, H, at_last, drawn

__all__ = ["CASES", "DTYPE", "EXPORTS", "export", "load", "make", "run"]

DTYPE = "float64"
CASES = {
    "LSTMCell": (eqx.nn.LSTMCell, {}),
    "LSTMCell without bias": (eqx.nn.LSTMCell, {"use_bias": False}),
    "GRUCell": (eqx.nn.GRUCell, {}),
    "GRUCell without bias": (eqx.nn.GRUCell, {"use_bias": False}),
}
EXPORTS = {}


def make(case, rng):
    kind, options = CASES[case]
    cell = eqx.filter_eval_shape(kind, IN, H, key=jax.random.key(0), **options)
    return jax.tree.map(lambda leaf: drawn(rng, leaf.shape), cell)


def run(cell, xs, lengths):
    zero = np.zeros((xs.shape[1], H))
    lstm = isinstance(cell, eqx.nn.LSTMCell)

    def step(state, x):
        state = jax.vmap(cell)(x, state)
        return state, state

    _, states = jax.lax.scan(step, (zero, zero) if lstm else zero, xs)
    leaves = states if lstm else (states,)
    return np.asarray(leaves[0]), [at_last(leaf, lengths) for leaf in leaves]
