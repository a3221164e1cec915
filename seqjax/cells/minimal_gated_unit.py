"""The GRU with one gate in place of two: Zhou, Wu, Zhang and Zhou (2016).

    f  = σ(W_f [h⟨t−1⟩, x⟨t⟩] + b_f)
    c̃  = tanh(W_c [f ∗ h⟨t−1⟩, x⟨t⟩] + b_c)
    h⟨t⟩ = f ∗ c̃ + (1 − f) ∗ h⟨t−1⟩           the paper writes h̃ for c̃
    y⟨t⟩ = h⟨t⟩

"Minimal gated unit for recurrent neural networks", eqs. 4. It is `gru` with Γr = Γu =
f, and has two thirds of its weights. A gate at 1 takes the candidate.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.cells._gates import squash
from seqjax.initializers import Glorot, Initializer, Orthogonal, chrono, per_gate
from seqjax.layer import Array


class MinimalGatedUnitParams(NamedTuple):
    """The kernels and the bias; columns f, c̃."""

    w_x: Array  # [in, 2H]
    w_h: Array  # [H, 2H]
    b: Array  # [2H]


class MinimalGatedUnitCarry(NamedTuple):
    """The hidden state."""

    h: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class MinimalGatedUnit(Cell):
    """The unit whose one gate resets and updates: c̃ = tanh(W_c [f ∗ h⟨t−1⟩, x⟨t⟩] + b).

    Attributes:
      features: H, the number of units.
      chrono: the longest lag in the data, in steps. If given, b_f is drawn for lags up
        to it; else it is 0. Tallec and Ollivier (2018).
      kernel_init: the initializer of each gate's part of `w_x`.
      recurrent_init: the initializer of each gate's part of `w_h`.
    """

    features: int
    chrono: int | None = None
    kernel_init: Initializer = Glorot()
    recurrent_init: Initializer = Orthogonal()

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernels gate by gate, and the bias of the gate."""
        key_x, key_h, key_b = jax.random.split(key, 3)
        H = self.features
        remember = chrono(key_b, H, self.chrono, dtype)
        return MinimalGatedUnitParams(
            w_x=per_gate(self.kernel_init, key_x, in_features, H, 2, dtype),
            w_h=per_gate(self.recurrent_init, key_h, H, H, 2, dtype),
            b=jnp.concatenate([-remember, jnp.zeros(H, dtype)]),
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns h⟨0⟩ = 0."""
        return MinimalGatedUnitCarry(jnp.zeros((*batch_shape, self.features), dtype))

    def project(self, params, x):
        """Returns W_x x⟨t⟩ + b, columns f, c̃."""
        return x @ params.w_x + params.b

    def recur(self, params, carry):
        """Returns the gate's part of W_h h⟨t−1⟩."""
        return carry.h @ params.w_h[:, : self.features]

    def update(self, params, carry, u, v):
        """Returns h⟨t⟩ = f ∗ c̃ + (1 − f) ∗ h⟨t−1⟩; W_c is multiplied here."""
        f, c̃ = self._activations(params, carry, u, v)
        h = f * c̃ + (1 - f) * carry.h
        return MinimalGatedUnitCarry(h), h

    def _activations(self, params, carry, u, v):
        gate, candidate = jnp.split(u, 2, axis=-1)
        f = squash(gate + v, "s")
        w_c = params.w_h[:, self.features :]
        return f, jnp.tanh(candidate + (f * carry.h).astype(w_c.dtype) @ w_c)

    def gates(self, params, carry, u, v):
        """Returns f and c̃ as f and c."""
        return dict(zip("fc", self._activations(params, carry, u, v), strict=True))

    def residuals(self, params, carry, u, v, after):
        """Returns f and c̃."""
        return self._activations(params, carry, u, v)

    def pull_back(self, params, carry, residuals, d_after, d_y):
        """Returns δ of the candidate, and δ of f, which multiplies in three places."""
        f, c̃ = residuals
        d_h = d_after.h + d_y
        w_c = params.w_h[:, self.features :]
        δc = (d_h * f * (1 - c̃ * c̃)).astype(w_c.dtype)
        d_reset = δc @ w_c.T
        δf = (d_h * (c̃ - carry.h) + d_reset * carry.h) * f * (1 - f)
        d_w_c = jnp.einsum("...i,...j->ij", (f * carry.h).astype(w_c.dtype), δc)
        d_params = jax.tree.map(jnp.zeros_like, params)
        d_params = d_params._replace(w_h=jnp.pad(d_w_c, ((0, 0), (self.features, 0))))
        d_before = MinimalGatedUnitCarry(d_h * (1 - f) + d_reset * f)
        return d_params, d_before, jnp.concatenate([δf, δc], axis=-1), δf
