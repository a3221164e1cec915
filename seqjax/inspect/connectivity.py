"""Connectivity: how much each input mattered for what a network says at each step.

‖∂score⟨t⟩/∂x⟨s⟩‖ for every t and every s ≤ t, as in Madsen (2019), "Visualizing
memorization in RNNs", Distill. Of a text, x⟨s⟩ is the embedding of a letter or a word.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from seqjax.inspect.lags import safe_norm
from seqjax.layer import Array, Layer, Params


def connectivity(
    layer: Layer,
    params: Params,
    xs: Array,
    score: Callable[[Array], Array],
    *,
    chunk: int = 64,
    **options: Any,
) -> Array:
    """Returns how much each input mattered for the score of each step.

    The layer runs forward once, and backward once for each step, `chunk` of them side
    by side. It may be jitted with `layer` and `score` static, and mapped over rows.

    Args:
      layer: any layer that runs forward in time alone.
      params: from `init`.
      xs: the inputs of one row, [T, in], such as embeddings.
      score: from the layer's outputs [T, features] to a number of each step [T], which
        reads that step's output alone: log P of what comes next, or a logit.
      chunk: how many steps to run backward from at a time; memory grows with it.
      **options: resets and dtype of `Layer.unroll`.

    Returns:
      Norms [T, T]: at [t, s] that of ∂score⟨t⟩/∂x⟨s⟩, zero where s > t.

    Raises:
      ValueError: the layer reads what comes later, or `xs` is no [T, in].

    Example:
      >>> from seqjax import GRU
      >>> gru = GRU(4)
      >>> params = gru.init(jax.random.key(0), 3)
      >>> norms = connectivity(gru, params, jnp.ones((5, 3)), lambda ys: ys.sum(axis=1))
      >>> norms.shape, bool(jnp.all(norms == jnp.tril(norms)))
      ((5, 5), True)
    """
    if not layer.causal:
        raise ValueError(f"connectivity is with the past; {layer} also reads the later")
    if xs.ndim != 2:
        raise ValueError(f"xs must be [T, in], not of shape {xs.shape}")

    def scores(xs):
        return score(layer.unroll(params, xs, **options)[1])

    at_steps, pull_back = jax.vjp(scores, xs)

    def norms(cotangent):  # [T]
        return safe_norm(pull_back(cotangent)[0])

    return lax.map(norms, jnp.eye(len(xs), dtype=at_steps.dtype), batch_size=chunk)
