"""Masks: which steps of a padded batch are real."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

Array = jax.Array


def from_lengths(lengths: Array, time: int) -> Array:
    """Marks the first `lengths[b]` steps of each row as valid.

    Args:
      lengths: integers [*batch], 0 allowed.
      time: the padded length T.

    Returns:
      bool [T, *batch].

    Raises:
      ValueError: a length is negative or above T, where its value is known: inside
        `jax.jit` it is not.

    Example:
      >>> from_lengths(jnp.array([3, 0]), 3).T.tolist()
      [[True, True, True], [False, False, False]]
    """
    _check_lengths(lengths, time)
    lengths = jnp.asarray(lengths)
    return jnp.expand_dims(jnp.arange(time), range(1, lengths.ndim + 1)) < lengths


def _check_lengths(lengths: Array, time: int) -> None:
    if isinstance(lengths, Tracer):  # the values are not known yet
        return
    if not getattr(lengths, "is_fully_addressable", True):  # some are on other hosts
        return
    values = np.asarray(lengths)
    bad = values[(values < 0) | (values > time)]
    if bad.size:
        raise ValueError(
            f"lengths must be between 0 and the padded length {time}, got {bad[0]}"
        )


def starts_after(done: Array, before: Array | None = None) -> Array:
    """Marks the steps that begin an episode: those after a step that ended one.

    For `resets`, which put the first state back before a step, while an environment
    says of a step whether the episode ended with it: so `done[t − 1]` resets step t.

    Args:
      done: bool [T, *batch], True where an episode ended with step t.
      before: the same of the step before the first, [*batch]; by default none ended
        there, and a carry that is given to `unroll` goes on.

    Returns:
      bool [T, *batch].

    Example:
      >>> starts_after(jnp.array([False, True, False, True])).tolist()
      [False, False, True, False]
    """
    done = jnp.asarray(done)
    first = jnp.zeros_like(done[:1]) if before is None else jnp.asarray(before)[None]
    return jnp.concatenate([first, done])[: len(done)]


def select(valid: Array | None, new: Any, old: Any) -> Any:
    """Returns `new` where valid and `old` elsewhere, leaf by leaf.

    Args:
      valid: bool [*batch], or None for everywhere.
      new: a tree of arrays [*batch, ...].
      old: a tree like `new`.

    Returns:
      A tree like `new`, in its dtypes.
    """
    if valid is None:
        return new

    def leaf(n: Array, o: Array) -> Array:
        aligned = jnp.expand_dims(valid, range(valid.ndim, n.ndim))
        return jnp.where(aligned, n, o.astype(n.dtype))

    return jax.tree.map(leaf, new, old)


def zero_invalid(valid: Array | None, xs: Any) -> Any:
    """Puts zero wherever `valid` [*batch] is False, in place even of NaN."""
    return select(valid, xs, jax.tree.map(jnp.zeros_like, xs))
