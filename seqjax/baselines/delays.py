"""The last values as a layer, so that a linear readout of it is autoregression."""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.layer import Array


class DelayLineCarry(NamedTuple):
    """The last inputs."""

    xs: Array  # [*batch, features], the newest first


@dataclasses.dataclass(frozen=True)
class DelayLine(Cell):
    """y⟨t⟩ = [x⟨t⟩, x⟨t−1⟩, …, x⟨t−k+1⟩], zeros before the first input.

    It has no parameters. What a linear readout makes of it is linear regression on
    delays; a recurrent network should do better.

    Attributes:
      features: k times the width of the input.
    """

    features: int

    def init(self, key, in_features, dtype=jnp.float32):
        """Returns no parameters.

        Raises:
          ValueError: `features` is no multiple of the width of the input.
        """
        del key, dtype
        if self.features % in_features:
            raise ValueError(
                f"a delay line of {self.features} features cannot hold whole inputs of "
                f"width {in_features}"
            )
        return ()

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns zeros."""
        return DelayLineCarry(jnp.zeros((*batch_shape, self.features), dtype))

    def update(self, params, carry, u, v):
        """Puts the new input in front, and drops the oldest."""
        del params, v
        kept = carry.xs[..., : self.features - u.shape[-1]]
        xs = jnp.concatenate([u.astype(kept.dtype), kept], axis=-1)
        return DelayLineCarry(xs), xs
