"""The laws that every layer keeps, for layers of seqjax and for anyone's.

One line proves a cell, in float64 and on random, ragged data::

    from seqjax.testing import check_cell

    check_cell(MyCell(4))

The tests of seqjax run the same laws over its own layers.
"""

from seqjax import Cell, Layer
from seqjax.testing.comparison import LawError
from seqjax.testing.data import complete
from seqjax.testing.laws import LAWS
from seqjax.testing.registry import Law

__all__ = ["LAWS", "Law", "LawError", "check_cell", "check_layer", "complete"]


def check_layer(layer: Layer, in_features: int = 3) -> None:
    """Checks every law that is about a layer; it takes some seconds.

    Every mask is tried with every pattern of resets, in both directions, and every
    parameter is moved, so choose a layer of few features: four will do.

    Args:
      layer: any layer. If its parameters need more than `init` draws, such as a memory
        to attend to, register a function that adds it with `complete`.
      in_features: the width of the inputs to try it on, better not that of the layer.

    Raises:
      LawError: the layer breaks a law. The message names the law, the case (mask,
        resets, direction, gradient), the place and the size of the difference.
      TypeError: what is given is not a layer.

    Example:
      >>> from seqjax import Readout
      >>> check_layer(Readout(2))
    """
    _require(layer, Layer, "check_layer")
    for law in LAWS.values():
        law(layer, in_features)


def check_cell(cell: Cell, in_features: int = 3) -> None:
    """Checks every law that is about a cell; see `check_layer`.

    Args:
      cell: any cell, of few features: ``check_cell(MyCell(4))``.
      in_features: the width of the inputs to try it on, better not that of the cell.

    Raises:
      LawError: the cell breaks a law.
      TypeError: what is given is not a cell.
    """
    _require(cell, Cell, "check_cell")
    check_layer(cell, in_features)


def _require(layer: Layer, kind: type, name: str) -> None:
    if isinstance(layer, type):
        raise TypeError(f"{name} takes a layer, {layer.__name__}(4), not its class")
    if not isinstance(layer, kind):
        raise TypeError(
            f"{name} takes an instance of seqjax.{kind.__name__}, not {layer!r}"
        )
