"""seqjax: recurrent sequence models as pure functions in JAX."""

from seqjax.cell import Cell, LinearCell
from seqjax.cells import (
    CELLS,
    GRU,
    LSTM,
    EchoState,
    Elman,
    GRUResetAfter,
    PeepholeLSTM,
    SimplifiedGRU,
)
from seqjax.layer import Layer
from seqjax.layers import (
    Bidirectional,
    LearnedInitialCarry,
    LockedDropout,
    MixedPrecision,
    Readout,
    Residual,
    Reversed,
    Stack,
    Zoneout,
    random_carry,
)
from seqjax.linear import LinearStep
from seqjax.predict import load
from seqjax.version import __version__

__all__ = [
    "CELLS",
    "GRU",
    "LSTM",
    "Bidirectional",
    "Cell",
    "EchoState",
    "Elman",
    "GRUResetAfter",
    "Layer",
    "LearnedInitialCarry",
    "LinearCell",
    "LinearStep",
    "LockedDropout",
    "MixedPrecision",
    "PeepholeLSTM",
    "Readout",
    "Residual",
    "Reversed",
    "SimplifiedGRU",
    "Stack",
    "Zoneout",
    "__version__",
    "load",
    "random_carry",
]
