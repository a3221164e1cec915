"""The basic recurrent cell: Elman (1990), "Finding structure in time". E2.

    h⟨t⟩ = g(W_x x⟨t⟩ + W_h h⟨t−1⟩ + b)        the course writes a for h
    y⟨t⟩ = h⟨t⟩

g is tanh, ReLU, or any elementwise function.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.initializers import Glorot, Initializer, Orthogonal
from seqjax.layer import Array

# The slope g′ as a function of g itself, for the activations that allow it.
SLOPES: dict[Any, Callable[[Array], Array]] = {
    "tanh": lambda h: 1 - h * h,
    "relu": lambda h: (h > 0).astype(h.dtype),
    "sigmoid": lambda h: h * (1 - h),
}


class ElmanParams(NamedTuple):
    """The kernels and the bias."""

    w_x: Array  # [in, H]
    w_h: Array  # [H, H]
    b: Array  # [H]


class ElmanCarry(NamedTuple):
    """The hidden state."""

    h: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class Elman(Cell):
    """The basic cell: h⟨t⟩ = g(W_x x⟨t⟩ + W_h h⟨t−1⟩ + b).

    Attributes:
      features: H, the number of units.
      activation: g, by its name in `jax.nn` or as a function.
      kernel_init: the initializer of `w_x`.
      recurrent_init: the initializer of `w_h`; `ScaledIdentity()` suits ReLU.
    """

    features: int
    activation: Literal["tanh", "relu"] | str | Callable[[Array], Array] = "tanh"
    kernel_init: Initializer = Glorot()
    recurrent_init: Initializer = Orthogonal()

    def __post_init__(self):
        super().__post_init__()
        if isinstance(self.activation, str) and not hasattr(jax.nn, self.activation):
            raise ValueError(f"jax.nn has no activation {self.activation!r}")

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the kernels; the bias is zero."""
        key_x, key_h = jax.random.split(key)
        H = self.features
        return ElmanParams(
            w_x=self.kernel_init(key_x, (in_features, H), dtype),
            w_h=self.recurrent_init(key_h, (H, H), dtype),
            b=jnp.zeros(H, dtype),
        )

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns h⟨0⟩ = 0."""
        return ElmanCarry(jnp.zeros((*batch_shape, self.features), dtype))

    def project(self, params, x):
        """Returns W_x x⟨t⟩."""
        return x @ params.w_x

    def recur(self, params, carry):
        """Returns W_h h⟨t−1⟩ + b."""
        return carry.h @ params.w_h + params.b

    def update(self, params, carry, u, v):
        """Returns h⟨t⟩ = g(u + v)."""
        name = self.activation
        g = getattr(jax.nn, name) if isinstance(name, str) else name
        h = g(u + v)
        return ElmanCarry(h), h

    def residuals(self, params, carry, u, v, after):
        """Returns h⟨t⟩ alone, where the slope of g follows from it."""
        if self.activation in SLOPES:
            return after.h
        return super().residuals(params, carry, u, v, after)

    def pull_back(self, params, carry, residuals, d_after, d_y):
        """Returns δ = (∂L/∂h⟨t⟩) g′ for u and v, with g′ from h⟨t⟩."""
        if self.activation not in SLOPES:
            return super().pull_back(params, carry, residuals, d_after, d_y)
        δ = (d_after.h + d_y) * SLOPES[self.activation](residuals)
        return None, ElmanCarry(jnp.zeros_like(d_after.h)), δ, δ
