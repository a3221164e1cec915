"""Flax nnx: `LSTMCell`, `OptimizedLSTMCell`, `GRUCell`, `SimpleCell`, in `RNN` and so
on.

Kernels and columns are ours; an LSTM's bias stands by the state's part, the others' by
the input's. `nnx.GRUCell` has no bias inside the reset: b_n is zero, and another one
cannot be exported. A carry of an LSTM is (c, h) there and (h, c) here.
"""

from typing import Any

import jax.core
import numpy as np

from seqjax.bridges._common import (
    Array,
    BridgeError,
    Pair,
    both_directions,
    directions_of,
    floating,
    layers_of,
    namespace,
    no_equivalent,
    plain_lstm,
    stacked,
    zeros,
)
from seqjax.bridges._flax import (
    activation_of,
    directed,
    goes_back,
    known_activation,
    only_concatenates,
    usual_functions,
)
from seqjax.cells import LSTM, Elman, GRUResetAfter
from seqjax.cells.elman import ElmanParams
from seqjax.cells.gru_reset_after import GRUResetAfterParams
from seqjax.cells.lstm import LSTMParams
from seqjax.extras import library
from seqjax.layer import Layer, Params
from seqjax.layers.bidirectional import Bidirectional, Reversed
from seqjax.layers.stack import Stack

CELLS = {LSTM: "OptimizedLSTMCell", GRUResetAfter: "GRUCell", Elman: "SimpleCell"}
NAMES = ("LSTMCell", *CELLS.values(), "RNN", "Bidirectional", "Sequential")


def load(module: Any) -> Pair:
    """Takes the weights of a module.

    Args:
      module: one of the cells, an `nnx.RNN` of one, an `nnx.Bidirectional` of two of
        these, or an `nnx.Sequential` of any.

    Returns:
      (layer, params): a cell, a `Reversed`, a `Bidirectional` or a `Stack`; arrays of
      JAX.

    Raises:
      BridgeError: it is another module, or has options that no layer here has.
    """
    nnx = library("flax.nnx")
    if isinstance(module, nnx.Sequential):
        return stacked([load(layer) for layer in module.layers])
    if isinstance(module, nnx.Bidirectional):
        only_concatenates(module, nnx)
        both = (module.forward_rnn, module.backward_rnn)
        return both_directions(*(_load_cell(nnx, rnn.cell) for rnn in both))
    if isinstance(module, nnx.RNN):
        layer, params = _load_cell(nnx, module.cell)
        return (Reversed(layer) if goes_back(module) else layer), params
    return _load_cell(nnx, module)


def export(layer: Layer, params: Params) -> Any:
    """Builds the module of a layer.

    Args:
      layer: an LSTM, a GRU with the reset after the product and b_n = 0, an Elman cell;
        a `Reversed` one; a `Bidirectional` that concatenates two; or a `Stack` of any.
      params: of the layer.

    Returns:
      An `nnx.RNN`, `nnx.Bidirectional` or `nnx.Sequential`, time first.

    Raises:
      BridgeError: nnx has no exact equivalent.
    """
    nnx = library("flax.nnx")
    values = to_params(layer, params)
    module = _module(nnx, layer, params)
    state = nnx.state(module, nnx.Param)
    nnx.replace_by_pure_dict(state, values)
    nnx.update(module, state)
    return module


def to_params(layer: Layer, params: Params) -> dict[Any, Any]:
    """Gives the parameters as a pure dictionary of the state of `export`'s module.

    Args:
      layer: see `export`.
      params: of the layer; arrays of NumPy or JAX. Of a traced b_n nobody can tell that
        it is zero; it is left out.

    Returns:
      A nested dictionary of arrays of the same kind, for `nnx.replace_by_pure_dict`.

    Raises:
      BridgeError: nnx has no exact equivalent.
    """
    if type(layer) is Stack:
        pairs = enumerate(layers_of(layer, params))
        return {"layers": {i: to_params(*pair) for i, pair in pairs}}
    return directed(layer, params, _cell_params)


def _module(nnx: Any, layer: Layer, params: Params) -> Any:
    if type(layer) is Stack:
        pairs = layers_of(layer, params)
        return nnx.Sequential(*(_module(nnx, *pair) for pair in pairs))
    if type(layer) is Bidirectional:
        pairs = directions_of(layer, params, "Flax")
        both = (_module(nnx, *pair) for pair in pairs)
        return nnx.Bidirectional(*both, time_major=True)
    reverse = type(layer) is Reversed
    cell = layer.layer if isinstance(layer, Reversed) else layer
    dtype = params.w_x.dtype
    options = {"param_dtype": dtype, "dtype": dtype, "rngs": nnx.Rngs(0)}
    if isinstance(cell, Elman):
        options["activation_fn"] = getattr(nnx, str(cell.activation))
    make = getattr(nnx, CELLS[type(cell)])
    module = make(len(params.w_x), cell.features, **options)
    return nnx.RNN(module, time_major=True, reverse=reverse, keep_order=reverse)


def _cell_params(cell: Layer, p: Any) -> dict[str, Any]:
    if type(cell) not in CELLS:
        raise no_equivalent(cell, "nnx", [kind.__name__ for kind in CELLS])
    plain_lstm(cell, "nnx")
    if isinstance(cell, Elman):
        known_activation(cell)
    if isinstance(cell, GRUResetAfter) and _surely_not_zero(p.b_n):
        raise BridgeError(
            "nnx.GRUCell has no bias inside the reset, and b_n is not zero here; "
            "linen's GRUCell has one"
        )
    tree = {"dense_i": {"kernel": p.w_x}, "dense_h": {"kernel": p.w_h}}
    tree["dense_h" if isinstance(cell, LSTM) else "dense_i"]["bias"] = p.b
    return tree


def _surely_not_zero(array: Array) -> bool:
    traced = isinstance(array, jax.core.Tracer)
    return not traced and bool(np.any(np.asarray(array)))


def _load_cell(nnx: Any, cell: Any) -> Pair:
    known = (nnx.LSTMCell, nnx.OptimizedLSTMCell, nnx.GRUCell, nnx.SimpleCell)
    if not isinstance(cell, known):
        raise no_equivalent(cell, "seqjax", NAMES)
    H = cell.hidden_features
    if isinstance(cell, nnx.SimpleCell):
        layer = Elman(H, activation=activation_of(cell, nnx))
        return layer, ElmanParams(*_dense(cell), _array(cell.dense_i.bias))
    usual_functions(cell, nnx)
    if isinstance(cell, nnx.LSTMCell):
        i, h = (
            [getattr(cell, side + gate) for gate in gates]
            for side, gates in (("i", ("i", "f_", "g", "o")), ("h", tuple("ifgo")))
        )
        w_x, w_h = (_joined(layer.kernel for layer in side) for side in (i, h))
        return LSTM(H), LSTMParams(w_x, w_h, _joined(layer.bias for layer in h))
    w_x, w_h = _dense(cell)
    if isinstance(cell, nnx.OptimizedLSTMCell):
        return LSTM(H), LSTMParams(w_x, w_h, _array(cell.dense_h.bias))
    b = _array(cell.dense_i.bias)
    return GRUResetAfter(H), GRUResetAfterParams(w_x, w_h, b, b_n=zeros(b, H))


def _dense(cell: Any) -> tuple[Array, Array]:
    return _array(cell.dense_i.kernel), _array(cell.dense_h.kernel)


def _array(param: Any) -> Array:
    return floating("a parameter", param[...])


def _joined(params: Any) -> Array:
    arrays = [_array(param) for param in params]
    return namespace(*arrays).concatenate(arrays, axis=-1)
