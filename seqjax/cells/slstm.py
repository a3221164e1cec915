"""The LSTM with exponential gates and a normaliser: sLSTM of xLSTM, Beck et al. (2024).

    i, f, z, o = W_x x⟨t⟩ + W_h h⟨t−1⟩ + b
    m⟨t⟩ = max(log σ(f) + m⟨t−1⟩, i)
    i′ = exp(i − m⟨t⟩);  f′ = exp(log σ(f) + m⟨t−1⟩ − m⟨t⟩)
    c⟨t⟩ = f′ ∗ c⟨t−1⟩ + i′ ∗ tanh(z)
    n⟨t⟩ = f′ ∗ n⟨t−1⟩ + i′
    h⟨t⟩ = σ(o) ∗ c⟨t⟩ / n⟨t⟩
    y⟨t⟩ = h⟨t⟩

"xLSTM: extended long short-term memory", eqs. 8–17. The input gate is an exponential,
so that a later input can outweigh all before it; the forget gate is a σ, of the two
that the paper allows. c/n is a mean of the tanh(z) so far, weighted by the gates; m
only keeps the exponentials finite, and cancels. With heads, W_h is block-diagonal: a
unit sees the units of its own head. Left to other layers: the block around the cell
(convolution, group norm, projections).
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.initializers import Glorot, Initializer, Orthogonal, per_gate
from seqjax.layer import Array


class SLSTMParams(NamedTuple):
    """The kernels and the bias; columns i, f, z, o."""

    w_x: Array  # [in, 4H]
    w_h: Array  # [H / heads, 4H]: of a unit's column, the rows are those of its head
    b: Array  # [4H]


class SLSTMCarry(NamedTuple):
    """The hidden state, the memory cell, its normaliser, the scale of both."""

    h: Array  # [*batch, H]
    c: Array  # [*batch, H], e⁻ᵐ of the sum of all inputs
    n: Array  # [*batch, H], e⁻ᵐ of the sum of their weights, never below 0
    m: Array  # [*batch, H], the logarithm of the scale


@dataclasses.dataclass(frozen=True)
class SLSTM(Cell):
    """The LSTM of exponential gates: h⟨t⟩ = σ(o) ∗ c⟨t⟩ / n⟨t⟩.

    Attributes:
      features: H, the number of units.
      heads: how many blocks of H / heads units there are.
      forget_bias: the initial b_f.
      kernel_init: the initializer of each gate's part of `w_x`.
      recurrent_init: the initializer of each gate's part of `w_h`, head by head.
    """

    features: int
    heads: int = 1
    forget_bias: float = 1.0
    kernel_init: Initializer = Glorot()
    recurrent_init: Initializer = Orthogonal()

    def __post_init__(self):
        super().__post_init__()
        if self.heads < 1 or self.features % self.heads:
            raise ValueError(
                f"heads must divide features, and {self.heads} does not divide "
                f"{self.features}"
            )

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernels gate by gate, and head by head."""
        key_x, key_h = jax.random.split(key)
        H, N = self.features, self.heads
        zero = jnp.zeros(H, dtype)
        return SLSTMParams(
            w_x=per_gate(self.kernel_init, key_x, in_features, H, 4, dtype),
            w_h=per_gate(self.recurrent_init, key_h, H // N, H // N, 4 * N, dtype),
            b=jnp.concatenate([zero, zero + self.forget_bias, zero, zero]),
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns zeros: a memory that holds nothing."""
        zero = jnp.zeros((*batch_shape, self.features), dtype)
        return SLSTMCarry(h=zero, c=zero, n=zero, m=zero)

    def project(self, params, x):
        """Returns W_x x⟨t⟩, columns i, f, z, o."""
        return x @ params.w_x

    def recur(self, params, carry):
        """Returns W_h h⟨t−1⟩ + b, columns i, f, z, o."""
        if self.heads == 1:
            return carry.h @ params.w_h + params.b
        batch, (H, N) = carry.h.shape[:-1], (self.features, self.heads)
        h = carry.h.reshape(*batch, N, H // N)
        w_h = params.w_h.reshape(H // N, 4, N, H // N)
        v = jnp.einsum("...nd,dgne->...gne", h, w_h).reshape(*batch, 4 * H)
        return v + params.b

    def update(self, params, carry, u, v):
        """Returns c⟨t⟩, n⟨t⟩ and m⟨t⟩, and h⟨t⟩ = σ(o) ∗ c⟨t⟩ / n⟨t⟩."""
        i, f, z, o, m = self._activations(carry, u, v)
        # A carry that is given may have any sign; one that is computed has n ≥ 0.
        before = jnp.where(carry.n < 0, -carry.n, carry.n)
        c, n = f * carry.c + i * z, f * before + i
        h = o * _ratio(c, jnp.maximum(n, jnp.finfo(n.dtype).tiny))
        return SLSTMCarry(h, c, n, m), h

    def _activations(self, carry, u, v):
        i, f, z, o = jnp.split(u + v, 4, axis=-1)
        kept = jax.nn.log_sigmoid(f) + carry.m
        m = jnp.maximum(kept, i)
        return jnp.exp(i - m), jnp.exp(kept - m), jnp.tanh(z), jax.nn.sigmoid(o), m

    def gates(self, params, carry, u, v):
        """Returns i′, f′, tanh(z) and σ(o) as i, f, z and o."""
        return dict(zip("ifzo", self._activations(carry, u, v)[:4], strict=True))

    def blend(self, before, after, keep):
        """Blends h, and c and n on one scale: they are sums divided by eᵐ."""
        m = jnp.maximum(before.m, after.m)

        def scaled(carry):
            e = jnp.exp(carry.m - m)
            return carry._replace(c=e * carry.c, n=e * carry.n, m=m)

        return super().blend(scaled(before), scaled(after), keep)


@jax.custom_jvp
def _ratio(c, n):
    return c / n


@_ratio.defjvp
def _ratio_jvp(primals, tangents):
    # JAX divides by n², which is rounded to 0 long before n is.
    (c, n), (d_c, d_n) = primals, tangents
    return c / n, d_c / n - d_n / n * (c / n)
