"""The LSTM with layer normalisation: Ba, Kiros and Hinton (2016).

    i, f, g, o = N(W_x x⟨t⟩; α_x) + N(W_h h⟨t−1⟩; α_h) + b
    c⟨t⟩ = σ(i) ∗ tanh(g) + σ(f) ∗ c⟨t−1⟩
    h⟨t⟩ = σ(o) ∗ tanh(N(c⟨t⟩; α_c) + b_c)
    y⟨t⟩ = h⟨t⟩

"Layer normalization", eqs. 20–22 of its supplement, N(a; α) being α ∗ (a − mean) / std
over all four gates together. The biases of the paper's first two N are one with b.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.cells._gates import squash
from seqjax.cells._normalize import normalize
from seqjax.initializers import Glorot, Initializer, Orthogonal, per_gate
from seqjax.layer import Array


class LayerNormLSTMParams(NamedTuple):
    """The kernels, scales and bias, columns i, f, g, o; the memory's scale and bias."""

    w_x: Array  # [in, 4H]
    w_h: Array  # [H, 4H]
    b: Array  # [4H]
    scale_x: Array  # [4H]
    scale_h: Array  # [4H]
    scale_c: Array  # [H]
    b_c: Array  # [H]


class LayerNormLSTMCarry(NamedTuple):
    """The hidden state and the memory cell."""

    h: Array  # [*batch, H]
    c: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class LayerNormLSTM(Cell):
    """The LSTM of normalised sums: h⟨t⟩ = σ(o) ∗ tanh(N(c⟨t⟩; α_c) + b_c).

    Attributes:
      features: H, the number of units; normalisation needs two or more.
      forget_bias: the initial b_f.
      epsilon: what is added to each variance.
      kernel_init: the initializer of each gate's part of `w_x`.
      recurrent_init: the initializer of each gate's part of `w_h`.
    """

    features: int
    forget_bias: float = 1.0
    epsilon: float = 1e-5
    kernel_init: Initializer = Glorot()
    recurrent_init: Initializer = Orthogonal()

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernels gate by gate; the scales are one."""
        key_x, key_h = jax.random.split(key)
        H = self.features
        zero, one = jnp.zeros(H, dtype), jnp.ones(4 * H, dtype)
        return LayerNormLSTMParams(
            w_x=per_gate(self.kernel_init, key_x, in_features, H, 4, dtype),
            w_h=per_gate(self.recurrent_init, key_h, H, H, 4, dtype),
            b=jnp.concatenate([zero, zero + self.forget_bias, zero, zero]),
            scale_x=one,
            scale_h=one,
            scale_c=one[:H],
            b_c=zero,
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns h⟨0⟩ = c⟨0⟩ = 0."""
        zero = jnp.zeros((*batch_shape, self.features), dtype)
        return LayerNormLSTMCarry(h=zero, c=zero)

    def project(self, params, x):
        """Returns N(W_x x⟨t⟩; α_x) + b, columns i, f, g, o."""
        return normalize(x @ params.w_x, params.scale_x, self.epsilon) + params.b

    def recur(self, params, carry):
        """Returns W_h h⟨t−1⟩, columns i, f, g, o."""
        return carry.h @ params.w_h

    def update(self, params, carry, u, v):
        """Returns c⟨t⟩, and h⟨t⟩ of the normalised c⟨t⟩."""
        Γi, Γf, c̃, Γo = self._activations(params, u, v)
        c = Γi * c̃ + Γf * carry.c
        h = Γo * jnp.tanh(normalize(c, params.scale_c, self.epsilon) + params.b_c)
        return LayerNormLSTMCarry(h, c), h

    def _activations(self, params, u, v):
        z = u + normalize(v, params.scale_h, self.epsilon)
        return jnp.split(squash(z, "ssts"), 4, axis=-1)

    def gates(self, params, carry, u, v):
        """Returns Γi, Γf, c̃ and Γo as i, f, g and o."""
        return dict(zip("ifgo", self._activations(params, u, v), strict=True))
