"""Haiku: the parameters of `hk.LSTM`, `hk.GRU` and `hk.VanillaRNN`, and of several.

Haiku's modules exist inside a transform only, so that a dictionary of parameters is
what is read. An LSTM's columns are i, g, f, o, and 1 is added to f at run time: b_f is
theirs plus 1, a sum that rounds, once in each direction. A GRU's are z, r, a, its reset
comes before the product, and z at 1 takes the candidate: our `GRU`. A vanilla RNN is of
ReLU and has two biases, of which ours is the sum; going out, b becomes the first, and
the second is zero.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from seqjax.bridges._common import (
    Array,
    BridgeError,
    Pair,
    columns,
    floating,
    layers_of,
    namespace,
    no_equivalent,
    plain_lstm,
    stacked,
    zeros,
)
from seqjax.cells import GRU, LSTM, Elman
from seqjax.cells.elman import ElmanParams
from seqjax.cells.gru import GRUParams
from seqjax.cells.lstm import LSTMParams
from seqjax.extras import library
from seqjax.layer import Layer, Params

CELLS = {LSTM: "lstm", GRU: "gru", Elman: "vanilla_rnn"}  # the modules' own names
LINEAR = re.compile(r"(.*)/(linear(?:_1)?)")
Tree = Mapping[str, Mapping[str, Array]]


def load(params: Tree) -> Pair:
    """Takes the weights of one core, or of several on each other.

    Args:
      params: of Haiku, as `init` gives them, such as {"lstm/linear": {"w": …, "b": …}};
        several cores are taken in the order of their names' numbers: lstm, lstm_1, ….

    Returns:
      (layer, params): a cell, or a `Stack` of several; arrays of the kind that is
      given.

    Raises:
      BridgeError: a module is none of the three, or the order of several is not in
        their names.
    """
    cores: dict[str, dict[str, Mapping[str, Array]]] = {}
    for name, arrays in params.items():
        found = LINEAR.fullmatch(name)
        core, part = found.groups() if found else (name, "")
        cores.setdefault(core, {})[part] = arrays
    numbered = sorted((_place(name), name) for name in cores)
    if not cores or len({stem for (stem, _), _ in numbered}) > 1:
        raise BridgeError(
            f"the order of the cores must be in their names, as in lstm, lstm_1; here "
            f"they are {', '.join(cores) or 'none'}"
        )
    return stacked([_cell(name, cores[name]) for _, name in numbered])


def export(layer: Layer, params: Params) -> tuple[Callable[[], Any], dict[str, Any]]:
    """Gives what builds the core of a layer, and its parameters.

    Args:
      layer: an LSTM, a GRU with the reset before the product, an Elman cell of ReLU, or
        a `Stack` of any one of them.
      params: of the layer.

    Returns:
      (core, params): call `core()` inside `hk.transform`, outside of any module, once.

    Raises:
      BridgeError: Haiku has no exact equivalent; both directions are two cores.
    """
    theirs = to_params(layer, params)
    names = _names(layer, params)

    def core() -> Any:
        hk = library("haiku", "test")
        kinds = {LSTM: hk.LSTM, GRU: hk.GRU, Elman: hk.VanillaRNN}
        cores = [
            kinds[type(cell)](cell.features, name=name)
            for name, (cell, _) in zip(names, layers_of(layer, params), strict=True)
        ]
        return cores[0] if len(cores) == 1 else hk.DeepRNN(cores)

    return core, theirs


def to_params(layer: Layer, params: Params, name: str | None = None) -> dict[str, Any]:
    """Gives the parameters by the names of Haiku's modules.

    Args:
      layer: see `export`.
      params: of the layer; arrays of NumPy or JAX.
      name: of the core; the next ones are NAME_1, NAME_2. None takes Haiku's own.

    Returns:
      Arrays of the same kind, such as {"lstm/linear": {"w": …, "b": …}}.

    Raises:
      BridgeError: Haiku has no exact equivalent.
    """
    tree = {}
    pairs = zip(_names(layer, params, name), layers_of(layer, params), strict=True)
    for core, (cell, p) in pairs:
        tree |= {core + end: arrays for end, arrays in _modules(cell, p).items()}
    return tree


def _names(layer: Layer, params: Params, name: str | None = None) -> list[str]:
    cells = [cell for cell, _ in layers_of(layer, params)]
    for cell in cells:
        if type(cell) not in CELLS:
            raise no_equivalent(cell, "Haiku", [kind.__name__ for kind in CELLS])
    stem = name or CELLS[type(cells[0])]
    if len({type(cell) for cell in cells}) > 1:
        stem = name or "layer"
    return [stem + (f"_{i}" if i else "") for i in range(len(cells))]


def _modules(cell: Layer, p: Any) -> dict[str, dict[str, Array]]:
    """The arrays of one core, by what follows its name."""
    if isinstance(cell, LSTM):
        plain_lstm(cell, "Haiku")
        w = columns(namespace(p.w_x).concatenate([p.w_x, p.w_h]), "ifgo", "igfo")
        return {"/linear": {"w": w, "b": columns(_less(p.b, 1), "ifgo", "igfo")}}
    if isinstance(cell, GRU):
        w_x, w_h, b = (columns(a, "ruc", "urc") for a in (p.w_x, p.w_h, p.b))
        return {"": {"w_i": w_x, "w_h": w_h, "b": b}}
    if getattr(cell, "activation", "") != "relu":
        raise BridgeError(
            f"Haiku's VanillaRNN is of ReLU, and the activation here is "
            f"{getattr(cell, 'activation', None)!r}"
        )
    inner = {"w": p.w_h, "b": zeros(p.b, cell.features)}
    return {"/linear": {"w": p.w_x, "b": p.b}, "/linear_1": inner}


def _less(b: Array, one: int) -> Array:
    """Subtracts a number from b_f, of columns i, f, g, o."""
    xp = namespace(b)
    i, f, g, o = xp.split(b, 4)
    return xp.concatenate([i, f - one, g, o])


def _cell(name: str, parts: Mapping[str, Mapping[str, Array]]) -> Pair:
    for arrays in parts.values():
        for array in arrays.values():
            floating(name, array)
    keys = {part: set(arrays) for part, arrays in parts.items()}
    if keys == {"": {"w_i", "w_h", "b"}}:
        theirs = parts[""]
        arrays = (columns(theirs[n], "urc", "ruc") for n in ("w_i", "w_h", "b"))
        return GRU(len(theirs["w_h"])), GRUParams(*arrays)
    if keys == {"linear": {"w", "b"}}:
        w, b = (columns(parts["linear"][n], "igfo", "ifgo") for n in ("w", "b"))
        H = len(b) // 4
        return LSTM(H), LSTMParams(w[:-H], w[-H:], _less(b, -1))
    if keys.keys() == {"linear", "linear_1"} and keys["linear"] == {"w", "b"}:
        outer, inner = parts["linear"], parts["linear_1"]
        H = len(inner["w"])
        b = outer["b"] + inner.get("b", zeros(outer["b"], H))
        return Elman(H, activation="relu"), ElmanParams(outer["w"], inner["w"], b)
    raise BridgeError(
        f"module {name!r} has the parameters of no hk.LSTM, hk.GRU or hk.VanillaRNN"
    )


def _place(name: str) -> tuple[str, int]:
    """A module's name without its number, and the number."""
    stem, _, number = name.rpartition("_")
    return (stem, int(number)) if stem and number.isdigit() else (name, 0)
