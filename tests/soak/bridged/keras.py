"""Keras on JAX: masked rows through its layers, in float32: it computes no wider."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

from seqjax import Bidirectional, Elman
from seqjax.bridges.keras import export, load
from seqjax.cells import GRU
from soak.bridged import IN, H, drawn

__all__ = ["CASES", "DTYPE", "EXPORTS", "export", "load", "make", "run"]

DTYPE = "float32"
k = keras.layers
RUN = {"return_sequences": True}
CASES = {
    "LSTM": lambda: k.LSTM(H, **RUN),
    "LSTM without bias": lambda: k.LSTM(H, use_bias=False, **RUN),
    "GRU": lambda: k.GRU(H, **RUN),
    "GRU without bias": lambda: k.GRU(H, use_bias=False, **RUN),
    "GRU reset before": lambda: k.GRU(H, reset_after=False, **RUN),
    "SimpleRNN": lambda: k.SimpleRNN(H, **RUN),
    "SimpleRNN relu": lambda: k.SimpleRNN(H, activation="relu", **RUN),
    "Bidirectional LSTM": lambda: k.Bidirectional(k.LSTM(H, **RUN)),
    "Bidirectional GRU sum": lambda: k.Bidirectional(k.GRU(H, **RUN), "sum"),
    "Bidirectional GRU reset before ave": lambda: k.Bidirectional(
        k.GRU(H, reset_after=False, **RUN), "ave"
    ),
    "Sequential": lambda: keras.Sequential(
        [k.Bidirectional(k.GRU(H, **RUN)), k.Dropout(0.5), k.LSTM(2, **RUN)]
    ),
    "LSTMCell": lambda: k.RNN(k.LSTMCell(H), **RUN),
    "GRUCell": lambda: k.RNN(k.GRUCell(H), **RUN),
}
EXPORTS = {
    "sigmoid both": Bidirectional(Elman(H, activation="sigmoid"), merge="mean"),
    "gru both": Bidirectional(GRU(H)),
}


def make(case, rng):
    layer = CASES[case]()
    layer.build((None, None, IN))
    layer.set_weights([drawn(rng, w.shape, DTYPE) for w in layer.weights])
    return layer


def run(module, xs, lengths):
    mask = np.arange(len(xs)) < lengths[:, None]
    ys, states = np.swapaxes(xs, 0, 1), []
    layers = module.layers if isinstance(module, keras.Sequential) else [module]
    for layer in (one for one in layers if not isinstance(one, k.Dropout)):
        for part in (layer, *_directions(layer)):
            part.return_state = True
        ys, *last = layer(ys, mask=mask)
        states += last
    return np.swapaxes(np.asarray(ys), 0, 1), [np.asarray(s) for s in states]


def _directions(layer):
    both = isinstance(layer, k.Bidirectional)
    return (layer.forward_layer, layer.backward_layer) if both else ()
