"""The neighbours of each place of a grid: a convolution is a product with them.

On a CPU such a product is faster than XLA's own convolution inside of a loop, and under
`vmap` over kernels.
"""

import itertools

import jax
import jax.numpy as jnp

Array = jax.Array


def patches(x: Array, reach: tuple[int, int], stride: int = 1) -> Array:
    """Puts the neighbours of every `stride`-th place side by side, zero outside.

    Args:
      x: [..., H, W, C].
      reach: how many places up and down, and to either side: K = (2 · reach[0] + 1) ·
        (2 · reach[1] + 1) in all.
      stride: 1 or more.

    Returns:
      [..., ⌈H / stride⌉, ⌈W / stride⌉, K · C], row by row, the channels innermost.

    Example:
      >>> patches(jnp.arange(3.0).reshape(1, 3, 1), (0, 1))[0].tolist()
      [[0.0, 0.0, 1.0], [0.0, 1.0, 2.0], [1.0, 2.0, 0.0]]
    """
    height, width = x.shape[-3:-1]
    edges = [(0, 0)] * (x.ndim - 3) + [(n, n) for n in reach] + [(0, 0)]
    padded = jnp.pad(x, edges)
    parts = [
        padded[..., i : i + height : stride, j : j + width : stride, :]
        for i, j in itertools.product(*(range(2 * n + 1) for n in reach))
    ]
    return jnp.concatenate(parts, axis=-1)
