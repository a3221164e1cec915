"""A layer that reads its own outputs: Jaeger (2001), output feedback."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.layer import Array, Layer
from seqjax.layers.readout import Readout, ReadoutParams


class FeedbackParams(NamedTuple):
    """The parameters of the layer, and of what reads it."""

    layer: Any
    readout: ReadoutParams


class FeedbackCarry(NamedTuple):
    """The state of the layer, and the output that it reads next."""

    layer: Any
    y: Array  # [*batch, features]


@dataclasses.dataclass(frozen=True)
class Feedback(Cell):
    """A closed loop: a⟨t⟩ = layer([x⟨t⟩, y⟨t−1⟩]), y⟨t⟩ = W_y a⟨t⟩ + b_y.

    With inputs of width 0 it runs by itself, and so forecasts: begin with the state
    after what is known, and with the output that was read there.

    Attributes:
      layer: any layer that can `step`; its inputs are x⟨t⟩ and then y⟨t−1⟩.
      features: the width of y.
    """

    layer: Layer
    features: int

    @property
    def parts(self):
        """The layer inside."""
        return (self.layer,)

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the parameters of the layer and of the readout."""
        keys = jax.random.split(key)
        return FeedbackParams(
            self.layer.init(keys[0], in_features + self.features, dtype),
            Readout(self.features).init(keys[1], self.layer.features, dtype),
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns the layer's first state, and y⟨0⟩ = 0."""
        y = jnp.zeros((*batch_shape, self.features), dtype)
        return FeedbackCarry(self.layer.initial_carry(batch_shape, dtype), y)

    def initial_carry_from(self, params, batch_shape=(), dtype=jnp.float32):
        """Returns the first state that the layer learned, and y⟨0⟩ = 0."""
        y = jnp.zeros((*batch_shape, self.features), dtype)
        inner = self.layer.initial_carry_from(params.layer, batch_shape, dtype)
        return FeedbackCarry(inner, y)

    def trainable(self, params):
        """Returns what the layer says of its own; the readout is trained."""
        readout = jax.tree.map(lambda _: True, params.readout)
        return FeedbackParams(self.layer.trainable(params.layer), readout)

    def update(self, params, carry, u, v):
        """Takes a step of the layer and reads it."""
        x = jnp.concatenate([u, carry.y.astype(u.dtype)], axis=-1)
        inner, a = self.layer.run_step(params.layer, carry.layer, x)
        y = a @ params.readout.w + params.readout.b
        return FeedbackCarry(inner, y.astype(carry.y.dtype)), y
