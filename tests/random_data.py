"""Random data for the laws: never constant, never symmetric, and the same each time."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from discovered import IN, parameter_shapes


def random_like(tree, seed):
    """Normal float64 arrays of the shapes of a tree, of standard deviation 0.7."""
    leaves, structure = jax.tree.flatten(tree)
    rng = np.random.default_rng(seed)
    drawn = [jnp.asarray(0.7 * rng.normal(size=leaf.shape)) for leaf in leaves]
    return structure.unflatten(drawn)


@functools.cache
def random_params(layer, in_features=IN, seed=1):
    """Parameters of which none is zero, biases and peepholes included."""
    return random_like(parameter_shapes(layer, in_features), seed)


def random_carry(layer, batch_shape, seed=2):
    return random_like(layer.initial_carry(batch_shape), seed)


def random_inputs(*shape, seed=3):
    return jnp.asarray(np.random.default_rng(seed).normal(size=(*shape, IN)))


def random_arguments(layer, steps, rows):
    """Parameters, inputs and a carry, in NumPy."""
    carry = random_carry(layer, (rows,))
    return jax.device_get((random_params(layer), random_inputs(steps, rows), carry))


def random_flags(*shape, seed=6):
    """A mask and resets, as the keywords of `unroll`."""
    mask, resets = np.random.default_rng(seed).random((2, *shape)) < 0.6
    return {"mask": mask, "resets": resets}


def patterns(steps):
    """Every pattern of flags over time: bool [steps, 2 ** steps]."""
    bits = np.arange(2**steps) >> np.arange(steps)[:, None] & 1
    return bits.astype(bool)


def every_mask_and_reset(steps):
    """Every mask together with every pattern of resets: twice [steps, 4 ** steps]."""
    flags = patterns(steps)
    return np.repeat(flags, 2**steps, axis=1), np.tile(flags, 2**steps)


def append_axes(flags, array):
    """Flags with axes of length one at the end, as many as the array has more."""
    return flags.reshape(flags.shape + (1,) * (array.ndim - flags.ndim))


def poison(mask, xs):
    """Puts NaN and infinities wherever the mask is False."""
    bad = np.resize([np.nan, np.inf, -np.inf], xs.shape)
    return np.where(append_axes(mask, xs), xs, bad)


def weighted_sum(tree, array=jnp.asarray):
    """A sum of all entries, each with a random weight of its own; `array` makes one."""
    weights = jax.device_get(random_like(tree, seed=7))
    products = jax.tree.map(lambda w, leaf: (array(w) * leaf).sum(), weights, tree)
    return sum(jax.tree.leaves(products))
