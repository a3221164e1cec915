"""Every state and gate of every cell, at every step."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.layer import Array, Carry, Layer, Params


class CellTrace(NamedTuple):
    """What one cell did; all leaves are zero where masked."""

    carry: Carry  # after each step, leaves [T, *batch, ...]
    gates: dict[str, Array]  # [T, *batch, units] each; see `Cell.gates`


class Trace(NamedTuple):
    """What `trace` returns."""

    carry: Carry  # after the last step
    outputs: Array  # [T, *batch, features]
    cells: dict[str, CellTrace]  # by the names of `cells_of`


def trace(
    layer: Layer,
    params: Params,
    xs: Array,
    carry: Carry | None = None,
    *,
    nudges: dict[str, Carry] | None = None,
    **options: Any,
) -> Trace:
    """Runs a layer as `Layer.unroll` does, and returns all that it computes.

    It may be jitted, mapped, and differentiated as gradient="plain" is.

    Args:
      layer: any layer; of attention, the weights and the carry of the layer inside are
        shown, but not that layer's gates.
      params: from `init`.
      xs: inputs [T, *batch, in].
      carry: the state before the first step.
      nudges: what to add to the carry after each step, by cell: trees like
        `CellTrace.carry`. The derivative by a nudge is that by the state.
      **options: mask, resets, reverse and dtype of `Layer.unroll`.

    Returns:
      The carry after the last step, the outputs, and every cell's states and gates.

    Example:
      >>> import jax
      >>> import jax.numpy as jnp
      >>> from seqjax import LSTM, Stack
      >>> deep = Stack((LSTM(3), LSTM(2)))
      >>> params = deep.init(jax.random.key(0), 4)
      >>> seen = trace(deep, params, jnp.ones((7, 5, 4)))
      >>> {name: cell.gates["f"].shape for name, cell in seen.cells.items()}
      {'0.LSTM': (7, 5, 3), '1.LSTM': (7, 5, 2)}
    """
    names = list(cells_of(layer))
    watch = _Recorder(iter([None if nudges is None else nudges[n] for n in names]))
    last, ys = layer.unroll(params, xs, carry, watch=watch, **options)
    return Trace(last, ys, dict(zip(names, watch.seen, strict=True)))


def cells_of(layer: Layer) -> dict[str, Cell]:
    """Returns the cells of a layer, in the order in which they run.

    A cell's name is made of its class and its place in the layers around it, such as
    "LSTM", "0.LSTM" and "1.LSTM" in a `Stack`, or "forward.GRU".
    """
    return {
        ".".join([*place, type(cell).__name__]): cell for place, cell in _walk(layer)
    }


def _walk(layer: Layer) -> Iterator[tuple[tuple[str, ...], Cell]]:
    if isinstance(layer, Cell):
        yield (), layer
        return
    parts = layer.parts
    places = getattr(parts, "_fields", range(len(parts)))
    for place, part in zip(places, parts, strict=True):
        own = () if len(parts) == 1 else (str(place),)
        for below, cell in _walk(part):
            yield (*own, *below), cell


class _Recorder:
    """A `seqjax.recurrence.Watch` that keeps what it sees, in the order it runs."""

    def __init__(self, nudges: Iterator[Carry | None]):
        self.nudges = nudges
        self.seen: list[CellTrace] = []

    def nudge(self, cell: Any, carry: Carry, time: int) -> Carry | None:
        del cell, carry, time
        return next(self.nudges)

    def see(self, cell: Any, carries: Carry, gates: dict[str, Array]) -> None:
        del cell
        self.seen.append(CellTrace(carries, gates))


class UnitActivity(NamedTuple):
    """How the units of one gate or state spend their time; [units] each."""

    mean: Array
    low: Array  # the share of valid steps with a value below 0.1, or −0.9 of a tanh
    high: Array  # the share of valid steps with a value above 0.9


def activity(
    values: Array, mask: Array | None = None, low: float = 0.1
) -> UnitActivity:
    """Returns each unit's mean and how often it is saturated (Karpathy et al., 2016).

    Args:
      values: a gate or a state [T, *batch, units].
      mask: bool [T, *batch], True where valid.
      low: below this a unit is saturated low: 0.1 for a sigmoid, −0.9 for a tanh.
    """
    saturated = (values, values < low, values > 0.9)
    return UnitActivity(*(_valid_mean(array, mask) for array in saturated))


def half_life(keep: Array, mask: Array | None = None) -> Array:
    """Returns after how many steps half of what a unit holds is gone, [units].

    A gated unit keeps the share k⟨t⟩ of its state at each step (f of an LSTM, 1 − u of
    a GRU), so over many steps exp(mean log k) a step: Tallec and Ollivier (2018).

    Args:
      keep: k, in 0 … 1, [T, *batch, units].
      mask: bool [T, *batch], True where valid.

    Returns:
      Steps; infinite for a unit that forgets nothing.
    """
    kept = keep if mask is None else jnp.where(jnp.asarray(mask)[..., None], keep, 1)
    mean = _valid_mean(jnp.log(kept), mask)
    return jnp.where(mean < 0, jnp.log(0.5) / jnp.where(mean < 0, mean, 1), jnp.inf)


def _valid_mean(values: Array, mask: Array | None) -> Array:
    """Returns the mean over valid steps and rows, [units]."""
    valid = jnp.ones(values.shape[:-1], bool) if mask is None else jnp.asarray(mask)
    total = jnp.sum(jnp.where(valid[..., None], values, 0), range(values.ndim - 1))
    return total / jnp.maximum(jnp.sum(valid), 1)
