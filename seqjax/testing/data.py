"""Random data for the laws: never constant, never symmetric, the same each time."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqjax import Layer
from seqjax.layers import Attention

Tree = Any


class Arguments(NamedTuple):
    """What a sequence is unrolled with, or a gradient with respect to it."""

    params: Tree
    inputs: Any  # [T, rows, in]
    carry: Tree  # leaves [rows, ...]


def random_like(tree: Tree, seed: int) -> Tree:
    """Draws normal float64 NumPy arrays, of standard deviation 0.7, like a tree's."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda leaf: np.asarray(0.7 * rng.normal(size=leaf.shape)), tree
    )


def parameter_shapes(layer: Layer, in_features: int, dtype: Any = jnp.float32) -> Tree:
    """Returns the shapes and dtypes of what `init` draws."""
    return jax.eval_shape(lambda key: layer.init(key, in_features, dtype), _key())


def _key():
    return jax.eval_shape(lambda: jax.random.key(0))


@functools.singledispatch
def complete(layer: Layer, params: Tree, batch_shape: tuple[int, ...]) -> Tree:
    """Adds to the parameters what `init` does not draw, such as a memory to attend to.

    The laws call it for every layer. It returns the parameters as they are, unless a
    function is registered for the layer's class: ``@complete.register``.

    Args:
      layer: the layer.
      params: like what its `init` returns.
      batch_shape: the batch axes, with which leaves that are added may begin.

    Returns:
      The parameters to unroll the layer with.
    """
    del layer, batch_shape
    return params


@complete.register
def _(layer: Attention, params, batch_shape):
    rng = np.random.default_rng(4)
    longest = 3
    values = rng.normal(size=(*batch_shape, longest, layer.memory_features))
    lengths = rng.integers(1, longest + 1, size=batch_shape)
    mask = np.arange(longest) < lengths[..., None]
    values = jnp.where(mask[..., None], values, np.nan)
    return layer.remember(params, values, jnp.asarray(mask))


@functools.cache
def random_params(
    layer: Layer, in_features: int, batch_shape: tuple[int, ...] = (), seed: int = 1
) -> Tree:
    """Draws parameters of which none is zero, biases included, and completes them."""
    drawn = random_like(parameter_shapes(layer, in_features), seed)
    drawn = jax.tree.map(jnp.asarray, drawn)
    return jax.device_get(complete(layer, drawn, batch_shape))


def random_carry(layer: Layer, batch_shape: tuple[int, ...], seed: int = 2) -> Tree:
    """Draws a carry of which nothing is zero."""
    return random_like(jax.eval_shape(lambda: layer.initial_carry(batch_shape)), seed)


def random_inputs(*shape: int, seed: int = 3) -> np.ndarray:
    """Draws normal inputs."""
    return np.random.default_rng(seed).normal(size=shape)


@functools.cache
def random_arguments(
    layer: Layer, in_features: int, steps: int, rows: int, draw: int = 0
) -> Arguments:
    """Draws everything that a sequence is unrolled with; `draw` tells draws apart."""
    return Arguments(
        random_params(layer, in_features, (rows,), seed=1 + 10 * draw),
        random_inputs(steps, rows, in_features, seed=3 + 10 * draw),
        random_carry(layer, (rows,), seed=2 + 10 * draw),
    )


@functools.cache
def row_axes(layer: Layer, in_features: int) -> Arguments:
    """Returns each leaf's axis of rows, or −1, in a tree like `Arguments`."""
    drawn = parameter_shapes(layer, in_features)

    def of_rows(rows):
        return jax.eval_shape(lambda params: complete(layer, params, (rows,)), drawn)

    two, five = of_rows(2), of_rows(5)
    params = jax.tree.map(lambda a, b: -1 if a.shape == b.shape else 0, two, five)
    carry = jax.tree.map(lambda _: 0, jax.eval_shape(layer.initial_carry))
    return Arguments(params, 1, carry)


def random_flags(*shape: int, seed: int = 6) -> dict[str, np.ndarray]:
    """Draws a mask and resets, as the keywords of `unroll`."""
    mask, resets = np.random.default_rng(seed).random((2, *shape)) < 0.6
    return {"mask": mask, "resets": resets}


def patterns(steps: int) -> np.ndarray:
    """Returns every pattern of flags over time, [steps, 2 ** steps]."""
    bits = np.arange(2**steps) >> np.arange(steps)[:, None] & 1
    return bits.astype(bool)


def every_mask_and_reset(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns every mask together with every pattern of resets, [steps, 4 ** steps]."""
    flags = patterns(steps)
    return np.repeat(flags, 2**steps, axis=1), np.tile(flags, 2**steps)


STEPS = 3
MASK, RESETS = every_mask_and_reset(STEPS)
ROWS = MASK.shape[1]


def append_axes(flags: np.ndarray, array: np.ndarray) -> np.ndarray:
    """Gives flags as many axes of length one at the end as an array has more."""
    return flags.reshape(flags.shape + (1,) * (array.ndim - flags.ndim))


def poison(mask: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Puts NaN and infinities wherever the mask is False."""
    bad = np.resize([np.nan, np.inf, -np.inf], inputs.shape)
    return np.where(append_axes(mask, inputs), inputs, bad)
