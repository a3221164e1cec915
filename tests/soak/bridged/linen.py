"""Flax linen: nn.RNN and what it is put into, with the lengths of rows."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from seqjax import Bidirectional, Elman, Reversed, Stack
from seqjax.bridges import linen
from seqjax.cells import LSTM, GRUResetAfter, SimplifiedGRU
from soak.bridged import IN, H, drawn, hidden_first

__all__ = ["CASES", "DTYPE", "EXPORTS", "export", "load", "make", "run"]

DTYPE = "float64"
PRECISE = {"param_dtype": jnp.float64}


def rnn(cell, **options):
    return nn.RNN(cell, time_major=True, **options)


CASES = {
    "LSTMCell": lambda: nn.LSTMCell(H, **PRECISE),
    "OptimizedLSTMCell": lambda: nn.OptimizedLSTMCell(H, **PRECISE),
    "GRUCell": lambda: nn.GRUCell(H, **PRECISE),
    "MGUCell": lambda: nn.MGUCell(H, **PRECISE),
    "MGUCell without reset": lambda: nn.MGUCell(H, reset_gate=False, **PRECISE),
    "SimpleCell": lambda: nn.SimpleCell(H, **PRECISE),
    "SimpleCell relu": lambda: nn.SimpleCell(H, activation_fn=nn.relu, **PRECISE),
    "RNN backwards": lambda: rnn(
        nn.LSTMCell(H, **PRECISE), reverse=True, keep_order=True
    ),
    "Bidirectional": lambda: nn.Bidirectional(
        rnn(nn.GRUCell(H, **PRECISE)), rnn(nn.SimpleCell(2, **PRECISE)), time_major=True
    ),
    "Sequential": lambda: nn.Sequential(
        [
            rnn(nn.MGUCell(2, **PRECISE)),
            nn.Bidirectional(
                *(rnn(nn.OptimizedLSTMCell(H, **PRECISE)) for _ in range(2)),
                time_major=True,
            ),
        ]
    ),
}
EXPORTS = {
    "nested": Stack(
        (
            Bidirectional(SimplifiedGRU(2), Elman(3, activation="sigmoid")),
            Reversed(GRUResetAfter(3)),
            LSTM(2),
        )
    ),
}


def make(case, rng):
    module = CASES[case]()
    xs = jnp.zeros((2, 1, IN))
    given = (xs,)
    if isinstance(module, nn.RNNCellBase):
        given = (module.initialize_carry(jax.random.key(0), xs[0].shape), xs[0])
    shapes = jax.eval_shape(module.init, jax.random.key(0), *given)
    return module, jax.tree.map(
        lambda leaf: jnp.asarray(drawn(rng, leaf.shape)), shapes
    )


def load(theirs):
    return linen.load(*theirs)


export = linen.export


def run(theirs, xs, lengths):
    module, variables = theirs
    params = variables["params"]
    if isinstance(module, nn.RNNCellBase):
        module, params = rnn(module), {"cell": params}
    parts = [(module, params)]
    if isinstance(module, nn.Sequential):
        each = enumerate(module.layers)
        parts = [(part, params[f"layers_{i}"]) for i, part in each]
    states = []
    for part, own in parts:
        carry, xs = part.apply(
            {"params": own}, xs, seq_lengths=lengths, return_carry=True
        )
        both = carry if isinstance(part, nn.Bidirectional) else (carry,)
        states += [leaf for one in both for leaf in hidden_first(one)]
    return np.asarray(xs), states
