"""The GRU of PyTorch, Flax and cuDNN: reset after the product.

    r = σ(W_r [h⟨t−1⟩, x⟨t⟩] + b_r)
    z = σ(W_z [h⟨t−1⟩, x⟨t⟩] + b_z)
    n = tanh(W_nx x⟨t⟩ + b_nx + r ∗ (W_nh h⟨t−1⟩ + b_n))
    h⟨t⟩ = (1 − z) ∗ n + z ∗ h⟨t−1⟩
    y⟨t⟩ = h⟨t⟩

A gate z at 1 keeps the state: the opposite of the course's Γu. The recurrence is one
product of all gates, which is why libraries prefer it to `gru`. Cho et al. (2014),
https://arxiv.org/abs/1406.1078v1, in the form of PyTorch's `torch.nn.GRU`.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.cells._gates import slope, split, squash
from seqjax.initializers import Glorot, Initializer, Orthogonal, chrono, per_gate
from seqjax.layer import Array


class GRUResetAfterParams(NamedTuple):
    """The kernels and the biases; columns r, z, n."""

    w_x: Array  # [in, 3H]
    w_h: Array  # [H, 3H]
    b: Array  # [3H]
    b_n: Array  # [H], inside the reset


class GRUResetAfterCarry(NamedTuple):
    """The hidden state."""

    h: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class GRUResetAfter(Cell):
    """The GRU with the reset after the product of the candidate.

    n = tanh(W_nx x⟨t⟩ + b_nx + r ∗ (W_nh h⟨t−1⟩ + b_n))

    Attributes:
      features: H, the number of units.
      chrono: the longest lag in the data, in steps. If given, b_z is drawn for lags up
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
        return GRUResetAfterParams(
            w_x=per_gate(self.kernel_init, key_x, in_features, H, 3, dtype),
            w_h=per_gate(self.recurrent_init, key_h, H, H, 3, dtype),
            b=jnp.concatenate([zero, remember, zero]),
            b_n=zero,
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns h⟨0⟩ = 0."""
        return GRUResetAfterCarry(jnp.zeros((*batch_shape, self.features), dtype))

    def project(self, params, x):
        """Returns W_x x⟨t⟩ + b, columns r, z, n."""
        return x @ params.w_x + params.b

    def recur(self, params, carry):
        """Returns W_h h⟨t−1⟩, columns r, z, n; the last with its own bias b_n."""
        return carry.h @ params.w_h + jnp.pad(params.b_n, (2 * self.features, 0))

    def update(self, params, carry, u, v):
        """Returns h⟨t⟩ = (1 − z) ∗ n + z ∗ h⟨t−1⟩."""
        (gates_x, n_x), (gates_h, n_h) = self._split(u), self._split(v)
        r, z = split(squash(gates_x + gates_h, "ss"), 2)
        n = jnp.tanh(n_x + r * n_h)
        h = (1 - z) * n + z * carry.h
        return GRUResetAfterCarry(h), h

    def _split(self, columns):
        return jnp.split(columns, [2 * self.features], axis=-1)

    def gates(self, params, carry, u, v):
        """Returns r, z and n."""
        gates, n, _ = self.residuals(params, carry, u, v, None)
        r, z = jnp.split(gates, 2, axis=-1)
        return {"r": r, "z": z, "n": n}

    def residuals(self, params, carry, u, v, after):
        """Returns r and z side by side, n, and the part of v that r multiplies."""
        (gates_x, n_x), (gates_h, n_h) = self._split(u), self._split(v)
        gates = squash(gates_x + gates_h, "ss")
        r, _ = split(gates, 2)
        return gates, jnp.tanh(n_x + r * n_h), n_h

    def pull_back(self, params, carry, residuals, d_after, d_y):
        """Returns δ of r and z, the same for u and v; and δ of n, times r for v."""
        gates, n, n_h = residuals
        r, z = jnp.split(gates, 2, axis=-1)
        d_h = d_after.h + d_y
        δn = d_h * (1 - z) * (1 - n * n)
        d_gates = jnp.concatenate([δn * n_h, d_h * (carry.h - n)], axis=-1)
        δ = d_gates * slope(gates, "ss")
        d_u, d_v = (jnp.concatenate([δ, last], axis=-1) for last in (δn, δn * r))
        return None, GRUResetAfterCarry(d_h * z), d_u, d_v
