"""Layer normalisation: Ba, Kiros and Hinton (2016), eq. 4, without its bias."""

import jax.numpy as jnp
from jax import lax

from seqjax.layer import Array


def normalize(a: Array, scale: Array, epsilon: float) -> Array:
    """Returns α ∗ (a − μ) / sqrt(σ² + ε), with μ and σ² over the last axis.

    Args:
      a: [..., units].
      scale: α, [units].
      epsilon: ε, added to the variance.
    """
    centered = a - jnp.mean(a, axis=-1, keepdims=True)
    variance = jnp.mean(centered * centered, axis=-1, keepdims=True)
    return scale * centered * lax.rsqrt(variance + epsilon)
