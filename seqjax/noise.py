"""Noise for training, drawn outside the scan: masks are data."""

import zlib
from typing import Any

import jax
import jax.numpy as jnp

Array = jax.Array


def drop_weights(params: Any, trainable: Any, key: Array, rate: float) -> Any:
    """Drops entries of the recurrent kernels, one draw for a whole sequence.

    DropConnect on W_h, as Merity, Keskar and Socher (2018), section 3, regularise an
    LSTM: the recurrence is thinned without noise from step to step.

    Args:
      params: of any layer; leaves named `w_h` are the recurrent kernels.
      trainable: a tree of booleans like `params`; what is False is left whole.
      key: a random key.
      rate: the share of entries that become zero; the others grow by 1 / (1 − rate).

    Returns:
      A tree like `params`.
    """

    def leaf(path, w, learned):
        if not learned or jax.tree_util.keystr(path[-1:], simple=True) != "w_h":
            return w
        name = jax.tree_util.keystr(path)
        own = jax.random.fold_in(key, zlib.crc32(name.encode()))
        kept = jax.random.bernoulli(own, 1 - rate, w.shape)
        return jnp.where(kept, w / (1 - rate), 0)

    return jax.tree_util.tree_map_with_path(leaf, params, trainable)
