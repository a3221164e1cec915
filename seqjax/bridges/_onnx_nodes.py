"""A node of ONNX and a layer: gates, biases, peepholes, directions; see `onnx`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from seqjax.bridges._common import (
    Array,
    BridgeError,
    Pair,
    both_directions,
    columns,
    directions_of,
    folded,
    inner_bias,
    keeping,
    namespace,
    no_equivalent,
    shaped,
    taking,
    zeros,
)
from seqjax.cells import GRU, LSTM, Elman, GRUResetAfter, PeepholeLSTM
from seqjax.cells.elman import ElmanParams
from seqjax.cells.gru import GRUParams
from seqjax.cells.gru_reset_after import GRUResetAfterParams
from seqjax.cells.lstm import LSTMParams
from seqjax.cells.peephole_lstm import PeepholeLSTMParams
from seqjax.layer import Layer, Params
from seqjax.layers.bidirectional import Bidirectional, Reversed

CELLS = {
    LSTM: "LSTM",
    PeepholeLSTM: "LSTM",
    GRU: "GRU",
    GRUResetAfter: "GRU",
    Elman: "RNN",
}
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
ACTIVATIONS = {"Tanh": "tanh", "Relu": "relu", "Sigmoid": "sigmoid"}  # of an RNN
USUAL = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"]}
IOFC = "iofg"  # the operator's order, in our letters


class Node(NamedTuple):
    """One node: what it is, its attributes, and its weights."""

    op_type: str  # "LSTM", "GRU" or "RNN"
    attributes: dict[str, Any]
    tensors: dict[
        str, Array
    ]  # W, R, B and, with peepholes, P, as the operator names them


def from_node(
    op_type: str, tensors: Mapping[str, Array], attributes: Mapping[str, Any]
) -> Pair:
    """Takes the weights of a node.

    Args:
      op_type: "LSTM", "GRU" or "RNN".
      tensors: W [D, G·H, in], R [D, G·H, H], and perhaps B [D, 2·G·H] and P [D, 3·H],
        for D directions.
      attributes: of the node by name, with strings as str; those that are left out have
        the operator's defaults.

    Returns:
      (layer, params): a cell, a `Reversed` or a `Bidirectional`; arrays of the kind
      that is given.

    Raises:
      BridgeError: an attribute or a shape is such that no layer here is equivalent.
    """
    if op_type not in GATES:
        raise BridgeError(f"no recurrent operator of ONNX is {op_type!r}")
    direction = attributes.get("direction", "forward")
    D = {"forward": 1, "reverse": 1, "bidirectional": 2}.get(direction)
    if D is None:
        raise BridgeError(f"direction {direction!r} is none of the operator's")
    if not {"W", "R"} <= tensors.keys() <= {*"WRBP"}:
        raise BridgeError(f"a node has W and R, perhaps B and P, not {[*tensors]}")
    W, R = tensors["W"], tensors["R"]
    H, G = R.shape[-1], GATES[op_type]
    shapes = {"W": (D, G * H, W.shape[-1]), "R": (D, G * H, H)}
    shapes |= {"B": (D, 2 * G * H), "P": (D, 3 * H)}
    for name, array in tensors.items():
        shaped(name, array, shapes[name])
    if attributes.get("hidden_size", H) != H:
        raise BridgeError(
            f"hidden_size is {attributes['hidden_size']}, and R is of {H}"
        )
    if attributes.get("clip"):
        raise BridgeError("no cell here clips its gates' inputs (clip)")
    names = activations(op_type, attributes, D)
    each = [
        _cell(op_type, {k: a[d] for k, a in tensors.items()}, attributes, names[d])
        for d in range(D)
    ]
    if D == 2:
        return both_directions(*each)
    layer, params = each[0]
    return (Reversed(layer) if direction == "reverse" else layer), params


def activations(
    op_type: str, attributes: Mapping[str, Any], directions: int
) -> list[str]:
    """Returns our name of the activation of each direction of an RNN, or "".

    Raises:
      BridgeError: the activations are others than the cells here have.
    """
    names = attributes.get("activations")
    if op_type == "RNN":
        names = names or ["Tanh"] * directions
        if len(names) != directions or not set(names) <= ACTIVATIONS.keys():
            raise BridgeError(
                f"an RNN's activations must be one of {', '.join(ACTIVATIONS)} for "
                f"each direction, not {', '.join(names)}"
            )
        return [ACTIVATIONS[name] for name in names]
    if names and list(names) != USUAL[op_type] * directions:
        raise BridgeError(
            f"the activations of {op_type} here are {', '.join(USUAL[op_type])}, "
            f"not {', '.join(names)}"
        )
    return [""] * directions


def to_node(layer: Layer, params: Params, *, layout: int = 0) -> Node:
    """Gives the parameters as those of a node.

    Args:
      layer: an LSTM, coupled or with peepholes or neither, a GRU of either kind, an
        Elman cell of tanh, ReLU or sigmoid; a `Reversed` one; or a `Bidirectional` that
        concatenates two of one kind and width.
      params: of the layer; arrays of NumPy or JAX.
      layout: 0, or 1 for batch first.

    Returns:
      The node; its arrays are of the same kind.

    Raises:
      BridgeError: ONNX has no exact equivalent.
    """
    reverse = isinstance(layer, Reversed)
    inside = layer.layer if isinstance(layer, Reversed) else layer
    if reverse and type(inside) is Bidirectional:
        raise no_equivalent(layer, "ONNX", ["Reversed of a cell"])
    pairs = directions_of(inside, params, "ONNX")
    attributes = [_attributes(cell) for cell, _ in pairs]
    kinds = [
        (type(cell), {k: v for k, v in a.items() if k != "activations"})
        for a, (cell, _) in zip(attributes, pairs, strict=True)
    ]
    if kinds[0] != kinds[-1]:
        raise BridgeError(
            f"both directions of a node are of one kind and width, and here are "
            f"{pairs[0][0]} and {pairs[1][0]}"
        )
    direction = (
        "bidirectional" if len(pairs) > 1 else "reverse" if reverse else "forward"
    )
    together = {**attributes[0], "direction": direction, "layout": layout}
    if "activations" in together:
        together["activations"] = [a["activations"][0] for a in attributes]
    each = [_tensors(cell, p) for cell, p in pairs]
    xp = namespace(each[0]["W"])
    tensors = {name: xp.stack([one[name] for one in each]) for name in each[0]}
    return Node(CELLS[type(pairs[0][0])], together, tensors)


def _attributes(cell: Layer) -> dict[str, Any]:
    if type(cell) not in CELLS:
        raise no_equivalent(cell, "ONNX", [kind.__name__ for kind in CELLS])
    attributes: dict[str, Any] = {"hidden_size": cell.features}
    if isinstance(cell, LSTM):
        if cell.output_activation != "tanh":
            raise BridgeError(
                f"ONNX has no LSTM whose output_activation is "
                f"{cell.output_activation!r}"
            )
        attributes["input_forget"] = int(cell.coupled)
    elif isinstance(cell, (GRU, GRUResetAfter)):
        attributes["linear_before_reset"] = int(isinstance(cell, GRUResetAfter))
    elif isinstance(cell, Elman):
        theirs = {ours: name for name, ours in ACTIVATIONS.items()}
        if cell.activation not in theirs:
            raise BridgeError(
                f"no activation of ONNX is known to be {cell.activation!r}"
            )
        attributes["activations"] = [theirs[str(cell.activation)]]
    return attributes


def _tensors(cell: Layer, p: Any) -> dict[str, Array]:
    """The weights of one direction, by the names of the operator's inputs."""
    arrays = {"W": p.w_x, "R": p.w_h, "B": p.b}
    inner = zeros(p.b, *p.b.shape)
    if isinstance(cell, GRU):
        arrays = {name: keeping(a) for name, a in arrays.items()}
    elif isinstance(cell, GRUResetAfter):
        arrays = {name: columns(a, "rzn", "zrn") for name, a in arrays.items()}
        inner = inner_bias(p.b_n)
    elif isinstance(cell, LSTM) and cell.coupled:
        arrays = {name: _with_unused(a) for name, a in arrays.items()}
        inner = zeros(p.b, len(arrays["B"]))
    elif not isinstance(cell, Elman):
        arrays = {name: columns(a, "ifgo", IOFC) for name, a in arrays.items()}
    xp = namespace(p.b)
    tensors = {"W": arrays["W"].T, "R": arrays["R"].T}
    tensors["B"] = xp.concatenate([arrays["B"], inner])
    if isinstance(cell, PeepholeLSTM):
        tensors["P"] = xp.concatenate([p.p_i, p.p_o, p.p_f])
    return tensors


