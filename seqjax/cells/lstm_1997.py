"""The LSTM as it was first: Hochreiter and Schmidhuber (1997).

    Γi = σ(W_i [h⟨t−1⟩, x⟨t⟩] + b_i)
    Γo = σ(W_o [h⟨t−1⟩, x⟨t⟩] + b_o)
    s⟨t⟩ = s⟨t−1⟩ + Γi ∗ g(W_g [h⟨t−1⟩, x⟨t⟩] + b_g)       g(z) = 4 σ(z) − 2, in (−2, 2)
    h⟨t⟩ = Γo ∗ k(s⟨t⟩)                                    k(z) = 2 σ(z) − 1, in (−1, 1)
    y⟨t⟩ = h⟨t⟩

"Long short-term memory", section 4 and appendix A.1, eqs. 3–5; the paper writes h for
k. Nothing is forgotten: a state is a sum that keeps its gradient for ever, and grows
without bound where an input goes on. Taken: the gates, g and k, the sum, and an output
gate whose bias begins below zero, so that cells are not put to use at once (section 4,
"abuse problem"). Left: the truncated gradient, for here it is the whole one; blocks of
several cells under one pair of gates, for here a block has one cell; and gates that
read gates.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.cells._gates import slope, squash
from seqjax.initializers import Glorot, Initializer, Orthogonal, per_gate
from seqjax.layer import Array


class LSTM1997Params(NamedTuple):
    """The kernels and the bias; columns i, g, o."""

    w_x: Array  # [in, 3H]
    w_h: Array  # [H, 3H]
    b: Array  # [3H]


class LSTM1997Carry(NamedTuple):
    """The hidden state and the cell's internal state."""

    h: Array  # [*batch, H]
    s: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class LSTM1997(Cell):
    """The LSTM without a forget gate: s⟨t⟩ = s⟨t−1⟩ + Γi ∗ g; h⟨t⟩ = Γo ∗ k(s⟨t⟩).

    Attributes:
      features: H, the number of memory cells.
      output_bias: the initial b_o.
      kernel_init: the initializer of each gate's part of `w_x`.
      recurrent_init: the initializer of each gate's part of `w_h`.
    """

    features: int
    output_bias: float = -1.0
    kernel_init: Initializer = Glorot()
    recurrent_init: Initializer = Orthogonal()

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernels gate by gate."""
        key_x, key_h = jax.random.split(key)
        H = self.features
        zero = jnp.zeros(H, dtype)
        return LSTM1997Params(
            w_x=per_gate(self.kernel_init, key_x, in_features, H, 3, dtype),
            w_h=per_gate(self.recurrent_init, key_h, H, H, 3, dtype),
            b=jnp.concatenate([zero, zero, zero + self.output_bias]),
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns h⟨0⟩ = s⟨0⟩ = 0."""
        zero = jnp.zeros((*batch_shape, self.features), dtype)
        return LSTM1997Carry(h=zero, s=zero)

    def project(self, params, x):
        """Returns W_x x⟨t⟩, columns i, g, o."""
        return x @ params.w_x

    def recur(self, params, carry):
        """Returns W_h h⟨t−1⟩ + b, columns i, g, o."""
        return carry.h @ params.w_h + params.b

    def update(self, params, carry, u, v):
        """Returns s⟨t⟩ = s⟨t−1⟩ + Γi ∗ g and h⟨t⟩ = Γo ∗ k(s⟨t⟩)."""
        Γi, g, Γo = self._activations(u, v)
        s = carry.s + Γi * g
        h = Γo * jnp.tanh(s / 2)
        return LSTM1997Carry(h, s), h

    def _activations(self, u, v):
        # 2 σ(z) − 1 = tanh(z / 2), so that all three gates are sigmoids of one array.
        Γi, g, Γo = jnp.split(squash(u + v, "sss"), 3, axis=-1)
        return Γi, 4 * g - 2, Γo

    def gates(self, params, carry, u, v):
        """Returns Γi, g and Γo as i, g and o."""
        return dict(zip("igo", self._activations(u, v), strict=True))

    def residuals(self, params, carry, u, v, after):
        """Returns σ of all three sums, and s⟨t⟩."""
        return squash(u + v, "sss"), after.s

    def pull_back(self, params, carry, residuals, d_after, d_y):
        """Returns δ = ∂L/∂(u + v), through the slope of each σ."""
        gates, s = residuals
        Γi, σg, Γo = jnp.split(gates, 3, axis=-1)
        k, d_h = jnp.tanh(s / 2), d_after.h + d_y
        d_s = d_after.s + d_h * Γo * (1 - k * k) / 2
        to_gates = [d_s * (4 * σg - 2), d_s * Γi * 4, d_h * k]
        δ = jnp.concatenate(to_gates, axis=-1) * slope(gates, "sss")
        return None, LSTM1997Carry(h=jnp.zeros_like(d_h), s=d_s), δ, δ
