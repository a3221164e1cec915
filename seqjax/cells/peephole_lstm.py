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

from seqjax.cell import Cell
from seqjax.cells._gates import slope, squash
from seqjax.initializers import Glorot, Initializer, Orthogonal, per_gate
from seqjax.layer import Array


class PeepholeLSTMParams(NamedTuple):
    """The kernels and the bias, columns i, f, g, o; and the three peepholes."""

    w_x: Array  # [in, 4H]
    w_h: Array  # [H, 4H]
    b: Array  # [4H]
    p_i: Array  # [H], sees c⟨t−1⟩
    p_f: Array  # [H], sees c⟨t−1⟩
    p_o: Array  # [H], sees c⟨t⟩


class PeepholeLSTMCarry(NamedTuple):
    """The hidden state and the memory cell."""

    h: Array  # [*batch, H]
    c: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class PeepholeLSTM(Cell):
    """An LSTM whose input and forget gates see c⟨t−1⟩, its output gate c⟨t⟩.

    Attributes:
      features: H, the number of units.
      forget_bias: the initial b_f.
      kernel_init: the initializer of each gate's part of `w_x`.
      recurrent_init: the initializer of each gate's part of `w_h`.
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
        """Returns h⟨0⟩ = c⟨0⟩ = 0."""
        zero = jnp.zeros((*batch_shape, self.features), dtype)
        return PeepholeLSTMCarry(h=zero, c=zero)

    def project(self, params, x):
        """Returns W_x x⟨t⟩, columns i, f, g, o."""
        return x @ params.w_x

    def recur(self, params, carry):
        """Returns W_h h⟨t−1⟩ + b, columns i, f, g, o."""
        return carry.h @ params.w_h + params.b

    def update(self, params, carry, u, v):
        """Returns the LSTM's c⟨t⟩ and h⟨t⟩, with p ∗ c added to each gate."""
        gates, Γo, c = self._activations(params, carry, u, v)
        h = Γo * jnp.tanh(c)
        return PeepholeLSTMCarry(h, c), h

    def _activations(self, params, carry, u, v):
        i, f, g, o = jnp.split(u + v, 4, axis=-1)
        i, f = i + params.p_i * carry.c, f + params.p_f * carry.c
        gates = squash(jnp.concatenate([i, f, g], axis=-1), "sst")
        Γi, Γf, c̃ = jnp.split(gates, 3, axis=-1)
        c = Γi * c̃ + Γf * carry.c
        return gates, jax.nn.sigmoid(o + params.p_o * c), c

    def gates(self, params, carry, u, v):
        """Returns Γi, Γf, c̃ and Γo as i, f, g and o."""
        gates, Γo, _ = self._activations(params, carry, u, v)
        Γi, Γf, c̃ = jnp.split(gates, 3, axis=-1)
        return {"i": Γi, "f": Γf, "g": c̃, "o": Γo}

    def residuals(self, params, carry, u, v, after):
        """Returns Γi, Γf and c̃ side by side, Γo, and c⟨t⟩."""
        gates, Γo, _ = self._activations(params, carry, u, v)
        return gates, Γo, after.c

    def pull_back(self, params, carry, residuals, d_after, d_y):
        """Returns δ = ∂L/∂(u + v); a peephole also passes its gate's δ on to c."""
        gates, Γo, c = residuals
        Γi, Γf, c̃ = jnp.split(gates, 3, axis=-1)
        m, d_h = jnp.tanh(c), d_after.h + d_y
        δo = d_h * m * Γo * (1 - Γo)
        d_c = d_after.c + d_h * Γo * (1 - m * m) + δo * params.p_o
        local = jnp.concatenate([c̃, carry.c, Γi], axis=-1) * slope(gates, "sst")
        δ = jnp.concatenate([d_c] * 3, axis=-1) * local
        δi, δf, _ = jnp.split(δ, 3, axis=-1)
        d_before = d_c * Γf + δi * params.p_i + δf * params.p_f
        δ = jnp.concatenate([δ, δo], axis=-1)
        d_params = jax.tree.map(jnp.zeros_like, params)._replace(
            p_i=_over_steps(δi * carry.c),
            p_f=_over_steps(δf * carry.c),
            p_o=_over_steps(δo * c),
        )
        return d_params, PeepholeLSTMCarry(jnp.zeros_like(d_h), d_before), δ, δ


def _over_steps(a: Array) -> Array:
    """Sums over every leading axis."""
    return a.sum(range(a.ndim - 1))
