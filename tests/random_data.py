"""Random data: never constant, never symmetric, and the same each time."""

import functools

import jax
import jax.numpy as jnp
from discovered import IN

from seqjax.testing import data
from seqjax.testing.data import append_axes, patterns, poison, random_flags

__all__ = ["append_axes", "patterns", "poison", "random_flags"]


def random_like(tree, seed):
    """Normal float64 arrays of the shapes of a tree, of standard deviation 0.7."""
    return jax.tree.map(jnp.asarray, data.random_like(tree, seed))


@functools.cache
def random_params(layer, in_features=IN, seed=1):
    """Parameters of which none is zero, biases and peepholes included."""
    drawn = data.random_params(layer, in_features, seed=seed)
    return jax.tree.map(jnp.asarray, drawn)


def random_carry(layer, batch_shape, seed=2):
    return jax.tree.map(jnp.asarray, data.random_carry(layer, batch_shape, seed))


def random_inputs(*shape, seed=3):
    return jnp.asarray(data.random_inputs(*shape, IN, seed=seed))


def random_arguments(layer, steps, rows):
    """Parameters, inputs and a carry, in NumPy."""
    return data.random_arguments(layer, IN, steps, rows)


def weighted_sum(tree, array=jnp.asarray):
    """A sum of all entries, each with a random weight of its own; `array` makes one."""
    weights = data.random_like(tree, seed=7)
    products = jax.tree.map(lambda w, leaf: (array(w) * leaf).sum(), weights, tree)
    return sum(jax.tree.leaves(products))
