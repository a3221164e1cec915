"""Initializers of kernels. Each is a frozen dataclass, so that a cell can hold one.

All are called as ``initializer(key, shape, dtype)`` with a kernel's shape
[in, out], and all but `Zeros` scale with it.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.nn import initializers

Array = jax.Array
Initializer = Callable[[Array, tuple[int, int], Any], Array]


@dataclasses.dataclass(frozen=True)
class Zeros:
    """Zeros."""

    def __call__(self, key: Array, shape: tuple[int, int], dtype: Any) -> Array:
        """Returns zeros of `shape`."""
        return jnp.zeros(shape, dtype)


@dataclasses.dataclass(frozen=True)
class Glorot:
    """A uniform draw with Var w = 2 / (in + out). Glorot and Bengio (2010), eq. 16."""

    def __call__(self, key: Array, shape: tuple[int, int], dtype: Any) -> Array:
        """Draws a kernel of `shape`."""
        return initializers.glorot_uniform()(key, shape, dtype)


@dataclasses.dataclass(frozen=True)
class He:
    """A normal draw with Var w = 2 / in, for ReLU. He et al. (2015), eq. 10."""

    def __call__(self, key: Array, shape: tuple[int, int], dtype: Any) -> Array:
        """Draws a kernel of `shape`."""
        return initializers.he_normal()(key, shape, dtype)


@dataclasses.dataclass(frozen=True)
class Orthogonal:
    """A random orthogonal matrix times `scale`. Saxe et al. (2014)."""

    scale: float = 1.0

    def __call__(self, key: Array, shape: tuple[int, int], dtype: Any) -> Array:
        """Draws a kernel of `shape`."""
        wide = jnp.promote_types(dtype, jnp.float32)  # QR has no half precision
        return initializers.orthogonal(self.scale)(key, shape, wide).astype(dtype)


@dataclasses.dataclass(frozen=True)
class ScaledIdentity:
    """The identity times `scale`, for a ReLU recurrence. Le, Jaitly, Hinton (2015)."""

    scale: float = 1.0

    def __call__(self, key: Array, shape: tuple[int, int], dtype: Any) -> Array:
        """Returns `scale` times the identity of `shape`."""
        return self.scale * jnp.eye(*shape, dtype=dtype)


@dataclasses.dataclass(frozen=True)
class Sparse:
    """A sparse uniform draw, scaled to a spectral radius. Jaeger (2001).

    Attributes:
      density: the fraction of weights that are not zero; these are drawn uniformly
        from [−1, 1].
      spectral_radius: the largest absolute eigenvalue, after scaling.
    """

    density: float = 0.1
    spectral_radius: float = 0.9

    def __call__(self, key: Array, shape: tuple[int, int], dtype: Any) -> Array:
        """Draws a square kernel of `shape`."""
        key_kept, key_values = jax.random.split(key)
        wide = jnp.promote_types(dtype, jnp.float32)
        kept = jax.random.bernoulli(key_kept, self.density, shape)
        w = jax.random.uniform(key_values, shape, wide, -1.0, 1.0) * kept
        return scale_to_spectral_radius(w, self.spectral_radius).astype(dtype)


def scale_to_spectral_radius(w: Array, radius: float) -> Array:
    """Scales a square matrix to a spectral radius; leaves a nilpotent one alone.

    Gelfand's formula, ρ(W) = lim ‖Wᵏ‖^(1/k), at k = 2¹⁶ by squaring: it runs wherever
    JAX does, which the eigenvalues of unsymmetric matrices do not.
    """
    log_radius, power = 0.0, w
    for i in range(17):
        norm = jnp.linalg.norm(power)
        log_radius += jnp.log(norm) / 2**i
        power = power / jnp.where(norm > 0, norm, 1)
        power = power @ power
    current = jnp.exp(log_radius)
    return w * jnp.where(current > 0, radius / current, 1)


def per_gate(
    initializer: Initializer, key: Array, rows: int, features: int, gates: int, dtype
) -> Array:
    """Draws a kernel for each gate and fuses them: [rows, gates · features].

    A fused matrix drawn at once would be scaled, or orthogonal, as a whole, and its
    gates would not be.

    Args:
      initializer: draws the kernel of one gate.
      key: a random key.
      rows: the width of what the kernel multiplies.
      features: the columns of one gate.
      gates: how many gates.
      dtype: of the result.
    """
    keys = jax.random.split(key, gates)
    return jnp.concatenate([initializer(k, (rows, features), dtype) for k in keys], -1)


def chrono(key: Array, features: int, longest: int | None, dtype: Any) -> Array:
    """Draws forget-gate biases for lags up to `longest` steps: log U(1, longest − 1).

    The input gate's bias is the negative. Tallec and Ollivier (2018), eq. 16; the GRUs
    here, which have one gate for both, take the same.

    Args:
      key: a random key.
      features: how many biases.
      longest: the longest lag in the data, in steps, above 2; None for zeros.
      dtype: of the result.

    Returns:
      [features].
    """
    if longest is None:
        return jnp.zeros(features, dtype)
    if longest <= 2:
        raise ValueError(f"chrono needs a longest lag above 2 steps, not {longest}")
    return jnp.log(jax.random.uniform(key, (features,), dtype, 1.0, longest - 1.0))
