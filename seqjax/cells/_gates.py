"""Gates side by side in one array, through one tanh: σ(z) = ½ tanh(z / 2) + ½.

Compilers vectorise one contiguous tanh; gate by gate they often do not.
"""

import functools

import jax
import jax.numpy as jnp
from jax import lax

from seqjax.layer import Array


def squash(z: Array, gates: str) -> Array:
    """Takes σ or tanh of each gate.

    Args:
      z: the gates before their activation, [..., G·H].
      gates: G letters, in the order of the gates: "s" for σ, "t" for tanh.

    Returns:
      The gates, [..., G·H].

    Example:
      >>> squash(jnp.zeros(4), "st").tolist()
      [0.5, 0.5, 0.0, 0.0]
    """
    half = _per_unit(gates, z, s=0.5, t=0.0)
    return jnp.tanh(z * (1 - half)) * (1 - half) + half


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def split(a: Array, count: int) -> list[Array]:
    """Splits an array on its last axis, after it is computed as a whole.

    It is for gates that are all read in one elementwise expression. XLA would fuse
    their tanh into that expression's loop, where it does not vectorise it on a CPU,
    which took six times as long. An offset that XLA cannot know keeps the two apart.

    Args:
      a: [..., G·H].
      count: G, the number of gates.

    Returns:
      G arrays [..., H].
    """
    if jax.default_backend() != "cpu":
        return jnp.split(a, count, axis=-1)
    width = a.shape[-1] // count
    zero = lax.optimization_barrier(jnp.int32(0))
    return [
        lax.dynamic_slice_in_dim(a, zero + i * width, width, axis=-1)
        for i in range(count)
    ]


@split.defjvp
def _split_jvp(count, primals, tangents):
    (a,), (d_a,) = primals, tangents
    return split(a, count), jnp.split(d_a, count, axis=-1)


def positive(s: Array) -> Array:
    """Returns g(s) = s + ½ for s ≥ 0 and σ(s) below, which is above 0 everywhere.

    Feng et al. (2024), appendix B.
    """
    return jnp.where(s >= 0, s + 0.5, jax.nn.sigmoid(s))


def slope(a: Array, gates: str) -> Array:
    """Returns the derivative of `squash` from its value: a (1 − a), or 1 − a² for tanh.

    Args:
      a: the gates from `squash`, [..., G·H].
      gates: as there.

    Returns:
      [..., G·H].
    """
    return (a + _per_unit(gates, a, s=0.0, t=1.0)) * (1 - a)


def _per_unit(gates: str, like: Array, **values: float) -> Array:
    """Returns the value of each unit's kind of gate: [G·H]."""
    per_gate = jnp.array([values[gate] for gate in gates], like.dtype)
    return jnp.repeat(per_gate, like.shape[-1] // len(gates))
