"""The echo state network's reservoir: Jaeger (2001); leaky, Jaeger et al. (2007). E20.

    h⟨t⟩ = (1 − α) h⟨t−1⟩ + α tanh(W_x x⟨t⟩ + W_h h⟨t−1⟩ + b)
    y⟨t⟩ = h⟨t⟩

Nothing in it is trained: W_x, W_h and b are drawn once, W_h sparse and scaled to a
spectral radius, and `trainable` marks all three as fixed; only a readout learns. Their
gradient is the true one all the same.
"""

import dataclasses
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.initializers import Sparse
from seqjax.layer import Array


class EchoStateParams(NamedTuple):
    """The fixed kernels and the fixed bias."""

    w_x: Array  # [in, H]
    w_h: Array  # [H, H]
    b: Array  # [H]


class EchoStateCarry(NamedTuple):
    """The reservoir's state."""

    h: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class EchoState(Cell):
    """The reservoir: h⟨t⟩ = (1 − α) h⟨t−1⟩ + α tanh(W_x x⟨t⟩ + W_h h⟨t−1⟩ + b).

    Attributes:
      features: H, the size of the reservoir.
      leak: α in (0, 1]; at 1 the new state replaces the old one.
      spectral_radius: the largest absolute eigenvalue of `w_h`; below 1, the effect of
        old inputs fades.
      density: the fraction of `w_h` that is not zero. Below some 20 units, take more
        than the default: a draw without a cycle has no memory, and is left unscaled.
      input_scale: `w_x` is uniform in ±input_scale.
      bias_scale: `b` is uniform in ±bias_scale.
      activation: "identity" makes the reservoir linear, which remembers most.
    """

    features: int
    leak: float = 1.0
    spectral_radius: float = 0.9
    density: float = 0.1
    input_scale: float = 1.0
    bias_scale: float = 0.1
    activation: Literal["tanh", "identity"] = "tanh"

    def __post_init__(self):
        super().__post_init__()
        if not 0 < self.leak <= 1:
            raise ValueError(f"leak must be in (0, 1], not {self.leak}")
        if not 0 < self.density <= 1:
            raise ValueError(f"density must be in (0, 1], not {self.density}")
        if self.activation not in (known := ("tanh", "identity")):
            raise ValueError(f"activation must be of {known}, not {self.activation!r}")

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the reservoir."""
        key_x, key_h, key_b = jax.random.split(key, 3)
        H = self.features
        x, b = self.input_scale, self.bias_scale
        return EchoStateParams(
            w_x=jax.random.uniform(key_x, (in_features, H), dtype, -x, x),
            w_h=self._recurrent(key_h, dtype),
            b=jax.random.uniform(key_b, (H,), dtype, -b, b),
        )

    def _recurrent(self, key: Array, dtype: Any) -> Array:
        H = self.features
        return Sparse(self.density, self.spectral_radius)(key, (H, H), dtype)

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns h⟨0⟩ = 0."""
        return EchoStateCarry(jnp.zeros((*batch_shape, self.features), dtype))

    def trainable(self, params):
        """Returns False for every parameter."""
        return jax.tree.map(lambda _: False, params)

    def project(self, params, x):
        """Returns W_x x⟨t⟩ + b."""
        return x @ params.w_x + params.b

    def recur(self, params, carry):
        """Returns W_h h⟨t−1⟩."""
        return carry.h @ params.w_h

    def update(self, params, carry, u, v):
        """Returns h⟨t⟩ = (1 − α) h⟨t−1⟩ + α tanh(u + v)."""
        new = jnp.tanh(u + v) if self.activation == "tanh" else u + v
        h = (1 - self.leak) * carry.h + self.leak * new
        return EchoStateCarry(h), h
