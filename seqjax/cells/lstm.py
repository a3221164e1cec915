"""Long short-term memory: Hochreiter and Schmidhuber (1997), Gers et al. (2000). E13.

Γi = σ(W_i [h⟨t−1⟩, x⟨t⟩] + b_i)           the course's update gate Γu
Γf = σ(W_f [h⟨t−1⟩, x⟨t⟩] + b_f)           or 1 − Γi where coupled (E16)
c̃  = tanh(W_g [h⟨t−1⟩, x⟨t⟩] + b_g)
Γo = σ(W_o [h⟨t−1⟩, x⟨t⟩] + b_o)
c⟨t⟩ = Γi ∗ c̃ + Γf ∗ c⟨t−1⟩
h⟨t⟩ = Γo ∗ tanh c⟨t⟩                       or Γo ∗ c⟨t⟩ (E14)
y⟨t⟩ = h⟨t⟩                                 the course writes a for h
"""

import dataclasses
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.cells._gates import slope, squash
from seqjax.initializers import Glorot, Initializer, Orthogonal, chrono, per_gate
from seqjax.layer import Array


class LSTMParams(NamedTuple):
    """The kernels and the bias; columns i, f, g, o, without f where coupled."""

    w_x: Array  # [in, 4H]
    w_h: Array  # [H, 4H]
    b: Array  # [4H]


class LSTMCarry(NamedTuple):
    """The hidden state and the memory cell."""

    h: Array  # [*batch, H]
    c: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class LSTM(Cell):
    """The LSTM: c⟨t⟩ = Γi ∗ c̃ + Γf ∗ c⟨t−1⟩; h⟨t⟩ = Γo ∗ tanh c⟨t⟩.

    Attributes:
      features: H, the number of units.
      output_activation: the function of c⟨t⟩ in h⟨t⟩, "tanh" (E13) or "identity" (E14).
      coupled: whether Γf = 1 − Γi (E16); the kernels then have 3H columns: i, g, o.
      forget_bias: the initial b_f, or −b_i where coupled. Jozefowicz et al. (2015).
      chrono: the longest lag in the data, in steps. If given, b_f = −b_i is drawn for
        lags up to it, and `forget_bias` is not used. Tallec and Ollivier (2018).
      kernel_init: the initializer of each gate's part of `w_x`.
      recurrent_init: the initializer of each gate's part of `w_h`.
    """

    features: int
    output_activation: Literal["tanh", "identity"] = "tanh"
    coupled: bool = False
    forget_bias: float = 1.0
    chrono: int | None = None
    kernel_init: Initializer = Glorot()
    recurrent_init: Initializer = Orthogonal()

    def __post_init__(self):
        super().__post_init__()
        if self.output_activation not in ("tanh", "identity"):
            raise ValueError(
                f"output_activation must be 'tanh' or 'identity', "
                f"not {self.output_activation!r}"
            )

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernels gate by gate, and the biases of the memory."""
        key_x, key_h, key_b = jax.random.split(key, 3)
        H, gates = self.features, 3 if self.coupled else 4
        return LSTMParams(
            w_x=per_gate(self.kernel_init, key_x, in_features, H, gates, dtype),
            w_h=per_gate(self.recurrent_init, key_h, H, H, gates, dtype),
            b=self._bias(key_b, dtype),
        )

    def _bias(self, key, dtype):
        zero = jnp.zeros(self.features, dtype)
        remember = zero + self.forget_bias
        if self.chrono is not None:
            remember = chrono(key, self.features, self.chrono, dtype)
        if self.coupled:
            return jnp.concatenate([-remember, zero, zero])
        b_i = zero if self.chrono is None else -remember
        return jnp.concatenate([b_i, remember, zero, zero])

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns h⟨0⟩ = c⟨0⟩ = 0."""
        zero = jnp.zeros((*batch_shape, self.features), dtype)
        return LSTMCarry(h=zero, c=zero)

    def project(self, params, x):
        """Returns W_x x⟨t⟩, columns i, f, g, o."""
        return x @ params.w_x

    def recur(self, params, carry):
        """Returns W_h h⟨t−1⟩ + b, columns i, f, g, o."""
        return carry.h @ params.w_h + params.b

    def update(self, params, carry, u, v):
        """Returns c⟨t⟩ = Γi ∗ c̃ + Γf ∗ c⟨t−1⟩ and h⟨t⟩ = Γo ∗ tanh c⟨t⟩."""
        Γi, Γf, c̃, Γo = self._split(squash(u + v, self._gates))
        c = Γi * c̃ + Γf * carry.c
        h = Γo * self._output(c)
        return LSTMCarry(h, c), h

    def gates(self, params, carry, u, v):
        """Returns Γi, Γf, c̃ and Γo as i, f, g and o."""
        return dict(zip("ifgo", self._split(squash(u + v, self._gates)), strict=True))

    @property
    def _gates(self):
        return "sts" if self.coupled else "ssts"

    def _split(self, gates):
        if not self.coupled:
            return jnp.split(gates, 4, axis=-1)
        Γi, c̃, Γo = jnp.split(gates, 3, axis=-1)
        return Γi, 1 - Γi, c̃, Γo

    def _output(self, c):
        return jnp.tanh(c) if self.output_activation == "tanh" else c

    def residuals(self, params, carry, u, v, after):
        """Returns the gates, and c⟨t⟩."""
        return squash(u + v, self._gates), after.c

    def pull_back(self, params, carry, residuals, d_after, d_y):
        """Returns δ = ∂L/∂(u + v), through the slope of each gate."""
        gates, c = residuals
        Γi, Γf, c̃, Γo = self._split(gates)
        m, d_h = self._output(c), d_after.h + d_y
        d_c = d_after.c + d_h * Γo * self._output_slope(m)
        of_gates = [c̃ - carry.c, Γi, m] if self.coupled else [c̃, carry.c, Γi, m]
        to_gates = [d_c] * (len(of_gates) - 1) + [d_h]
        local = jnp.concatenate(of_gates, axis=-1) * slope(gates, self._gates)
        δ = jnp.concatenate(to_gates, axis=-1) * local
        return None, LSTMCarry(h=jnp.zeros_like(d_h), c=d_c * Γf), δ, δ

    def _output_slope(self, m):
        return 1 - m * m if self.output_activation == "tanh" else jnp.ones_like(m)
