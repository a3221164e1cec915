"""The GRU whose gate sees the input alone: Feng et al. (2024), minGRU.

    z  = σ(W_z x⟨t⟩ + b_z)
    h̃  = W_h x⟨t⟩ + b_h
    h⟨t⟩ = (1 − z) ∗ h⟨t−1⟩ + z ∗ h̃
    y⟨t⟩ = h⟨t⟩

"Were RNNs all we needed?", section 3.1. No product has the state in it: with a = 1 − z
and b = z ∗ h̃, which are made of the input alone, the recurrence is h⟨t⟩ = a⟨t⟩ ∗
h⟨t−1⟩ + b⟨t⟩, and linear. The paper's log-space form (appendix B) makes h̃ positive, by
g(s) = s + ½ for s ≥ 0 and σ(s) below, since it takes its logarithm; `positive` is that
cell. The logarithms are not taken here: the paper's scan divides by products of a, and
needs them; none here does. So h⟨0⟩, in the paper g(0) = ½, can be 0 as everywhere.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import LinearCell
from seqjax.cells._gates import positive
from seqjax.initializers import Glorot, Initializer, chrono, per_gate
from seqjax.layer import Array
from seqjax.linear import LinearStep


class MinGRUParams(NamedTuple):
    """The kernel and the bias; columns z, h̃."""

    w_x: Array  # [in, 2H]
    b: Array  # [2H]


class MinGRUCarry(NamedTuple):
    """The hidden state."""

    h: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class MinGRU(LinearCell):
    """The minimal GRU: h⟨t⟩ = (1 − z) ∗ h⟨t−1⟩ + z ∗ h̃, both z and h̃ of x⟨t⟩ alone.

    Attributes:
      features: H, the number of units.
      chrono: the longest lag in the data, in steps. If given, b_z is drawn for lags up
        to it; else it is 0. Tallec and Ollivier (2018).
      kernel_init: the initializer of each gate's part of `w_x`.
      positive: whether h̃ is g(W_h x⟨t⟩ + b_h).
    """

    features: int
    chrono: int | None = None
    kernel_init: Initializer = Glorot()
    positive: bool = False

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernel gate by gate, and the bias of the gate."""
        key_x, key_b = jax.random.split(key)
        H = self.features
        remember = chrono(key_b, H, self.chrono, dtype)
        return MinGRUParams(
            w_x=per_gate(self.kernel_init, key_x, in_features, H, 2, dtype),
            b=jnp.concatenate([-remember, jnp.zeros(H, dtype)]),
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns h⟨0⟩ = 0."""
        return MinGRUCarry(jnp.zeros((*batch_shape, self.features), dtype))

    def project(self, params, x):
        """Returns a = 1 − z and b = z ∗ h̃."""
        z, h̃ = jnp.split(x @ params.w_x + params.b, 2, axis=-1)
        z, h̃ = jax.nn.sigmoid(z), positive(h̃) if self.positive else h̃
        return LinearStep(MinGRUCarry(1 - z), MinGRUCarry(z * h̃))

    def gates(self, params, carry, u, v):
        """Returns z, and what it takes of the candidate, z ∗ h̃, as b."""
        return {"z": 1 - u.a.h, "b": u.b.h}
