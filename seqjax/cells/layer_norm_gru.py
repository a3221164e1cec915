"""The GRU with layer normalisation: Ba, Kiros and Hinton (2016).

    Γu, Γr = σ(N(W_x x⟨t⟩; α_x) + N(W_h h⟨t−1⟩; α_h) + b)
    c̃  = tanh(N(W_cx x⟨t⟩; α_cx) + b_c + Γr ∗ (N(W_ch h⟨t−1⟩; α_ch) + b_n))
    h⟨t⟩ = Γu ∗ c̃ + (1 − Γu) ∗ h⟨t−1⟩
    y⟨t⟩ = h⟨t⟩

"Layer normalization", eqs. 23–25 of its supplement, N(a; α) being α ∗ (a − mean) / std,
over both gates together and over the candidate by itself. The reset multiplies after
the product, as in `gru_reset_after`; a gate Γu at 1 takes the candidate, as in `gru`.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.cells._gates import squash
from seqjax.cells._normalize import normalize
from seqjax.initializers import Glorot, Initializer, Orthogonal, chrono, per_gate
from seqjax.layer import Array


class LayerNormGRUParams(NamedTuple):
    """The kernels, scales and biases; columns r, u, c̃."""

    w_x: Array  # [in, 3H]
    w_h: Array  # [H, 3H]
    b: Array  # [3H]
    scale_x: Array  # [3H]
    scale_h: Array  # [3H]
    b_n: Array  # [H], inside the reset


class LayerNormGRUCarry(NamedTuple):
    """The hidden state."""

    h: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class LayerNormGRU(Cell):
    """The GRU of normalised sums: h⟨t⟩ = Γu ∗ c̃ + (1 − Γu) ∗ h⟨t−1⟩.

    Attributes:
      features: H, the number of units; normalisation needs two or more.
      chrono: the longest lag in the data, in steps. If given, b_u is drawn for lags up
        to it; else it is 0. Tallec and Ollivier (2018).
      epsilon: what is added to each variance.
      kernel_init: the initializer of each gate's part of `w_x`.
      recurrent_init: the initializer of each gate's part of `w_h`.
    """

    features: int
    chrono: int | None = None
    epsilon: float = 1e-5
    kernel_init: Initializer = Glorot()
    recurrent_init: Initializer = Orthogonal()

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernels gate by gate; the scales are one."""
        key_x, key_h, key_b = jax.random.split(key, 3)
        H = self.features
        zero, one = jnp.zeros(H, dtype), jnp.ones(3 * H, dtype)
        remember = chrono(key_b, H, self.chrono, dtype)
        return LayerNormGRUParams(
            w_x=per_gate(self.kernel_init, key_x, in_features, H, 3, dtype),
            w_h=per_gate(self.recurrent_init, key_h, H, H, 3, dtype),
            b=jnp.concatenate([zero, -remember, zero]),
            scale_x=one,
            scale_h=one,
            b_n=zero,
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns h⟨0⟩ = 0."""
        return LayerNormGRUCarry(jnp.zeros((*batch_shape, self.features), dtype))

    def project(self, params, x):
        """Returns the normalised W_x x⟨t⟩, and b, columns r, u, c̃."""
        return self._normalize(x @ params.w_x, params.scale_x) + params.b

    def recur(self, params, carry):
        """Returns W_h h⟨t−1⟩, columns r, u, c̃."""
        return carry.h @ params.w_h

    def update(self, params, carry, u, v):
        """Returns h⟨t⟩ = Γu ∗ c̃ + (1 − Γu) ∗ h⟨t−1⟩."""
        _, Γu, c̃ = self._activations(params, u, v)
        h = Γu * c̃ + (1 - Γu) * carry.h
        return LayerNormGRUCarry(h), h

    def _activations(self, params, u, v):
        gates_x, c_x = self._split(u)
        gates_h, c_h = self._split(self._normalize(v, params.scale_h))
        Γr, Γu = jnp.split(squash(gates_x + gates_h, "ss"), 2, axis=-1)
        return Γr, Γu, jnp.tanh(c_x + Γr * (c_h + params.b_n))

    def _normalize(self, columns, scale):
        pairs = zip(self._split(columns), self._split(scale), strict=True)
        parts = [normalize(a, α, self.epsilon) for a, α in pairs]
        return jnp.concatenate(parts, axis=-1)

    def _split(self, columns):
        return jnp.split(columns, [2 * self.features], axis=-1)

    def gates(self, params, carry, u, v):
        """Returns Γr, Γu and c̃ as r, u and c."""
        return dict(zip("ruc", self._activations(params, u, v), strict=True))
