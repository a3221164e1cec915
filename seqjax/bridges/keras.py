"""Keras 3: `LSTM`, `GRU` (both kinds), `SimpleRNN`, their cells, and what wraps them.

An LSTM's and a SimpleRNN's arrays are ours. A GRU's columns are z, r, n: with
`reset_after=True` it has two biases, of which ours is the sum (rounded once) but for
the last, `b_n`; with False its gate at 1 keeps the state and ours takes the candidate,
so that the columns of z change sign. Going out, the second bias is zero but for `b_n`;
fix it in training, or each b takes two steps.

What a layer computes in inference is taken, without dropout. `return_sequences` and
`return_state` say what is returned, not what is computed.
"""

from typing import Any

import numpy as np

from seqjax.bridges._common import (
    Array,
    BridgeError,
    Pair,
    both_directions,
    columns,
    floating,
    folded,
    inner_bias,
    keeping,
    layers_of,
    namespace,
    no_equivalent,
    plain_lstm,
    stacked,
    taking,
    zeros,
)
from seqjax.cells import GRU, LSTM, Elman, GRUResetAfter
from seqjax.cells.elman import ElmanParams
from seqjax.cells.gru import GRUParams
from seqjax.cells.gru_reset_after import GRUResetAfterParams
from seqjax.cells.lstm import LSTMParams
from seqjax.extras import library
from seqjax.layer import Layer, Params
from seqjax.layers.bidirectional import Bidirectional
from seqjax.layers.stack import Stack

CELLS = {LSTM: "LSTM", GRU: "GRU", GRUResetAfter: "GRU", Elman: "SimpleRNN"}
MERGES = {"concat": "concat", "sum": "sum", "ave": "mean"}  # theirs: ours
ACTIVATIONS = ("tanh", "relu", "sigmoid")  # of a SimpleRNN
NAMES = ("LSTM", "GRU", "SimpleRNN", "their cells", "Bidirectional", "Sequential")


def load(module: Any) -> Pair:
    """Takes the weights of a layer that is built.

    Args:
      module: `keras.layers.LSTM`, `GRU`, `SimpleRNN`, one of their cells, a
        `Bidirectional` of one, or a `keras.Sequential` of any of these.

    Returns:
      (layer, params): a cell, a `Bidirectional` or a `Stack`; arrays of NumPy, copies.

    Raises:
      BridgeError: it is another layer, or one with other activations, or it returns its
        outputs backwards, or it is not built.
    """
    keras = library("keras", "test")
    if isinstance(module, keras.Sequential):
        silent = (keras.layers.Masking, keras.layers.Dropout)
        layers = (one for one in module.layers if not isinstance(one, silent))
        return stacked([load(layer) for layer in layers])
    if isinstance(module, keras.layers.Bidirectional):
        if module.merge_mode not in MERGES:
            raise BridgeError(f"Bidirectional has no merge {module.merge_mode!r}")
        merge = MERGES[module.merge_mode]
        forward = _load(keras, module.forward_layer)
        return both_directions(forward, _load(keras, module.backward_layer), merge)
    if getattr(module, "go_backwards", False):
        raise BridgeError(
            "a Keras layer that goes backwards returns the last step's output first; "
            "here outputs stay at the steps of their inputs (Reversed)"
        )
    return _load(keras, module)


def export(layer: Layer, params: Params) -> Any:
    """Builds the layer of Keras, in the dtype of the parameters.

    Args:
      layer: an LSTM, a GRU of either kind, an Elman cell of tanh, ReLU or sigmoid; a
        `Bidirectional` of two of one kind and width; or a `Stack` of any.
      params: of the layer.

    Returns:
      A layer with `return_sequences=True`, or a `Sequential` of such; batch first.

    Raises:
      BridgeError: Keras has no exact equivalent.
    """
    keras = library("keras", "test")
    arrays = [np.asarray(array) for array in to_weights(layer, params)]
    if type(layer) is Stack:
        pairs = layers_of(layer, params)
        module = keras.Sequential([_built(keras, *pair) for pair in pairs])
    else:
        module = _built(keras, layer, params)
    module.build((None, None, len(arrays[0])))
    module.set_weights(arrays)
    return module


def to_weights(layer: Layer, params: Params) -> list[Array]:
    """Gives the parameters in the order and layout of `get_weights()`.

    Args:
      layer: see `export`.
      params: of the layer; arrays of NumPy or JAX.

    Raises:
      BridgeError: Keras has no exact equivalent.
    """
    if type(layer) is Stack:
        return [a for pair in layers_of(layer, params) for a in to_weights(*pair)]
    if type(layer) is Bidirectional:
        kinds = [_options(part) for part in layer.layers]
        if kinds[0] != kinds[1]:
            raise BridgeError(
                f"the directions of Keras' Bidirectional are of one kind and width, "
                f"and here are {layer.layers.forward} and {layer.layers.backward}"
            )
        each = zip(layer.layers, params, strict=True)
        return [a for pair in each for a in _weights(*pair)]
    return _weights(layer, params)


