"""Noise for training, drawn outside the scan, which stays free of random keys."""

import zlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

Array = jax.Array


class Keys(NamedTuple):
    """The random keys of a run over a sequence; `of_one` makes them of one key."""

    sequence: Array  # of what is drawn once, and holds at every step
    steps: Array  # of what is drawn at each step

    @classmethod
    def of_one(cls, key: Array) -> "Keys":
        """Splits a key in two."""
        return cls(*jax.random.split(key))

    def within(self, place: int) -> "Keys":
        """Returns the keys of one of several layers."""
        return Keys(*(jax.random.fold_in(key, place) for key in self))

    def of_each_step(self, time: int) -> Array:
        """Returns a key a step, [T]: a function of the place in the sequence alone."""
        return jax.vmap(lambda t: jax.random.fold_in(self.steps, t))(jnp.arange(time))


def keep_some(key: Array, rate: float, shape: tuple[int, ...], dtype: Any) -> Array:
    """Draws zeros, a share `rate` of all, and ones."""
    return jax.random.bernoulli(key, 1 - rate, shape).astype(dtype)


def drop_weights(params: Any, trainable: Any, key: Array, rate: float) -> Any:
    """Drops entries of the recurrent kernels, one draw for a whole sequence.

    DropConnect on W_h, as Merity, Keskar and Socher (2018), section 3, regularise an
    LSTM: the recurrence is thinned without noise from step to step.

    Args:
      params: of any layer. The leaves named `w_h` are the recurrent kernels, as in
        every cell here; shapes could not tell, for `w_x` has the same where inputs are
        as wide as the cell.
      trainable: a tree of booleans like `params`; what is False is left whole.
      key: a random key.
      rate: the share of entries that become zero; the others grow by 1 / (1 − rate).

    Returns:
      A tree like `params`.

    Raises:
      ValueError: no leaf is named `w_h`.
    """
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(params)]
    if not any(_is_recurrent(path) for path in paths):
        raise ValueError(
            "weight dropout needs recurrent kernels, which are parameters named w_h; "
            "this layer has none"
        )

    def leaf(path, w, learned):
        if not learned or not _is_recurrent(path):
            return w
        name = jax.tree_util.keystr(path)
        own = jax.random.fold_in(key, zlib.crc32(name.encode()))
        kept = jax.random.bernoulli(own, 1 - rate, w.shape)
        return jnp.where(kept, w / (1 - rate), 0)

    return jax.tree_util.tree_map_with_path(leaf, params, trainable)


def _is_recurrent(path: Any) -> bool:
    return jax.tree_util.keystr(path[-1:], simple=True) == "w_h"
