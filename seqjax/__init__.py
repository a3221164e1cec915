"""seqjax: recurrent sequence models as pure functions in JAX."""

from seqjax.cells import CELLS
from seqjax.layer import Cell, Layer
from seqjax.layers import (
    Bidirectional,
    LearnedInitialCarry,
    Readout,
    Residual,
    Stack,
    random_carry,
)
from seqjax.predict import load
from seqjax.version import __version__

__all__ = [
    "CELLS",
    "Bidirectional",
    "Cell",
    "Layer",
    "LearnedInitialCarry",
    "Readout",
    "Residual",
    "Stack",
    "__version__",
    "load",
    "random_carry",
]
