"""Mixed precision: a layer that computes with fewer digits than it is kept in."""

import dataclasses
from typing import Literal

import jax.numpy as jnp

from seqjax.layer import Layer
from seqjax.recurrence import cast
from seqjax.scan import compute_dtype

Narrow = Literal["bfloat16", "float16", "float32"]


@dataclasses.dataclass(frozen=True)
class MixedPrecision(Layer):
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

    layer: Layer
    dtype: Narrow = "bfloat16"

    @property
    def parts(self):
        """The layer inside."""
        return (self.layer,)

    @property
    def features(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The layer's width."""
        return self.layer.features

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the layer's parameters."""
        return self.layer.init(key, in_features, dtype)

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns the layer's carry."""
        return self.layer.initial_carry(batch_shape, dtype)

    def initial_carry_from(self, params, batch_shape=(), dtype=jnp.float32):
        """Returns the layer's initial carry."""
        return self.layer.initial_carry_from(params, batch_shape, dtype)

    def trainable(self, params):
        """Returns the layer's tree of booleans."""
        return self.layer.trainable(params)

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
