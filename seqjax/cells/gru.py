"""The gated recurrent unit as it was published: Cho et al. (2014). E11.

    Γr = σ(W_r [h⟨t−1⟩, x⟨t⟩] + b_r)
    Γu = σ(W_u [h⟨t−1⟩, x⟨t⟩] + b_u)
    c̃  = tanh(W_c [Γr ∗ h⟨t−1⟩, x⟨t⟩] + b_c)
    h⟨t⟩ = Γu ∗ c̃ + (1 − Γu) ∗ h⟨t−1⟩          the course writes c for h; a = c
    y⟨t⟩ = h⟨t⟩

The reset multiplies before the matrix product. PyTorch, Flax and cuDNN multiply
after it, which is another function: `gru_reset_after`.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.cells._gates import squash
from seqjax.initializers import Glorot, Initializer, Orthogonal, chrono, per_gate
from seqjax.layer import Array


class GRUParams(NamedTuple):
    """The kernels and the bias; columns r, u, c̃."""

    w_x: Array  # [in, 3H]
    w_h: Array  # [H, 3H]
    b: Array  # [3H]


class GRUCarry(NamedTuple):
    """The hidden state, which is the memory cell."""

    h: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class GRU(Cell):
    """The GRU with the reset before the product of the candidate.

    c̃ = tanh(W_c [Γr ∗ h⟨t−1⟩, x⟨t⟩] + b_c)

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
        return GRUParams(
            w_x=per_gate(self.kernel_init, key_x, in_features, H, 3, dtype),
            w_h=per_gate(self.recurrent_init, key_h, H, H, 3, dtype),
            b=jnp.concatenate([zero, -remember, zero]),
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns h⟨0⟩ = 0."""
        return GRUCarry(jnp.zeros((*batch_shape, self.features), dtype))

    def project(self, params, x):
        """Returns W_x x⟨t⟩ + b, columns r, u, c̃."""
        return x @ params.w_x + params.b

    def recur(self, params, carry):
        """Returns the gates' part of W_h h⟨t−1⟩, columns r, u."""
        return carry.h @ params.w_h[:, : 2 * self.features]

    def update(self, params, carry, u, v):
        """Returns h⟨t⟩ = Γu ∗ c̃ + (1 − Γu) ∗ h⟨t−1⟩; W_c is multiplied here."""
        Γr, Γu, c̃ = self._activations(params, carry, u, v)
        h = Γu * c̃ + (1 - Γu) * carry.h
        return GRUCarry(h), h

    def _activations(self, params, carry, u, v):
        gates, candidate = jnp.split(u, [2 * self.features], axis=-1)
        Γr, Γu = jnp.split(squash(gates + v, "ss"), 2, axis=-1)
        w_c = params.w_h[:, 2 * self.features :]
        c̃ = jnp.tanh(candidate + (Γr * carry.h).astype(w_c.dtype) @ w_c)
        return Γr, Γu, c̃

    def gates(self, params, carry, u, v):
        """Returns Γr, Γu and c̃ as r, u and c."""
        return dict(zip("ruc", self._activations(params, carry, u, v), strict=True))

    def residuals(self, params, carry, u, v, after):
        """Returns Γr, Γu and c̃."""
        return self._activations(params, carry, u, v)

    def pull_back(self, params, carry, residuals, d_after, d_y):
        """Returns δ of the candidate, and through its product δ of Γr and Γu."""
        Γr, Γu, c̃ = residuals
        d_h = d_after.h + d_y
        w_c = params.w_h[:, 2 * self.features :]
        δc = (d_h * Γu * (1 - c̃ * c̃)).astype(w_c.dtype)
        d_reset = δc @ w_c.T
        d_gates = d_reset * carry.h * Γr * (1 - Γr), d_h * (c̃ - carry.h) * Γu * (1 - Γu)
        d_v = jnp.concatenate(d_gates, axis=-1)
        d_u = jnp.concatenate([d_v, δc], axis=-1)
        d_w_c = jnp.einsum("...i,...j->ij", (Γr * carry.h).astype(w_c.dtype), δc)
        d_params = jax.tree.map(jnp.zeros_like, params)
        d_params = d_params._replace(
            w_h=jnp.pad(d_w_c, ((0, 0), (2 * self.features, 0)))
        )
        return d_params, GRUCarry(d_h * (1 - Γu) + d_reset * Γr), d_u, d_v
