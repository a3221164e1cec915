"""Equinox: `eqx.nn.LSTMCell` and `eqx.nn.GRUCell`.

Gates stand in our order and kernels are transposed. Equinox has cells alone: depth and
directions are its user's loops, so that a `Stack` or a `Bidirectional` has to be
exported cell by cell.
"""

from typing import Any

import jax

from seqjax.bridges._common import (
    Pair,
    floating,
    no_equivalent,
    plain_lstm,
    zeros,
)
from seqjax.cells import LSTM, GRUResetAfter
from seqjax.cells.gru_reset_after import GRUResetAfterParams
from seqjax.cells.lstm import LSTMParams
from seqjax.extras import library
from seqjax.layer import Layer, Params


def load(module: Any) -> Pair:
    """Takes the weights of a cell.

    Args:
      module: an `LSTMCell` or a `GRUCell`, with biases or without.

    Returns:
      (layer, params): an LSTM, or a GRU with the reset after the product; arrays of the
      kind that the cell holds.

    Raises:
      BridgeError: it is another module.
    """
    eqx = library("equinox", "test")
    if not isinstance(module, (eqx.nn.LSTMCell, eqx.nn.GRUCell)):
        raise no_equivalent(module, "seqjax", ("LSTMCell", "GRUCell"))
    w_x, w_h = floating("weight_ih", module.weight_ih).T, module.weight_hh.T
    H = module.hidden_size
    b = zeros(w_x, w_x.shape[1]) if module.bias is None else module.bias
    if isinstance(module, eqx.nn.LSTMCell):
        return LSTM(H), LSTMParams(w_x, w_h, b)
    b_n = zeros(w_x, H) if module.bias_n is None else module.bias_n
    return GRUResetAfter(H), GRUResetAfterParams(w_x, w_h, b, b_n)


def export(layer: Layer, params: Params) -> Any:
    """Builds the cell of a cell.

    Args:
      layer: an LSTM, or a GRU with the reset after the product.
      params: of the layer; arrays of NumPy or JAX, also traced.

    Returns:
      An `eqx.nn.LSTMCell` or `eqx.nn.GRUCell` that holds arrays of the same kind.

    Raises:
      BridgeError: Equinox has no exact equivalent.
    """
    eqx = library("equinox", "test")
    kinds = {LSTM: eqx.nn.LSTMCell, GRUResetAfter: eqx.nn.GRUCell}
    if type(layer) not in kinds:
        raise no_equivalent(layer, "Equinox", [kind.__name__ for kind in kinds])
    if isinstance(layer, LSTM):
        plain_lstm(layer, "Equinox")
    arrays = {"weight_ih": params.w_x.T, "weight_hh": params.w_h.T, "bias": params.b}
    if isinstance(layer, GRUResetAfter):
        arrays["bias_n"] = params.b_n
    width, H = len(params.w_x), layer.features
    empty = eqx.filter_eval_shape(kinds[type(layer)], width, H, key=jax.random.key(0))
    return eqx.tree_at(
        lambda cell: [getattr(cell, name) for name in arrays],
        empty,
        list(arrays.values()),
    )
