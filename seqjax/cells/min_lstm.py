"""The LSTM whose gates see the input alone: Feng et al. (2024), minLSTM.

    f  = σ(W_f x⟨t⟩ + b_f)
    i  = σ(W_i x⟨t⟩ + b_i)
    h̃  = W_h x⟨t⟩ + b_h
    h⟨t⟩ = f / (f + i) ∗ h⟨t−1⟩ + i / (f + i) ∗ h̃
    y⟨t⟩ = h⟨t⟩

"Were RNNs all we needed?", section 3.2: the gates are scaled to add up to 1, and there
is no output gate and no tanh, so that a state is a mean of the candidates. As in
`min_gru`, the recurrence is h⟨t⟩ = a⟨t⟩ ∗ h⟨t−1⟩ + b⟨t⟩ with a and b of the input
alone, and `positive` is the cell of the paper's log-space form (appendix B). Its gates
are f / (f + i) = (1 + exp −i) / (2 + exp −i + exp −f), of i and f before their σ, with
all three terms scaled down by the largest: two small gates would be rounded away.
"""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax

from seqjax.cell import LinearCell
from seqjax.cells._gates import positive
from seqjax.initializers import Glorot, Initializer, per_gate
from seqjax.layer import Array
from seqjax.linear import LinearStep


class MinLSTMParams(NamedTuple):
    """The kernel and the bias; columns i, f, h̃."""

    w_x: Array  # [in, 3H]
    b: Array  # [3H]


class MinLSTMCarry(NamedTuple):
    """The hidden state."""

    h: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class MinLSTM(LinearCell):
    """The minimal LSTM: h⟨t⟩ = f′ ∗ h⟨t−1⟩ + i′ ∗ h̃ with f′ + i′ = 1, of x⟨t⟩ alone.

    Attributes:
      features: H, the number of units.
      forget_bias: the initial b_f.
      kernel_init: the initializer of each gate's part of `w_x`.
      positive: whether h̃ is g(W_h x⟨t⟩ + b_h), with g as in `min_gru`.
    """

    features: int
    forget_bias: float = 1.0
    kernel_init: Initializer = Glorot()
    positive: bool = False

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernel gate by gate."""
        H = self.features
        zero = jnp.zeros(H, dtype)
        return MinLSTMParams(
            w_x=per_gate(self.kernel_init, key, in_features, H, 3, dtype),
            b=jnp.concatenate([zero, zero + self.forget_bias, zero]),
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns h⟨0⟩ = 0."""
        return MinLSTMCarry(jnp.zeros((*batch_shape, self.features), dtype))

    def project(self, params, x):
        """Returns a = f′ = f / (f + i) and b = i′ ∗ h̃."""
        i, f, h̃ = jnp.split(x @ params.w_x + params.b, 3, axis=-1)
        largest = lax.stop_gradient(jnp.maximum(jnp.maximum(-i, -f), 0))
        one, i, f = (jnp.exp(z - largest) for z in (0, -i, -f))
        total, h̃ = 2 * one + i + f, positive(h̃) if self.positive else h̃
        return LinearStep(
            MinLSTMCarry((one + i) / total), MinLSTMCarry((one + f) / total * h̃)
        )

    def gates(self, params, carry, u, v):
        """Returns f′, and what i′ takes of the candidate, i′ ∗ h̃, as b."""
        return {"f": u.a.h, "b": u.b.h}
