"""What the bridges to Flax's linen and nnx share; `flax` is either module."""

from collections.abc import Callable
from typing import Any

from seqjax.bridges._common import BridgeError, directions_of
from seqjax.layer import Layer, Params
from seqjax.layers import Bidirectional, Reversed

ACTIVATIONS = ("tanh", "relu", "sigmoid")  # of a SimpleCell


def only_concatenates(module: Any, flax: Any) -> None:
    """Raises unless the two directions of a module are merged in the usual way.

    Raises:
      BridgeError: they are merged otherwise.
    """
    if module.merge_fn is not flax.Bidirectional.merge_fn:
        raise BridgeError("Bidirectional's merge_fn is not the one that concatenates")


def goes_back(module: Any) -> bool:
    """Tells whether an RNN of Flax goes from the last step to the first.

    Raises:
      BridgeError: it does, and returns its outputs in that order.
    """
    if module.reverse and not module.keep_order:
        raise BridgeError(
            "an RNN with reverse=True and keep_order=False returns the last step's "
            "output first; here outputs stay at the steps of their inputs (Reversed)"
        )
    return module.reverse


def usual_functions(cell: Any, flax: Any) -> None:
    """Raises unless a cell has the functions of the published equations.

    Raises:
      BridgeError: it has others.
    """
    if cell.gate_fn is not flax.sigmoid or cell.activation_fn is not flax.tanh:
        raise BridgeError(
            f"the gates here are of sigmoid and the rest of tanh; "
            f"{type(cell).__name__} has gate_fn or activation_fn of its own"
        )


def known_activation(cell: Any) -> None:
    """Raises unless an Elman cell's activation is the same function in Flax.

    Raises:
      BridgeError: it is not known to be.
    """
    name = cell.activation
    if name not in ACTIVATIONS:
        raise BridgeError(
            f"activation {name!r} is not known to be the same function in Flax; "
            f"{', '.join(ACTIVATIONS)} are"
        )


def activation_of(cell: Any, flax: Any) -> str:
    """Returns the name of a simple cell's activation.

    Raises:
      BridgeError: it is none that is known, or the cell is residual.
    """
    if cell.residual:
        raise BridgeError(
            "a SimpleCell with residual=True adds its state inside the activation"
        )
    for name in ACTIVATIONS:
        if cell.activation_fn is getattr(flax, name):
            return name
    raise BridgeError(f"SimpleCell's activation_fn is none of {', '.join(ACTIVATIONS)}")


def directed(
    layer: Layer, params: Params, cell_params: Callable[[Layer, Params], Any]
) -> dict[str, Any]:
    """The parameters of an RNN or a Bidirectional, which linen and nnx name alike."""
    if type(layer) is Bidirectional:
        names = ("forward_rnn", "backward_rnn")
        pairs = directions_of(layer, params, "Flax")
        cells = [{"cell": cell_params(*pair)} for pair in pairs]
        return dict(zip(names, cells, strict=True))
    cell = layer.layer if isinstance(layer, Reversed) else layer
    return {"cell": cell_params(cell, params)}