def _with_unused(a: Array) -> Array:
    """Columns i, g, o as i, o, f, c, with zeros for the gate that follows from i."""
    xp = namespace(a)
    i, g, o = xp.split(a, 3, axis=-1)
    return xp.concatenate([i, o, zeros(a, *i.shape), g], axis=-1)


def _cell(
    op_type: str,
    tensors: Mapping[str, Array],
    attributes: Mapping[str, Any],
    activation: str,
) -> Pair:
    """One direction."""
    w_x, w_h = tensors["W"].T, tensors["R"].T
    H, width = w_h.shape
    outer = inner = zeros(w_x, width)
    if "B" in tensors:
        outer, inner = tensors["B"][:width], tensors["B"][width:]
    if op_type == "RNN":
        return Elman(H, activation=activation), ElmanParams(w_x, w_h, outer + inner)
    if op_type == "GRU" and attributes.get("linear_before_reset", 0):
        b, b_n = folded(outer, inner)
        w_x, w_h, b = (columns(a, "zrn", "rzn") for a in (w_x, w_h, b))
        return GRUResetAfter(H), GRUResetAfterParams(w_x, w_h, b, b_n)
    arrays = (w_x, w_h, outer + inner)
    if op_type == "GRU":
        return GRU(H), GRUParams(*map(taking, arrays))
    coupled = bool(attributes.get("input_forget", 0))
    if "P" in tensors and coupled:
        raise BridgeError("no LSTM here has peepholes and coupled gates (input_forget)")
    arrays = (columns(a, IOFC, "igo" if coupled else "ifgo") for a in arrays)
    if "P" not in tensors:
        return LSTM(H, coupled=coupled), LSTMParams(*arrays)
    xp = namespace(tensors["P"])
    p_i, p_o, p_f = xp.split(tensors["P"], 3)
    return PeepholeLSTM(H), PeepholeLSTMParams(*arrays, p_i=p_i, p_f=p_f, p_o=p_o)
