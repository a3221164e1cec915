"""A network that recalls the first symbol."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqjax import Layer, Readout, Stack
from seqjax.inspect import gradient_by_lag
from seqjax.inspect.lags import geometric_mean
from seqjax.losses import cross_entropy


def make_network(layer: Layer, kinds: int) -> Stack:
    """Puts a readout of as many logits as there are symbols on a layer."""
    return Stack((layer, Readout(kinds)))


def last_logits(network: Stack, params: Any, symbols: jax.Array) -> jax.Array:
    """Reads symbols [B, T] and returns the logits at the end, [B, kinds]."""
    xs = jax.nn.one_hot(symbols.T, network.features)
    return network.unroll(params, xs)[1][-1]


def loss_of(network: Stack) -> Callable[..., Any]:
    """The loss is −log P of the first symbol at the end, E7."""

    def loss(params, symbols, key, recurrent_state):
        del key
        logits = last_logits(network, params, symbols)
        nats = cross_entropy(logits[None], symbols[None, :, 0])
        return nats, jnp.array(len(symbols)), recurrent_state

    return loss


@functools.partial(jax.jit, static_argnums=0)
def share_recalled(network: Stack, params: Any, symbols: jax.Array) -> jax.Array:
    """The share of first symbols of [B, T] that are recalled."""
    logits = last_logits(network, params, symbols)
    return jnp.mean(logits.argmax(axis=-1) == symbols[:, 0])


def norms_by_lag(network: Stack, params: Any, symbols: np.ndarray) -> list[float]:
    """The gradient's norm by lag at the lowest cell, its mean over the rows.

    Args:
      network: the network.
      params: its parameters.
      symbols: to read, [B, T].
    """
    with jax.enable_x64(True):  # float32 ends at 1e-38
        wide = jax.tree.map(lambda a: np.asarray(a, np.float64), params)
        return geometric_mean(_norms(network, wide, symbols)).tolist()


@functools.partial(jax.jit, static_argnums=0)
def _norms(network: Stack, params: Any, symbols: jax.Array) -> jax.Array:
    xs = jax.nn.one_hot(symbols.T, network.features, dtype=float)
    lowest, *_ = gradient_by_lag(network, params, xs).values()
    return lowest.norm
