"""Mixed precision: a layer that computes with fewer digits than it is kept in."""

import dataclasses
from typing import Literal

import jax.numpy as jnp

from seqjax.layers.layer_around import LayerAround
from seqjax.recurrence import cast
from seqjax.scan import compute_dtype

Narrow = Literal["bfloat16", "float16", "float32"]


@dataclasses.dataclass(frozen=True)
class MixedPrecision(LayerAround):
    """A layer whose products and outputs have another dtype than what is around it.

    Micikevicius et al. (2018): parameters, their gradients and the carry stay as wide
    as they are; inputs and parameters are rounded to `dtype` for the computation. The
    outputs are rounded to it as well (unless XLA leaves out what the next operation
    undoes), and returned in the dtype that is asked for, so that a loss is computed as
    widely as before. bfloat16 has the range of float32, so that no loss needs to be
    scaled; float16 has not.

    Attributes:
      layer: any layer; around a `Stack`, what goes from one layer to the next is
        rounded, too.
      dtype: of the computation.

    Example:
      >>> import jax
      >>> from seqjax import LSTM
      >>> layer = MixedPrecision(LSTM(8))
      >>> params = layer.init(jax.random.key(0), 3)
      >>> xs = jnp.ones((5, 2, 3), "float32")
      >>> (h, c), ys = layer.unroll(params, xs)
      >>> params.w_h.dtype.name, c.dtype.name, ys.dtype.name
      ('float32', 'float32', 'float32')
    """

    dtype: Narrow = "bfloat16"

    def run_step(self, params, carry, x):
        """Takes one step of the layer, rounded."""
        wide = compute_dtype(params, x)
        narrow = cast(params, self.dtype)
        carry, y = self.layer.run_step(narrow, carry, x.astype(self.dtype))
        return carry, y.astype(wide)

    def run(self, params, carry, initial, xs, options):
        """Runs the layer over the whole sequence, rounded."""
        narrow = options._replace(dtype=jnp.dtype(self.dtype))
        xs = xs.astype(narrow.dtype)
        carry, ys = self.layer.run(params, carry, initial, xs, narrow)
        return carry, ys.astype(options.dtype)
