"""Depth: layers on layers (E18), and a residual connection past one."""

import dataclasses

import jax
import jax.numpy as jnp

from seqjax.layer import Layer
from seqjax.layers.layer_around import LayerAround


@dataclasses.dataclass(frozen=True)
class Stack(Layer):
    """Layers on each other: each reads the outputs of the one below it.

    a[l]⟨t⟩ = g(W_a[l] [a[l]⟨t−1⟩, a[l−1]⟨t⟩] + b_a[l]), with any layers. Parameters and
    carries are tuples, one entry a layer.

    Attributes:
      layers: the layers from the input upwards; their widths may differ.
    """

    layers: tuple[Layer, ...]

    def __post_init__(self):
        if isinstance(self.layers, tuple) and not self.layers:
            raise ValueError("Stack needs at least one layer")
        super().__post_init__()

    @property
    def features(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The width of the last layer."""
        return self.layers[-1].features

    @property
    def parts(self):
        """The layers from the input upwards."""
        return self.layers

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws each layer's parameters for the width below it."""
        keys = jax.random.split(key, len(self.layers))
        widths = [in_features, *(layer.features for layer in self.layers)]
        return tuple(
            layer.init(key, width, dtype)
            for layer, key, width in zip(self.layers, keys, widths, strict=False)
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns one carry a layer."""
        return tuple(layer.initial_carry(batch_shape, dtype) for layer in self.layers)

    def initial_carry_from(self, params, batch_shape=(), dtype=jnp.float32):
        """Returns one initial carry a layer."""
        return tuple(
            layer.initial_carry_from(p, batch_shape, dtype)
            for layer, p in zip(self.layers, params, strict=True)
        )

    def trainable(self, params):
        """Returns one tree of booleans a layer."""
        return tuple(
            layer.trainable(p) for layer, p in zip(self.layers, params, strict=True)
        )

    def run_step(self, params, carry, x):
        """Takes one step of every layer, from the input upwards."""
        carries = []
        for layer, p, c in zip(self.layers, params, carry, strict=True):
            c, x = layer.run_step(p, c, x)
            carries.append(c)
        return tuple(carries), x

    def run(self, params, carry, initial, xs, options):
        """Runs every layer over the whole sequence, from the input upwards."""
        carries = []
        each = zip(self.layers, params, carry, initial, strict=True)
        for place, (layer, p, c, s) in enumerate(each):
            c, xs = layer.run(p, c, s, xs, options.within(place))
            carries.append(c)
        return tuple(carries), xs


@dataclasses.dataclass(frozen=True)
class Residual(LayerAround):
    """A layer whose input is added to its output: y⟨t⟩ = x⟨t⟩ + layer(x)⟨t⟩.

    He et al. (2015), between recurrent layers as in Wu et al. (2016), section 3.1.

    Attributes:
      layer: a layer as wide as its input.
    """

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the layer's parameters."""
        if in_features != self.features:
            raise ValueError(
                f"Residual adds {self.features} outputs to {in_features} inputs: "
                f"the widths must be equal"
            )
        return self.layer.init(key, in_features, dtype)

    def run_step(self, params, carry, x):
        """Takes one step of the layer, and adds the input."""
        carry, y = self.layer.run_step(params, carry, x)
        return carry, x + y

    def run(self, params, carry, initial, xs, options):
        """Runs the layer, and adds its inputs; both are zero where masked."""
        carry, ys = self.layer.run(params, carry, initial, xs, options)
        return carry, xs + ys
