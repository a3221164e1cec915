"""Flax linen: `LSTMCell`, `OptimizedLSTMCell`, `GRUCell`, `MGUCell`, `SimpleCell`.

Each gate has kernels of its own, named by where they come from and by the gate; an
LSTM's biases stand by the state's part, the others' by the input's. `MGUCell` is two
cells of ours: with its reset gate a `GRUResetAfter` whose gates r and z are equal
(nothing keeps them so in training, and it comes back as a `GRUCell`); without, a
`SimplifiedGRU` whose gate changes sign, for theirs keeps the state and ours takes the
candidate. A carry of an LSTM is (c, h) there and (h, c) here.
"""

from collections.abc import Mapping
from typing import Any

from seqjax.bridges._common import (
    Array,
    BridgeError,
    Pair,
    both_directions,
    columns,
    directions_of,
    floating,
    layers_of,
    namespace,
    no_equivalent,
    plain_lstm,
    stacked,
)
from seqjax.bridges._flax import (
    activation_of,
    directed,
    goes_back,
    known_activation,
    only_concatenates,
    usual_functions,
)
from seqjax.cells import LSTM, Elman, GRUResetAfter, SimplifiedGRU
from seqjax.cells.elman import ElmanParams
from seqjax.cells.gru_reset_after import GRUResetAfterParams
from seqjax.cells.lstm import LSTMParams
from seqjax.cells.simplified_gru import SimplifiedGRUParams
from seqjax.extras import library
from seqjax.layer import Layer, Params
from seqjax.layers.bidirectional import Bidirectional, Reversed
from seqjax.layers.stack import Stack

CELLS = {
    LSTM: "OptimizedLSTMCell",
    GRUResetAfter: "GRUCell",
    SimplifiedGRU: "MGUCell",
    Elman: "SimpleCell",
}
NAMES = ("LSTMCell", *CELLS.values(), "RNN", "Bidirectional", "Sequential")
Tree = Mapping[str, Any]


def load(module: Any, variables: Tree) -> Pair:
    """Takes the weights of a module.

    Args:
      module: one of the cells, an `nn.RNN` of one, an `nn.Bidirectional` of two of
        these, or an `nn.Sequential` of any.
      variables: of the module, as `init` gives them: {"params": …}.

    Returns:
      (layer, params): a cell, a `Reversed`, a `Bidirectional` or a `Stack`; the arrays
      are the module's own, or put together from them.

    Raises:
      BridgeError: it is another module, or has options that no layer here has, or the
        variables are not its own.
    """
    try:
        return _load(library("flax.linen"), module, variables["params"])
    except KeyError as error:
        raise BridgeError(
            f"the variables are not those of the module: they lack {error}"
        ) from None


def export(layer: Layer, params: Params) -> tuple[Any, dict[str, Any]]:
    """Builds the module of a layer.

    Args:
      layer: an LSTM, a GRU with the reset after the product, a simplified GRU, an Elman
        cell; a `Reversed` one; a `Bidirectional` that concatenates two; or a `Stack`.
      params: of the layer.

    Returns:
      (module, variables): an `nn.RNN`, `nn.Bidirectional` or `nn.Sequential`, time
      first.

    Raises:
      BridgeError: Flax has no exact equivalent.
    """
    nn = library("flax.linen")
    theirs = to_params(layer, params)
    return _module(nn, layer, params), {"params": theirs}


def to_params(layer: Layer, params: Params) -> dict[str, Any]:
    """Gives the parameters as the module of `export` names them.

    Args:
      layer: see `export`.
      params: of the layer; arrays of NumPy or JAX.

    Returns:
      A nested dictionary of arrays of the same kind.

    Raises:
      BridgeError: Flax has no exact equivalent.
    """
    if type(layer) is Stack:
        pairs = layers_of(layer, params)
        return {f"layers_{i}": to_params(*pair) for i, pair in enumerate(pairs)}
    return directed(layer, params, _cell_params)


def _module(nn: Any, layer: Layer, params: Params) -> Any:
    if type(layer) is Stack:
        pairs = layers_of(layer, params)
        return nn.Sequential([_module(nn, *pair) for pair in pairs])
    if type(layer) is Bidirectional:
        pairs = directions_of(layer, params, "Flax")
        return nn.Bidirectional(
            *(_module(nn, *pair) for pair in pairs), time_major=True
        )
    reverse = type(layer) is Reversed
    cell = layer.layer if isinstance(layer, Reversed) else layer
    dtype = params.w_x.dtype
    options = {"features": cell.features, "param_dtype": dtype, "dtype": dtype}
    if isinstance(cell, SimplifiedGRU):
        options["reset_gate"] = False
    if isinstance(cell, Elman):
        options["activation_fn"] = getattr(nn, str(cell.activation))
    module = getattr(nn, CELLS[type(cell)])(**options)
    return nn.RNN(module, time_major=True, reverse=reverse, keep_order=reverse)


