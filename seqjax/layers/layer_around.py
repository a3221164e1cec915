"""What a layer around another takes over from it as it is."""

import dataclasses

import jax.numpy as jnp

from seqjax.layer import Layer


@dataclasses.dataclass(frozen=True)
class LayerAround(Layer):
    """A layer with what the one inside has, but for what is written anew.

    Attributes:
      layer: any layer.
    """

    layer: Layer

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
