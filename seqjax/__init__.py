"""seqjax: recurrent sequence models as pure functions in JAX."""

from seqjax.bidirectional import Bidirectional
from seqjax.cells import CELLS
from seqjax.initial_state import LearnedStart, random_carry
from seqjax.layer import Cell, Layer
from seqjax.readout import Readout
from seqjax.stack import Residual, Stack
from seqjax.version import __version__

__all__ = [
    "CELLS",
    "Bidirectional",
    "Cell",
    "Layer",
    "LearnedStart",
    "Readout",
    "Residual",
    "Stack",
    "__version__",
    "random_carry",
]
