"""The GRU without a reset gate, as the course introduces it. E10.

    Γu = σ(W_u [h⟨t−1⟩, x⟨t⟩] + b_u)
    c̃  = tanh(W_c [h⟨t−1⟩, x⟨t⟩] + b_c)
    h⟨t⟩ = Γu ∗ c̃ + (1 − Γu) ∗ h⟨t−1⟩          the course writes c for h; a = c
    y⟨t⟩ = h⟨t⟩

A gate at 1 takes the candidate; near 0 it keeps the memory (E12).
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.cells._gates import slope, split, squash
from seqjax.initializers import Glorot, Initializer, Orthogonal, chrono, per_gate
from seqjax.layer import Array


class SimplifiedGRUParams(NamedTuple):
    """The kernels and the bias; columns u, c̃."""

    w_x: Array  # [in, 2H]
    w_h: Array  # [H, 2H]
    b: Array  # [2H]


class SimplifiedGRUCarry(NamedTuple):
    """The hidden state, which is the memory cell."""

    h: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class SimplifiedGRU(Cell):
    """The GRU without a reset gate: h⟨t⟩ = Γu ∗ c̃ + (1 − Γu) ∗ h⟨t−1⟩.

    Attributes:
      features: H, the number of units.
      chrono: the longest lag in the data, in steps. If given, b_u is drawn for lags up
        to it; else it is 0. Tallec and Ollivier (2018).
      kernel_init: the initializer of each gate's part of `w_x`.
      recurrent_init: the initializer of each gate's part of `w_h`.
    """

    features: int
    chrono: int | None = None
    kernel_init: Initializer = Glorot()
    recurrent_init: Initializer = Orthogonal()

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernels gate by gate, and the bias of the memory's gate."""
        key_x, key_h = jax.random.split(key)
        H = self.features
        zero = jnp.zeros(H, dtype)
        remember = chrono(jax.random.fold_in(key, 1), H, self.chrono, dtype)
        return SimplifiedGRUParams(
            w_x=per_gate(self.kernel_init, key_x, in_features, H, 2, dtype),
            w_h=per_gate(self.recurrent_init, key_h, H, H, 2, dtype),
            b=jnp.concatenate([-remember, zero]),
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns h⟨0⟩ = 0."""
        return SimplifiedGRUCarry(jnp.zeros((*batch_shape, self.features), dtype))

    def project(self, params, x):
        """Returns W_x x⟨t⟩, columns u, c̃."""
        return x @ params.w_x

    def recur(self, params, carry):
        """Returns W_h h⟨t−1⟩ + b, columns u, c̃."""
        return carry.h @ params.w_h + params.b

    def update(self, params, carry, u, v):
        """Returns h⟨t⟩ = Γu ∗ c̃ + (1 − Γu) ∗ h⟨t−1⟩."""
        Γu, c̃ = split(squash(u + v, "st"), 2)
        h = Γu * c̃ + (1 - Γu) * carry.h
        return SimplifiedGRUCarry(h), h

    def gates(self, params, carry, u, v):
        """Returns Γu and c̃ as u and c."""
        return dict(zip("uc", jnp.split(squash(u + v, "st"), 2, axis=-1), strict=True))

    def residuals(self, params, carry, u, v, after):
        """Returns Γu and c̃ side by side."""
        return squash(u + v, "st")

    def pull_back(self, params, carry, residuals, d_after, d_y):
        """Returns δ = ∂L/∂(u + v), through the slope of Γu and c̃."""
        Γu, c̃ = jnp.split(residuals, 2, axis=-1)
        d_h = d_after.h + d_y
        d_gates = jnp.concatenate([d_h * (c̃ - carry.h), d_h * Γu], axis=-1)
        δ = d_gates * slope(residuals, "st")
        return None, SimplifiedGRUCarry(d_h * (1 - Γu)), δ, δ
