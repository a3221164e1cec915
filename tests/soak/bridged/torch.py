"""PyTorch: packed sequences through its modules."""

import numpy as np
import torch
from torch.nn.utils import rnn

from seqjax import Bidirectional, Stack
from seqjax.bridges.torch import export, load
from seqjax.cells import ProjectedLSTM
from soak.bridged import IN, H, drawn

__all__ = ["CASES", "DTYPE", "EXPORTS", "export", "load", "make", "run"]

DTYPE = "float64"
DEEP = {"num_layers": 2, "bidirectional": True}
CASES = {
    "LSTM": {},
    "LSTM deep both": DEEP,
    "LSTM without bias": {"bias": False, "batch_first": True},
    "LSTM projected": {"proj_size": 2},
    "LSTM projected deep both": {"proj_size": 2, **DEEP},
    "GRU": {},
    "GRU deep both": DEEP | {"batch_first": True},
    "GRU without bias": {"bias": False},
    "RNN": {},
    "RNN relu both": {"bidirectional": True, "nonlinearity": "relu"},
    "LSTMCell": {},
    "GRUCell": {},
    "RNNCell relu": {"nonlinearity": "relu"},
}
EXPORTS = {
    "three projected": Stack((ProjectedLSTM(3, memory_features=5),) * 3),
    "projected both": Bidirectional(ProjectedLSTM(2, memory_features=6)),
}


def make(case, rng):
    module = getattr(torch.nn, case.split()[0])(IN, H, **CASES[case]).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.from_numpy(drawn(rng, parameter.shape)))
    return module


@torch.no_grad()
def run(module, xs, lengths):
    xs = torch.from_numpy(xs)
    if isinstance(module, torch.nn.RNNCellBase):
        return _steps(module, xs, lengths)
    first = module.batch_first
    packed = rnn.pack_padded_sequence(
        xs.swapaxes(0, 1) if first else xs, lengths, first, enforce_sorted=False
    )
    ys, last = module(packed)
    ys = rnn.pad_packed_sequence(ys, total_length=len(xs))[0].numpy()
    last = last if isinstance(last, tuple) else (last,)
    return ys, [leaf.numpy() for walk in zip(*last, strict=True) for leaf in walk]


def _steps(cell, xs, lengths):
    after, state = [], None
    for x in xs:
        state = cell(x, state)
        after.append(state if isinstance(state, tuple) else (state,))
    leaves = [torch.stack(leaf).numpy() for leaf in zip(*after, strict=True)]
    rows = np.arange(len(lengths))
    return leaves[0], [leaf[lengths - 1, rows] for leaf in leaves]
