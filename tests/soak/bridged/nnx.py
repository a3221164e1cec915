"""Flax nnx: nnx.RNN and what it is put into, with the lengths of rows."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from seqjax import Bidirectional, Elman, Reversed, Stack
from seqjax.bridges.nnx import export, load
from seqjax.cells import LSTM
from soak.bridged import IN, H, drawn, hidden_first

__all__ = ["CASES", "DTYPE", "EXPORTS", "export", "load", "make", "run"]

DTYPE = "float64"


def cell(name, width=IN, features=H, **options):
    dtypes = {"dtype": jnp.float64, "param_dtype": jnp.float64}
    return getattr(nnx, name)(width, features, rngs=nnx.Rngs(0), **dtypes, **options)


def rnn(*args, reverse=False, **options):
    return nnx.RNN(
        cell(*args, **options), time_major=True, reverse=reverse, keep_order=reverse
    )


CASES = {
    "LSTMCell": lambda: cell("LSTMCell"),
    "OptimizedLSTMCell": lambda: cell("OptimizedLSTMCell"),
    "GRUCell": lambda: cell("GRUCell"),
    "SimpleCell": lambda: cell("SimpleCell"),
    "SimpleCell relu": lambda: cell("SimpleCell", activation_fn=nnx.relu),
    "RNN backwards": lambda: rnn("GRUCell", reverse=True),
    "Bidirectional": lambda: nnx.Bidirectional(
        rnn("LSTMCell"), rnn("SimpleCell", features=2), time_major=True
    ),
    "Sequential": lambda: nnx.Sequential(
        nnx.Bidirectional(rnn("GRUCell"), rnn("GRUCell"), time_major=True),
        rnn("OptimizedLSTMCell", 2 * H, 2),
    ),
}
EXPORTS = {
    "nested": Stack((Reversed(LSTM(3)), Bidirectional(Elman(2)), LSTM(2))),
}


def make(case, rng):
    module = CASES[case]()
    state = nnx.state(module, nnx.Param)
    nnx.update(
        module, jax.tree.map(lambda leaf: jnp.asarray(drawn(rng, leaf.shape)), state)
    )
    return module


def run(module, xs, lengths):
    if not isinstance(module, (nnx.RNN, nnx.Bidirectional, nnx.Sequential)):
        module = nnx.RNN(module, time_major=True)
    parts = module.layers if isinstance(module, nnx.Sequential) else [module]
    states = []
    for part in parts:
        carry, xs = part(xs, seq_lengths=jnp.asarray(lengths), return_carry=True)
        both = carry if isinstance(part, nnx.Bidirectional) else (carry,)
        states += [leaf for one in both for leaf in hidden_first(one)]
    return np.asarray(xs), states
