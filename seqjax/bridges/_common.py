"""What every bridge needs: depth and directions taken apart, columns in another order.

The functions work on NumPy's arrays and on JAX's, traced ones too, so that a gradient
in another library's layout comes home by `jax.vjp`.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.cells import LSTM
from seqjax.layer import Layer, Params
from seqjax.layers.bidirectional import Bidirectional, Directions
from seqjax.layers.stack import Stack

Array = Any
Pair = tuple[Layer, Params]  # a layer and its parameters


class BridgeError(ValueError):
    """There is no exact equivalent; the message is a sentence that says why."""


def namespace(*arrays: Array) -> Any:
    """Returns `jax.numpy` if any array is JAX's, else `numpy`."""
    return jnp if any(isinstance(a, jax.Array) for a in arrays) else np


def floating(name: str, array: Array) -> Array:
    """Returns an array if it holds floating point numbers.

    Args:
      name: of the array, for the message.
      array: any.

    Raises:
      BridgeError: it holds others.
    """
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise BridgeError(
            f"{name} holds {array.dtype}; weights are floating point numbers"
        )
    return array


def shaped(name: str, array: Array, shape: tuple[int, ...]) -> Array:
    """Returns an array of floating point numbers if it has the shape.

    Args:
      name: of the array, for the message.
      array: any.
      shape: that it must have.

    Raises:
      BridgeError: it has another, or another kind of numbers.
    """
    if tuple(array.shape) != shape:
        raise BridgeError(f"{name} must be {shape}, not {tuple(array.shape)}")
    return floating(name, array)


def columns(a: Array, have: str, want: str) -> Array:
    """Puts the gates on the last axis into another order, a letter each.

    Args:
      a: [..., G·H], the gates side by side.
      have: their order, such as "ifgo".
      want: the order of the result; a letter may come twice.
    """
    xp = namespace(a)
    parts = dict(zip(have, xp.split(a, len(have), axis=-1), strict=True))
    return xp.concatenate([parts[gate] for gate in want], axis=-1)


def keeping(a: Array) -> Array:
    """Turns columns r, u, c̃ of `GRU` into z, r, c̃ with z = 1 − Γu: a gate that keeps.

    σ(−a) is 1 − σ(a), so that u's columns change sign.
    """
    xp = namespace(a)
    r, u, c = xp.split(a, 3, axis=-1)
    return xp.concatenate([-u, r, c], axis=-1)


def taking(a: Array) -> Array:
    """Turns columns z, r, c̃, whose z keeps, into those of `GRU`: r, u, c̃."""
    xp = namespace(a)
    z, r, c = xp.split(a, 3, axis=-1)
    return xp.concatenate([r, -z, c], axis=-1)


def folded(outer: Array, inner: Array) -> tuple[Array, Array]:
    """Turns the two biases of a GRU with the reset after the product into ours.

    Args:
      outer: [3H], of the input's part; the candidate's columns are the last.
      inner: [3H], of the state's part.

    Returns:
      b [3H], the sum but for the candidate's, and b_n [H].
    """
    xp = namespace(outer, inner)
    H = inner.shape[0] // 3
    gates, b_n = inner[: 2 * H], inner[2 * H :]
    return outer + xp.concatenate([gates, zeros(gates, H)]), b_n


def inner_bias(b_n: Array) -> Array:
    """Returns the second bias [3H] of such a GRU: zero but for b_n [H]."""
    return namespace(b_n).concatenate([zeros(b_n, 2 * b_n.shape[0]), b_n])


def zeros(like: Array, *shape: int) -> Array:
    """Returns zeros of the dtype of `like`."""
    return namespace(like).zeros(shape, like.dtype)


def plain_lstm(layer: Layer, library: str) -> None:
    """Raises unless a cell is the plain LSTM, if it is an LSTM at all.

    Raises:
      BridgeError: its gates are coupled, or its output is not of tanh c.
    """
    if type(layer) is not LSTM:
        return
    if layer.coupled:
        raise BridgeError(
            f"{library} has no LSTM whose forget gate is 1 − its input gate "
            f"(coupled=True)"
        )
    if layer.output_activation != "tanh":
        raise BridgeError(
            f"{library}'s LSTM gives tanh c⟨t⟩ times its gate, and "
            f"output_activation is {layer.output_activation!r}"
        )


def no_equivalent(layer: Any, library: str, known: Any) -> BridgeError:
    """Returns the error for a layer, or a module, that has no counterpart.

    Args:
      layer: what was given.
      library: where it has none.
      known: names of what would do.
    """
    return BridgeError(
        f"{type(layer).__name__} has no exact equivalent in {library}; "
        f"what has one: {', '.join(known)}"
    )


def layers_of(layer: Layer, params: Params) -> list[Pair]:
    """Returns the layers from the input up; one, unless it is a `Stack`."""
    if type(layer) is not Stack:
        return [(layer, params)]
    each = zip(layer.layers, params, strict=True)
    return [pair for part, p in each for pair in layers_of(part, p)]


def directions_of(layer: Layer, params: Params, library: str) -> list[Pair]:
    """Returns the cells of both directions, or the one; merged by "concat".

    Raises:
      BridgeError: they are merged otherwise.
    """
    if type(layer) is not Bidirectional:
        return [(layer, params)]
    if layer.merge != "concat":
        raise BridgeError(
            f"{library} only concatenates two directions, and merge={layer.merge!r}"
        )
    return list(zip(layer.layers, params, strict=True))


def both_directions(forward: Pair, backward: Pair, merge: Any = "concat") -> Pair:
    """Returns the two as a `Bidirectional`."""
    same = forward[0] == backward[0]
    layer = Bidirectional(forward[0], None if same else backward[0], merge=merge)
    return layer, Directions(forward[1], backward[1])


def stacked(pairs: list[Pair]) -> Pair:
    """Returns layers on each other as a `Stack`; one alone as it is."""
    if len(pairs) == 1:
        return pairs[0]
    layers, params = zip(*pairs, strict=True)
    return Stack(layers), params


def kind_of(layer: Layer) -> str:
    """Returns a cell's class and the fields that change what it computes."""
    if not dataclasses.is_dataclass(layer):
        return repr(layer)
    drawn = ("bias", "chrono", "_init")
    fields = {
        field.name: getattr(layer, field.name)
        for field in dataclasses.fields(layer)
        if not field.name.endswith(drawn)
    }
    return f"{type(layer).__name__}({fields})"