def _cell_params(cell: Layer, p: Any) -> dict[str, Any]:
    """The kernels and the biases of one cell, gate by gate."""
    if type(cell) not in CELLS:
        raise no_equivalent(cell, "Flax", [kind.__name__ for kind in CELLS])
    plain_lstm(cell, "Flax")
    if isinstance(cell, LSTM):
        return _gates("i", "ifgo", p.w_x) | _gates("h", "ifgo", p.w_h, p.b)
    if isinstance(cell, GRUResetAfter):
        inner = _gates("h", "rzn", p.w_h)
        inner["hn"]["bias"] = p.b_n
        return _gates("i", "rzn", p.w_x, p.b) | inner
    if isinstance(cell, SimplifiedGRU):
        w_x, w_h, b = map(first_negated, (p.w_x, p.w_h, p.b))
        return _gates("i", "fn", w_x, b) | _gates("h", "fn", w_h)
    known_activation(cell)
    return {"i": {"kernel": p.w_x, "bias": p.b}, "h": {"kernel": p.w_h}}


def _gates(side: str, gates: str, kernel: Array, bias: Array | None = None):
    xp = namespace(kernel)
    kernels = xp.split(kernel, len(gates), axis=1)
    tree = {side + g: {"kernel": w} for g, w in zip(gates, kernels, strict=True)}
    if bias is not None:
        for g, b in zip(gates, xp.split(bias, len(gates)), strict=True):
            tree[side + g]["bias"] = b
    return tree


def first_negated(a: Array) -> Array:
    """Changes the sign of the first of two gates' columns: of one that keeps."""
    xp = namespace(a)
    f, n = xp.split(a, 2, axis=-1)
    return xp.concatenate([-f, n], axis=-1)


def _load(nn: Any, module: Any, params: Tree) -> Pair:
    if isinstance(module, nn.Sequential):
        each = enumerate(module.layers)
        return stacked([_load(nn, one, params[f"layers_{i}"]) for i, one in each])
    if isinstance(module, nn.Bidirectional):
        only_concatenates(module, nn)
        names = ("forward_rnn", "backward_rnn")
        both = ((getattr(module, name), params[name]["cell"]) for name in names)
        return both_directions(*(_load_cell(nn, rnn.cell, p) for rnn, p in both))
    if isinstance(module, nn.RNN):
        back = goes_back(module)
        layer, p = _load_cell(nn, module.cell, params["cell"])
        return (Reversed(layer) if back else layer), p
    return _load_cell(nn, module, params)


def _load_cell(nn: Any, cell: Any, params: Tree) -> Pair:
    H = getattr(cell, "features", 0)
    if isinstance(cell, nn.SimpleCell):
        layer = Elman(H, activation=activation_of(cell, nn))
        i, h = params["i"], params["h"]
        return layer, ElmanParams(i["kernel"], h["kernel"], i["bias"])
    if not isinstance(
        cell, (nn.LSTMCell, nn.OptimizedLSTMCell, nn.GRUCell, nn.MGUCell)
    ):
        raise no_equivalent(cell, "seqjax", NAMES)
    usual_functions(cell, nn)
    if isinstance(cell, (nn.LSTMCell, nn.OptimizedLSTMCell)):
        w_x, w_h = _joined(params, "i", "ifgo"), _joined(params, "h", "ifgo")
        return LSTM(H), LSTMParams(w_x, w_h, _joined(params, "h", "ifgo", "bias"))
    gates = "rzn" if isinstance(cell, nn.GRUCell) else "fn"
    arrays = [_joined(params, *which) for which in (("i", gates), ("h", gates))]
    arrays += [_joined(params, "i", gates, "bias")]
    if gates == "fn" and not cell.reset_gate:
        return SimplifiedGRU(H), SimplifiedGRUParams(*map(first_negated, arrays))
    if gates == "fn":
        arrays = [columns(a, "fn", "ffn") for a in arrays]
    w_x, w_h, b = arrays
    return GRUResetAfter(H), GRUResetAfterParams(w_x, w_h, b, params["hn"]["bias"])


def _joined(params: Tree, side: str, gates: str, name: str = "kernel") -> Array:
    arrays = [floating(side + g, params[side + g][name]) for g in gates]
    return namespace(*arrays).concatenate(arrays, axis=-1)