def _options(cell: Layer) -> tuple[str, dict[str, Any]]:
    """The name of a cell's layer in Keras, and what to build it with."""
    if type(cell) not in CELLS:
        raise no_equivalent(cell, "Keras", [kind.__name__ for kind in CELLS])
    options: dict[str, Any] = {"units": cell.features}
    if isinstance(cell, LSTM):
        plain_lstm(cell, "Keras")
    elif isinstance(cell, Elman):
        if cell.activation not in ACTIVATIONS:
            raise BridgeError(
                f"activation {cell.activation!r} is not known to be the same function "
                f"in Keras; {', '.join(ACTIVATIONS)} are"
            )
        options["activation"] = cell.activation
    else:
        options["reset_after"] = isinstance(cell, GRUResetAfter)
    return CELLS[type(cell)], options


def _built(keras: Any, layer: Layer, params: Params) -> Any:
    if type(layer) is Bidirectional:
        forward = _built(keras, layer.layers.forward, params.forward)
        theirs = {ours: name for name, ours in MERGES.items()}
        dtype = params.forward.w_x.dtype.name
        return keras.layers.Bidirectional(
            forward, merge_mode=theirs[layer.merge], dtype=dtype
        )
    name, options = _options(layer)
    make = getattr(keras.layers, name)
    return make(**options, return_sequences=True, dtype=params.w_x.dtype.name)


def _weights(cell: Layer, p: Any) -> list[Array]:
    name, _ = _options(cell)
    if name != "GRU":
        return [p.w_x, p.w_h, p.b]
    if isinstance(cell, GRU):
        return [keeping(a) for a in (p.w_x, p.w_h, p.b)]
    w_x, w_h, b = (columns(a, "rzn", "zrn") for a in (p.w_x, p.w_h, p.b))
    return [w_x, w_h, namespace(b).stack([b, inner_bias(p.b_n)])]


def _load(keras: Any, module: Any) -> Pair:
    """One direction: a cell, or the layer of one."""
    cell, layers = getattr(module, "cell", module), keras.layers
    if not isinstance(cell, (layers.LSTMCell, layers.GRUCell, layers.SimpleRNNCell)):
        raise no_equivalent(module, "seqjax", NAMES)
    if not cell.built:
        raise BridgeError("the Keras layer has no weights before it is built")
    activation = cell.activation.__name__
    if isinstance(cell, layers.SimpleRNNCell):
        if activation not in ACTIVATIONS:
            raise BridgeError(
                f"activation {activation!r} is not known to be the same function here; "
                f"{', '.join(ACTIVATIONS)} are"
            )
    elif (activation, cell.recurrent_activation.__name__) != ("tanh", "sigmoid"):
        raise BridgeError(
            f"the gates here are of sigmoid and the rest of tanh, and of "
            f"{cell.recurrent_activation.__name__} and {activation} there"
        )
    return _pair(cell, activation, *_arrays(cell))


def _arrays(cell: Any) -> tuple[Array, Array, Array]:
    """Copies of the kernels and of the bias, zero where there is none."""
    w_x = floating("kernel", _copy(cell.kernel))
    w_h, width = _copy(cell.recurrent_kernel), w_x.shape[1]
    if cell.bias is not None:
        return w_x, w_h, _copy(cell.bias)
    rows = (2,) if getattr(cell, "reset_after", False) else ()
    return w_x, w_h, zeros(w_x, *rows, width)


def _copy(variable: Any) -> Array:
    return np.array(variable.value)


def _pair(cell: Any, activation: str, w_x: Array, w_h: Array, b: Array) -> Pair:
    H = cell.units
    if not hasattr(cell, "reset_after"):
        if hasattr(cell, "recurrent_activation"):
            return LSTM(H), LSTMParams(w_x, w_h, b)
        return Elman(H, activation=activation), ElmanParams(w_x, w_h, b)
    if not cell.reset_after:
        return GRU(H), GRUParams(*map(taking, (w_x, w_h, b)))
    outer, b_n = folded(b[0], b[1])
    w_x, w_h, b = (columns(a, "zrn", "rzn") for a in (w_x, w_h, outer))
    return GRUResetAfter(H), GRUResetAfterParams(w_x, w_h, b, b_n)
