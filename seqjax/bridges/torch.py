"""PyTorch: `torch.nn.LSTM`, `GRU` and `RNN`, their cells, and their state dicts.

Gates stand in our order and kernels are transposed. PyTorch has two biases of each
gate, of which ours is the sum, rounded once; the last of the GRU's second acts inside
the reset and is `b_n`. Going out, b becomes `bias_ih`, whose gradient is that of b, and
`bias_hh` is zero but for `b_n`; fix it in training, or each b takes two steps.

What a module computes in `eval()` is taken: dropout between layers is left out.
`batch_first` only says how inputs lie; here time is first.
"""

import re
from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np

from seqjax.bridges._common import (
    Array,
    BridgeError,
    Pair,
    both_directions,
    directions_of,
    floating,
    folded,
    inner_bias,
    kind_of,
    layers_of,
    no_equivalent,
    plain_lstm,
    shaped,
    stacked,
    zeros,
)
from seqjax.cells import LSTM, Elman, GRUResetAfter, ProjectedLSTM
from seqjax.cells.elman import ElmanParams
from seqjax.cells.gru_reset_after import GRUResetAfterParams
from seqjax.cells.lstm import LSTMParams
from seqjax.cells.projected_lstm import ProjectedLSTMParams
from seqjax.extras import library
from seqjax.layer import Layer, Params

CELLS = {LSTM: "LSTM", ProjectedLSTM: "LSTM", GRUResetAfter: "GRU", Elman: "RNN"}
NAME = re.compile(r"(weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)(_l\d+)?(_reverse)?")
NAMES = [cell.__name__ for cell in CELLS]


def load(module: Any) -> Pair:
    """Takes the weights of a module.

    Args:
      module: `torch.nn.LSTM`, `GRU`, `RNN`, or one of the cells `LSTMCell`, `GRUCell`
        and `RNNCell`, with any of their options.

    Returns:
      (layer, params): a cell, a `Bidirectional`, or a `Stack` of either; arrays of
      NumPy, copies in the module's dtype.

    Raises:
      BridgeError: it is another module.
    """
    nn = library("torch.nn", "test")
    if not isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
        raise no_equivalent(module, "seqjax", ("LSTM", "GRU", "RNN", "their cells"))
    return from_state_dict(
        module.state_dict(), nonlinearity=getattr(module, "nonlinearity", "tanh")
    )


def from_state_dict(
    state: Mapping[str, Any], *, prefix: str = "", nonlinearity: str = "tanh"
) -> Pair:
    """Takes the weights out of a state dict, which says all but an RNN's nonlinearity.

    Args:
      state: arrays or tensors by name, as `module.state_dict()` has them.
      prefix: what precedes the names, such as "encoder.rnn."; others are left out.
      nonlinearity: "tanh" or "relu", of an RNN.

    Returns:
      (layer, params), as `load` does.

    Raises:
      BridgeError: a name, a shape or a dtype is not that of an LSTM, a GRU or an RNN.
    """
    names = {n.removeprefix(prefix): n for n in state if n.startswith(prefix)}
    for name in names:
        if not NAME.fullmatch(name):
            raise BridgeError(f"no LSTM, GRU or RNN has a parameter {name!r}")
    arrays = {name: _array(name, state[full]) for name, full in names.items()}
    ends = sorted({_end(name) for name in names}, key=_place)
    cells = {end: _cell(arrays, end, nonlinearity) for end in ends}
    depth = [end for end in ends if not end.endswith("_reverse")]
    if depth not in ([f"_l{i}" for i in range(len(depth))], [""]) or not depth:
        raise BridgeError(
            f"the state dict must have layers l0, l1, … after {prefix!r}, or one cell; "
            f"it has {', '.join(depth) or 'none'}"
        )
    return stacked(
        [
            both_directions(cells[end], cells[end + "_reverse"])
            if end + "_reverse" in cells
            else cells[end]
            for end in depth
        ]
    )


def export(layer: Layer, params: Params) -> Any:
    """Builds the module of a layer, in the dtype of its parameters.

    Args:
      layer: an LSTM, a projected LSTM, a GRU with the reset after the product, an Elman
        cell of tanh or ReLU; a `Bidirectional` that concatenates two of them; or a
        `Stack` of equal ones of either.
      params: of the layer.

    Returns:
      `torch.nn.LSTM`, `GRU` or `RNN`, time first.

    Raises:
      BridgeError: PyTorch has no exact equivalent.
    """
    torch = library("torch", "test")
    state = to_state_dict(layer, params)
    pairs = layers_of(layer, params)
    cell, p = directions_of(*pairs[0], "PyTorch")[0]
    options: dict[str, Any] = {
        "num_layers": len(pairs),
        "bidirectional": any(name.endswith("_reverse") for name in state),
    }
    hidden = cell.features
    if isinstance(cell, ProjectedLSTM):
        hidden, options["proj_size"] = len(p.w_p), cell.features
    if isinstance(cell, Elman):
        options["nonlinearity"] = cell.activation
    with torch.device("meta"):  # nothing is drawn
        module = getattr(torch.nn, CELLS[type(cell)])(len(p.w_x), hidden, **options)
    tensors = {name: _tensor(torch, array) for name, array in state.items()}
    module.load_state_dict(tensors, assign=True)
    return module


