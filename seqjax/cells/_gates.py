"""Gates side by side in one array, through one tanh: σ(z) = ½ tanh(z / 2) + ½.

Compilers vectorise one contiguous tanh; gate by gate they often do not.
"""

import jax.numpy as jnp

from seqjax.layer import Array


def squash(z: Array, gates: str) -> Array:
    """Takes σ or tanh of each gate.

    Args:
      z: [..., G·H], before the activation.
      gates: G letters, in the order of the gates: "s" for σ, "t" for tanh.

    Returns:
      [..., G·H].

    Example:
      >>> squash(jnp.zeros(4), "st").tolist()
      [0.5, 0.5, 0.0, 0.0]
    """
    half = _per_unit(gates, z, s=0.5, t=0.0)
    return jnp.tanh(z * (1 - half)) * (1 - half) + half


def slope(a: Array, gates: str) -> Array:
    """The derivative of `squash` from what it gave: a (1 − a), or 1 − a² for tanh.

    Args:
      a: [..., G·H], from `squash`.
      gates: as there.

    Returns:
      [..., G·H].
    """
    return (a + _per_unit(gates, a, s=0.0, t=1.0)) * (1 - a)


def _per_unit(gates: str, like: Array, **values: float) -> Array:
    each = jnp.array([values[gate] for gate in gates], like.dtype)
    return jnp.repeat(each, like.shape[-1] // len(gates))
