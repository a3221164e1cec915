"""The LSTM whose gates also see the memory cell. E15.

    Γi = σ(W_i [h⟨t−1⟩, x⟨t⟩] + p_i ∗ c⟨t−1⟩ + b_i)
    Γf = σ(W_f [h⟨t−1⟩, x⟨t⟩] + p_f ∗ c⟨t−1⟩ + b_f)
    c̃  = tanh(W_g [h⟨t−1⟩, x⟨t⟩] + b_g)
    c⟨t⟩ = Γi ∗ c̃ + Γf ∗ c⟨t−1⟩
    Γo = σ(W_o [h⟨t−1⟩, x⟨t⟩] + p_o ∗ c⟨t⟩ + b_o)
    h⟨t⟩ = Γo ∗ tanh c⟨t⟩
    y⟨t⟩ = h⟨t⟩

The peepholes are diagonal: gate k of unit j sees memory cell j alone. Gers and
Schmidhuber (2000), "Recurrent nets that time and count"; Graves (2013), eqs. 7–11.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.initializers import Glorot, Initializer, Orthogonal, per_gate
from seqjax.layer import Array, Cell


class PeepholeLSTMParams(NamedTuple):
    """Kernels and bias, columns i, f, g, o; and the three peepholes."""

    w_x: Array  # [in, 4H]
    w_h: Array  # [H, 4H]
    b: Array  # [4H]
    p_i: Array  # [H], sees c⟨t−1⟩
    p_f: Array  # [H], sees c⟨t−1⟩
    p_o: Array  # [H], sees c⟨t⟩


class PeepholeLSTMCarry(NamedTuple):
    """Hidden state and memory cell."""

    h: Array  # [*batch, H]
    c: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class PeepholeLSTM(Cell):
    """An LSTM whose input and forget gates see c⟨t−1⟩, its output gate c⟨t⟩.

    Attributes:
      features: H.
      forget_bias: initial b_f.
      kernel_init: of each gate's part of `w_x`.
      recurrent_init: of each gate's part of `w_h`.
    """

    features: int
    forget_bias: float = 1.0
    kernel_init: Initializer = Glorot()
    recurrent_init: Initializer = Orthogonal()

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernels gate by gate; the peepholes are zero."""
        key_x, key_h = jax.random.split(key)
        H = self.features
        zero = jnp.zeros(H, dtype)
        return PeepholeLSTMParams(
            w_x=per_gate(self.kernel_init, key_x, in_features, H, 4, dtype),
            w_h=per_gate(self.recurrent_init, key_h, H, H, 4, dtype),
            b=jnp.concatenate([zero, zero + self.forget_bias, zero, zero]),
            p_i=zero,
            p_f=zero,
            p_o=zero,
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """h⟨0⟩ = c⟨0⟩ = 0."""
        zero = jnp.zeros((*batch_shape, self.features), dtype)
        return PeepholeLSTMCarry(h=zero, c=zero)

    def project(self, params, x):
        """W_x x⟨t⟩ + b, columns i, f, g, o."""
        return x @ params.w_x + params.b

    def recur(self, params, carry):
        """W_h h⟨t−1⟩, columns i, f, g, o."""
        return carry.h @ params.w_h

    def update(self, params, carry, u, v):
        """The LSTM's update, with p ∗ c added to each gate."""
        σ, (i, f, g, o) = jax.nn.sigmoid, jnp.split(u + v, 4, axis=-1)
        Γi = σ(i + params.p_i * carry.c)
        Γf = σ(f + params.p_f * carry.c)
        c = Γi * jnp.tanh(g) + Γf * carry.c
        Γo = σ(o + params.p_o * c)
        h = Γo * jnp.tanh(c)
        return PeepholeLSTMCarry(h, c), h
