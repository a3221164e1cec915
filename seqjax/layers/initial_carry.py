"""Initial carries that are not zero: random ones, and learned ones (E1)."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.layer import Array, Carry, Layer, Params
from seqjax.layers.layer_around import LayerAround


def random_carry(
    layer: Layer,
    key: Array,
    batch_shape: tuple[int, ...] = (),
    scale: float = 1.0,
    dtype=jnp.float32,
) -> Carry:
    """Draws a carry for `unroll` from a normal distribution: a⟨0⟩ ~ N(0, scale²).

    Args:
      layer: the layer that the carry is for.
      key: a random key.
      batch_shape: the batch axes.
      scale: the standard deviation.
      dtype: the dtype of the carry.

    Returns:
      A carry like ``layer.initial_carry(batch_shape)``.
    """
    leaves, structure = jax.tree.flatten(layer.initial_carry(batch_shape, dtype))
    keys = jax.random.split(key, max(len(leaves), 1))
    drawn = [
        scale * jax.random.normal(k, leaf.shape, leaf.dtype)
        for k, leaf in zip(keys, leaves, strict=False)
    ]
    return jax.tree.unflatten(structure, drawn)


class LearnedInitialCarryParams(NamedTuple):
    """The layer's parameters, and its carry before the first step."""

    layer: Params
    carry: Carry  # leaves without batch axes


@dataclasses.dataclass(frozen=True)
class LearnedInitialCarry(LayerAround):
    """A layer whose initial carry is a parameter, which is zero at first.

    A run without a carry begins with it, and `resets` return to it.

    Attributes:
      layer: any layer.
    """

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the layer's parameters; the initial carry is zero."""
        carry = self.layer.initial_carry((), dtype)
        return LearnedInitialCarryParams(
            self.layer.init(key, in_features, dtype), carry
        )

    def initial_carry_from(self, params, batch_shape=(), dtype=jnp.float32):
        """Returns the learned carry, repeated over the batch."""
        return jax.tree.map(
            lambda a: jnp.broadcast_to(a.astype(dtype), (*batch_shape, *a.shape)),
            params.carry,
        )

    def trainable(self, params):
        """Returns the layer's tree of booleans, and True for the carry."""
        return LearnedInitialCarryParams(
            self.layer.trainable(params.layer),
            jax.tree.map(lambda _: True, params.carry),
        )

    def run_step(self, params, carry, x):
        """Takes one step of the layer."""
        return self.layer.run_step(params.layer, carry, x)

    def run(self, params, carry, initial, xs, options):
        """Runs the layer over the whole sequence."""
        return self.layer.run(params.layer, carry, initial, xs, options)
