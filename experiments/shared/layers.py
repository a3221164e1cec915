"""The layers that the flags ask for."""

from typing import Any

import jax
import jax.numpy as jnp

from experiments.shared.errors import UsageError
from seqjax import (
    Bidirectional,
    Cell,
    Layer,
    LockedDropout,
    MixedPrecision,
    Stack,
    Zoneout,
    cells,
)


def layer_of(options: Any, causal: bool = False) -> Layer:
    """Makes the layer of --cell, --features, --layers, --bidirectional, noise, --dtype.

    Args:
      options: the values of the flags.
      causal: the task may not look ahead, so that --bidirectional is refused.
    """
    if causal and options.bidirectional:
        raise UsageError(
            "--bidirectional: a model that predicts the next step may not look ahead"
        )
    names = "layers", "bidirectional", "zoneout", "recurrent_dropout", "dtype"
    how = {name: getattr(options, name) for name in names}
    features = options.features
    if options.parameters:
        features = features_for(options.parameters, options.cell, **how)
    return stacked(options.cell, features, **how)


def features_for(parameters: int, cell: str, **how: Any) -> int:
    """Finds the width whose layers have as many parameters as possible up to a number.

    Args:
      parameters: the number, of the layers alone, on an input as wide as they are.
      cell: as for `stacked`, as are the other arguments.
    """

    def count(features):
        layer = stacked(cell, features, **how)
        shapes = jax.eval_shape(lambda: layer.init(jax.random.key(0), features))
        return sum(leaf.size for leaf in jax.tree.leaves(shapes))

    if count(1) > parameters:
        raise UsageError(f"--parameters: {cell} of one unit has {count(1)} already")
    low, high = 1, 2
    while count(high) <= parameters:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= parameters else (low, middle)
    return low


def stacked(
    cell: str,
    features: int,
    layers: int = 1,
    bidirectional: bool = False,
    zoneout: float = 0.0,
    recurrent_dropout: float = 0.0,
    dtype: Any = "float32",
) -> Layer:
    """Makes equal layers on each other, of a cell by its name, with fields if any."""
    try:
        made = cells.make(cell, features=features)
    except ValueError as error:
        raise UsageError(f"--cell: {error}") from None
    made = LockedDropout(made, recurrent_dropout) if recurrent_dropout else made
    made = Zoneout(made, zoneout) if zoneout else made
    _check_cell(made)
    layer = Bidirectional(made) if bidirectional else made
    layer = Stack((layer,) * layers) if layers > 1 else layer
    return layer if dtype == "float32" else MixedPrecision(layer, dtype)


def _check_cell(cell: Cell) -> None:
    """Runs shapes alone through a cell, so that a field that does not fit shows."""

    def one_step(key):
        width = cell.features  # which fits a grid of any size
        return cell.unroll(cell.init(key, width), jnp.zeros((1, width)))

    try:
        jax.eval_shape(one_step, jax.random.key(0))
    except (TypeError, ValueError, OverflowError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"--cell: {cell!r} does not work: {reason}") from None
