"""Gradients by central differences."""

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree


def central_differences(f, x, step=1e-5):
    """∂f/∂xᵢ ≈ (f(x + h eᵢ) − f(x − h eᵢ)) / 2h, over all basis directions at once.

    Args:
      f: a function of one tree, to a scalar.
      x: a tree of float64 arrays.
      step: h.

    Returns:
      A tree like `x`.
    """
    flat, unravel = ravel_pytree(x)

    def along(direction):
        ahead, behind = (f(unravel(flat + h * direction)) for h in (step, -step))
        return (ahead - behind) / (2 * step)

    return unravel(jax.vmap(along)(jnp.eye(flat.size, dtype=flat.dtype)))
