"""Haiku: its cores under hk.dynamic_unroll, which knows no lengths."""

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np

from seqjax import Elman, Stack
from seqjax.bridges import haiku
from seqjax.cells import GRU, LSTM
from soak.bridged import IN, H, at_last, drawn

__all__ = ["CASES", "DTYPE", "EXPORTS", "export", "load", "make", "run"]

DTYPE = "float64"
CASES = {
    "LSTM": lambda: hk.LSTM(H),
    "GRU": lambda: hk.GRU(H),
    "VanillaRNN": lambda: hk.VanillaRNN(H),
    "VanillaRNN of one bias": lambda: hk.VanillaRNN(H, double_bias=False),
    "DeepRNN": lambda: hk.DeepRNN([hk.LSTM(H), hk.LSTM(2), hk.LSTM(H)]),
}
EXPORTS = {"mixed": Stack((GRU(2), LSTM(3), Elman(2, activation="relu")))}


def pure(core):
    def network(xs):
        made = core()
        state = made.initial_state(xs.shape[1])
        return hk.dynamic_unroll(made, xs, state, return_all_states=True)

    return hk.without_apply_rng(hk.transform(network))


def make(case, rng):
    shapes = jax.eval_shape(
        pure(CASES[case]).init, jax.random.key(0), jnp.zeros((2, 1, IN))
    )
    return CASES[case], jax.tree.map(lambda leaf: drawn(rng, leaf.shape), shapes)


def load(theirs):
    return haiku.load(theirs[1])


export = haiku.export


def run(theirs, xs, lengths):
    core, params = theirs
    ys, states = pure(core).apply(params, xs)
    leaves = jax.tree.leaves(states)
    return np.asarray(ys), [at_last(leaf, lengths) for leaf in leaves]