def to_state_dict(layer: Layer, params: Params) -> dict[str, Array]:
    """Gives the parameters as a module's state dict names them.

    Args:
      layer: see `export`.
      params: of the layer; arrays of NumPy or JAX.

    Returns:
      Arrays of the same kind by name, such as "weight_ih_l0_reverse".

    Raises:
      BridgeError: PyTorch has no exact equivalent.
    """
    walks = [directions_of(*pair, "PyTorch") for pair in layers_of(layer, params)]
    for cell, _ in (pair for walk in walks for pair in walk):
        _check(cell, like=walks[0][0][0])
    if len({len(walk) for walk in walks}) > 1:
        raise BridgeError("PyTorch's layers all have one direction, or all have two")
    return {
        name + end: array
        for i, walk in enumerate(walks)
        for end, (_, p) in zip((f"_l{i}", f"_l{i}_reverse"), walk, strict=False)
        for name, array in _tensors(p).items()
    }


def _check(cell: Layer, like: Layer) -> None:
    if type(cell) not in CELLS:
        raise no_equivalent(cell, "PyTorch", NAMES)
    plain_lstm(cell, "PyTorch")
    if isinstance(cell, Elman) and cell.activation not in ("tanh", "relu"):
        raise BridgeError(f"PyTorch's RNN has no activation {cell.activation!r}")
    if kind_of(cell) != kind_of(like):
        raise BridgeError(
            f"PyTorch's layers and directions are all of one kind and width, and here "
            f"are {kind_of(like)} and {kind_of(cell)}"
        )


def _tensors(p: Any) -> dict[str, Array]:
    """The parameters of one cell by PyTorch's names, without their end."""
    inner = inner_bias(p.b_n) if hasattr(p, "b_n") else zeros(p.b, *p.b.shape)
    arrays = {"weight_ih": p.w_x.T, "weight_hh": p.w_h.T}
    arrays |= {"bias_ih": p.b, "bias_hh": inner}
    return arrays | ({"weight_hr": p.w_p.T} if hasattr(p, "w_p") else {})


def _cell(arrays: Mapping[str, Array], end: str, nonlinearity: str) -> Pair:
    """One direction of one layer, whose names end like this."""
    for name in ("weight_ih", "weight_hh"):
        if name + end not in arrays:
            raise BridgeError(f"the state dict has no {name + end!r}")
    w_x, w_h = arrays["weight_ih" + end].T, arrays["weight_hh" + end].T
    w_r = arrays.get("weight_hr" + end)
    width, H = w_x.shape[1], len(w_h) if w_r is None else w_r.shape[1]
    shaped("weight_hh" + end, w_h.T, (width, len(w_h)))
    none = zeros(w_x, width)
    biases = [arrays.get(name + end, none) for name in ("bias_ih", "bias_hh")]
    outer, inner = (shaped("bias" + end, b, (width,)) for b in biases)
    if w_r is not None:
        shaped("weight_hr" + end, w_r, (len(w_h), H))
        shaped("weight_ih" + end, w_x.T, (4 * H, len(w_x)))
        cell = ProjectedLSTM(len(w_h), memory_features=H)
        return cell, ProjectedLSTMParams(w_x, w_h, outer + inner, w_r.T)
    if width == 4 * H:
        return LSTM(H), LSTMParams(w_x, w_h, outer + inner)
    if width == 3 * H:
        return GRUResetAfter(H), GRUResetAfterParams(w_x, w_h, *folded(outer, inner))
    if width == H and nonlinearity in ("tanh", "relu"):
        params = ElmanParams(w_x, w_h, outer + inner)
        return Elman(H, activation=nonlinearity), params
    raise BridgeError(
        f"weight_ih{end} has {width} rows at {H} units: an LSTM has 4 times as many "
        f"rows as units, a GRU 3 times, an RNN of tanh or relu as many"
    )


def _end(name: str) -> str:
    return name.removeprefix("_".join(name.split("_")[:2]))


def _place(end: str) -> tuple[int, bool]:
    return int("0" + "".join(filter(str.isdigit, end))), end.endswith("_reverse")


def _array(name: str, value: Any) -> Array:
    """A copy of a tensor as an array; other arrays stay as they are."""
    if not hasattr(value, "detach"):
        return floating(name, value)
    value = value.detach().cpu()
    if not value.is_floating_point() or value.is_quantized:
        raise BridgeError(f"{name} holds {value.dtype}; weights are floating point")
    torch = library("torch", "test")
    if value.dtype == torch.bfloat16:
        return value.view(torch.int16).numpy().view(ml_dtypes.bfloat16).copy()
    return value.numpy().copy()


def _tensor(torch: Any, array: Array) -> Any:
    array = np.array(array, order="C")
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)
