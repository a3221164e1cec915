"""Derivatives by central differences, over all basis directions at once."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

Tree = Any
STEP = 1e-5


def central_differences(f: Callable, x: Tree, step: float = STEP) -> Tree:
    """Returns ∂f/∂xᵢ ≈ (f(x + h eᵢ) − f(x − h eᵢ)) / 2h for every i.

    Args:
      f: a function of one tree, to a scalar.
      x: a tree of float64 arrays.
      step: h.

    Returns:
      A tree like `x`.
    """
    gradient = difference_rows(lambda x: f(x)[None], x, step)
    return jax.tree.map(lambda leaf: leaf[0], gradient)


def difference_rows(f: Callable, x: Tree, step: float = STEP) -> Tree:
    """Returns the central differences of several functions of the same tree.

    Args:
      f: a function of one tree, to an array [rows].
      x: a tree of float64 arrays.
      step: h.

    Returns:
      A tree like `x`, of leaves with an axis of rows before their own.
    """
    flat, unravel = ravel_pytree(x)
    directions = step * jnp.eye(flat.size, dtype=flat.dtype)
    moves = jnp.concatenate([directions, -directions])
    values = jax.vmap(lambda move: f(unravel(flat + move)))(moves)
    ahead, behind = jnp.split(values, 2)  # [directions, rows]
    return jax.vmap(unravel, in_axes=1)((ahead - behind) / (2 * step))
