"""The layers that the flags ask for."""

from typing import Any

import jax
import jax.numpy as jnp

from experiments.shared.errors import UsageError
from seqjax import Bidirectional, Cell, Layer, Stack, cells


def layer_of(options: Any, causal: bool = False) -> Layer:
    """Makes the layer of --cell, --features, --layers and --bidirectional.

    Args:
      options: the values of the flags.
      causal: the task may not look ahead, so that --bidirectional is refused.
    """
    if causal and options.bidirectional:
        raise UsageError(
            "--bidirectional: a model that predicts the next step may not look ahead"
        )
    sizes = options.features, options.layers
    return stacked(options.cell, *sizes, bidirectional=options.bidirectional)


def stacked(
    cell: str, features: int, layers: int = 1, bidirectional: bool = False
) -> Layer:
    """Makes equal layers on each other, of a cell by its name, with fields if any."""
    try:
        made = cells.make(cell, features=features)
    except ValueError as error:
        raise UsageError(f"--cell: {error}") from None
    _check_cell(made)
    layer = Bidirectional(made) if bidirectional else made
    return Stack((layer,) * layers) if layers > 1 else layer


def _check_cell(cell: Cell) -> None:
    """Runs shapes alone through a cell, so that a field that does not fit shows."""

    def one_step(key):
        return cell.unroll(cell.init(key, 2), jnp.zeros((1, 2)))

    try:
        jax.eval_shape(one_step, jax.random.key(0))
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"--cell: {cell!r} does not work: {reason}") from None
