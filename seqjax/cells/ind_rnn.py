"""The network of units that see no other: IndRNN, Li et al. (2018).

    h⟨t⟩ = relu(W_x x⟨t⟩ + w_h ∗ h⟨t−1⟩ + b)
    y⟨t⟩ = h⟨t⟩

"Independently recurrent neural network (IndRNN)", eq. 4; the paper writes u for w_h. A
gradient goes back T steps as w_h to the power T, so that its size is set by unit: the
paper keeps |w_h| ≤ γ^(1/T), and draws it uniformly up to there. Units meet in the layer
above: stack two or more.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.initializers import He, Initializer
from seqjax.layer import Array


class IndRNNParams(NamedTuple):
    """The kernel, a recurrent weight for each unit, and the bias."""

    w_x: Array  # [in, H]
    w_h: Array  # [H]
    b: Array  # [H]


class IndRNNCarry(NamedTuple):
    """The hidden state."""

    h: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class IndRNN(Cell):
    """Units with a recurrence of their own: h⟨t⟩ = relu(W_x x⟨t⟩ + w_h ∗ h⟨t−1⟩ + b).

    Attributes:
      features: H, the number of units.
      longest: T, the length in steps over which a gradient may grow to γ times its
        size; w_h begins uniform in [0, γ^(1/T)], or in [0, 1] if it is None. Training
        moves w_h freely: the paper clips it to ±γ^(1/T) after each update.
      gamma: γ, 2 in the paper's experiments.
      kernel_init: the initializer of `w_x`.
    """

    features: int
    longest: int | None = None
    gamma: float = 2.0
    kernel_init: Initializer = He()

    def __post_init__(self):
        super().__post_init__()
        if self.longest is not None and not self.longest >= 1:
            raise ValueError(f"longest must be at least 1 step, not {self.longest}")
        if not self.gamma > 0:
            raise ValueError(f"gamma must be above 0, not {self.gamma}")

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernel and the recurrent weights; the bias is zero."""
        key_x, key_h = jax.random.split(key)
        H = self.features
        bound = 1.0 if self.longest is None else self.gamma ** (1 / self.longest)
        return IndRNNParams(
            w_x=self.kernel_init(key_x, (in_features, H), dtype),
            w_h=jax.random.uniform(key_h, (H,), dtype, 0.0, bound),
            b=jnp.zeros(H, dtype),
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns h⟨0⟩ = 0."""
        return IndRNNCarry(jnp.zeros((*batch_shape, self.features), dtype))

    def project(self, params, x):
        """Returns W_x x⟨t⟩."""
        return x @ params.w_x

    def recur(self, params, carry):
        """Returns w_h ∗ h⟨t−1⟩ + b."""
        return carry.h * params.w_h + params.b

    def update(self, params, carry, u, v):
        """Returns h⟨t⟩ = relu(u + v)."""
        h = jax.nn.relu(u + v)
        return IndRNNCarry(h), h

    def residuals(self, params, carry, u, v, after):
        """Returns h⟨t⟩, from which the slope follows."""
        return after.h

    def pull_back(self, params, carry, residuals, d_after, d_y):
        """Returns δ = ∂L/∂h⟨t⟩ where h⟨t⟩ is above zero, for u and v."""
        δ = (d_after.h + d_y) * (residuals > 0)
        return None, IndRNNCarry(jnp.zeros_like(d_after.h)), δ, δ
