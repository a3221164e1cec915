"""Gradients by central differences."""

import functools

import chex
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

close_to_differences = functools.partial(
    chex.assert_trees_all_close, rtol=1e-6, atol=1e-7
)


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
