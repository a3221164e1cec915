"""The LSTM whose hidden state is a projection of its memory: Sak et al. (2014).

    Γi = σ(W_i [h⟨t−1⟩, x⟨t⟩] + b_i)
    Γf = σ(W_f [h⟨t−1⟩, x⟨t⟩] + b_f)
    c̃  = tanh(W_g [h⟨t−1⟩, x⟨t⟩] + b_g)
    Γo = σ(W_o [h⟨t−1⟩, x⟨t⟩] + b_o)
    c⟨t⟩ = Γi ∗ c̃ + Γf ∗ c⟨t−1⟩
    h⟨t⟩ = W_p (Γo ∗ tanh c⟨t⟩)
    y⟨t⟩ = h⟨t⟩

"Long short-term memory recurrent neural network architectures for large scale acoustic
modeling", eqs. 7–13, without peepholes and with no second, non-recurrent projection:
the form of PyTorch's `torch.nn.LSTM(proj_size=…)`. A wide memory costs M · P recurrent
weights a gate in place of M².
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.cells._gates import slope, squash
from seqjax.initializers import Glorot, Initializer, Orthogonal, per_gate
from seqjax.layer import Array


class ProjectedLSTMParams(NamedTuple):
    """The kernels and the bias, columns i, f, g, o; and the projection."""

    w_x: Array  # [in, 4M]
    w_h: Array  # [P, 4M]
    b: Array  # [4M]
    w_p: Array  # [M, P]


class ProjectedLSTMCarry(NamedTuple):
    """The hidden state and the memory cell."""

    h: Array  # [*batch, P]
    c: Array  # [*batch, M]


@dataclasses.dataclass(frozen=True)
class ProjectedLSTM(Cell):
    """The LSTM with a narrower hidden state: h⟨t⟩ = W_p (Γo ∗ tanh c⟨t⟩).

    Attributes:
      features: P, the width of h and of the output.
      memory_features: M, the number of memory cells; 4 P if it is None, as in the
        paper's networks of 2048 cells and 512 outputs.
      forget_bias: the initial b_f.
      kernel_init: the initializer of each gate's part of `w_x`.
      recurrent_init: the initializer of each gate's part of `w_h`, and of `w_p`.
    """

    features: int
    memory_features: int | None = None
    forget_bias: float = 1.0
    kernel_init: Initializer = Glorot()
    recurrent_init: Initializer = Orthogonal()

    def __post_init__(self):
        super().__post_init__()
        if self.memory_features is not None and not self.memory_features >= 1:
            raise ValueError(
                f"memory_features must be at least 1, not {self.memory_features}"
            )

    @property
    def _memory(self):
        return self.memory_features or 4 * self.features

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernels gate by gate, and the projection."""
        key_x, key_h, key_p = jax.random.split(key, 3)
        P, M = self.features, self._memory
        zero = jnp.zeros(M, dtype)
        return ProjectedLSTMParams(
            w_x=per_gate(self.kernel_init, key_x, in_features, M, 4, dtype),
            w_h=per_gate(self.recurrent_init, key_h, P, M, 4, dtype),
            b=jnp.concatenate([zero, zero + self.forget_bias, zero, zero]),
            w_p=self.recurrent_init(key_p, (M, P), dtype),
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns h⟨0⟩ = 0 and c⟨0⟩ = 0."""
        return ProjectedLSTMCarry(
            h=jnp.zeros((*batch_shape, self.features), dtype),
            c=jnp.zeros((*batch_shape, self._memory), dtype),
        )

    def project(self, params, x):
        """Returns W_x x⟨t⟩, columns i, f, g, o."""
        return x @ params.w_x

    def recur(self, params, carry):
        """Returns W_h h⟨t−1⟩ + b, columns i, f, g, o."""
        return carry.h @ params.w_h + params.b

    def update(self, params, carry, u, v):
        """Returns c⟨t⟩ = Γi ∗ c̃ + Γf ∗ c⟨t−1⟩ and h⟨t⟩ = W_p (Γo ∗ tanh c⟨t⟩)."""
        Γi, Γf, c̃, Γo = jnp.split(squash(u + v, "ssts"), 4, axis=-1)
        c = Γi * c̃ + Γf * carry.c
        h = (Γo * jnp.tanh(c)).astype(u.dtype) @ params.w_p
        return ProjectedLSTMCarry(h, c), h

    def gates(self, params, carry, u, v):
        """Returns Γi, Γf, c̃ and Γo as i, f, g and o."""
        gates = jnp.split(squash(u + v, "ssts"), 4, axis=-1)
        return dict(zip("ifgo", gates, strict=True))

    def residuals(self, params, carry, u, v, after):
        """Returns the gates, and c⟨t⟩."""
        return squash(u + v, "ssts"), after.c

    def pull_back(self, params, carry, residuals, d_after, d_y):
        """Returns δ = ∂L/∂(u + v), through the projection and each gate."""
        gates, c = residuals
        Γi, Γf, c̃, Γo = jnp.split(gates, 4, axis=-1)
        m, w_p = jnp.tanh(c), params.w_p
        d_h = (d_after.h + d_y).astype(w_p.dtype)
        d_m = d_h @ w_p.T
        d_c = d_after.c + d_m * Γo * (1 - m * m)
        local = jnp.concatenate([c̃, carry.c, Γi, m], axis=-1) * slope(gates, "ssts")
        δ = jnp.concatenate([d_c, d_c, d_c, d_m], axis=-1) * local
        d_w_p = jnp.einsum("...i,...j->ij", (Γo * m).astype(w_p.dtype), d_h)
        d_params = jax.tree.map(jnp.zeros_like, params)._replace(w_p=d_w_p)
        d_before = ProjectedLSTMCarry(jnp.zeros_like(d_after.h), d_c * Γf)
        return d_params, d_before, δ, δ
