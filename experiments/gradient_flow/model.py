"""A network that recalls the first symbol."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from seqjax import Layer, Readout, Stack
from seqjax.inspect import gradient_by_lag
from seqjax.inspect.lags import geometric_mean
from seqjax.losses import cross_entropy


def make_network(layer: Layer, kinds: int) -> Stack:
    """Puts a readout of as many logits as there are symbols on a layer."""
    return Stack((layer, Readout(kinds)))


def last_logits(
    network: Stack,
    params: Any,
    symbols: jax.Array,
    reach: int | None = None,
    key: jax.Array | None = None,
) -> jax.Array:
    """Reads symbols [B, T] and returns the logits at the end, [B, kinds].

    Args:
      network: the network.
      params: its parameters.
      symbols: integers [B, T].
      reach: k2, the last steps that are differentiated; all if None.
      key: of the layers' noise in those steps; none is drawn if None.
    """
    xs = jax.nn.one_hot(symbols.T, network.features)
    carry, xs = constant_beginning(network, params, xs, reach)
    return network.unroll(params, xs, carry, key=key)[1][-1]


def constant_beginning(
    network: Stack, params: Any, xs: jax.Array, reach: int | None
) -> tuple[Any, jax.Array]:
    """The carry before the last `reach` of inputs [T, ...], a constant, and these."""
    if reach is None or reach >= len(xs):
        return None, xs
    carry, _ = network.unroll(params, xs[:-reach])
    return lax.stop_gradient(carry), xs[-reach:]


def loss_of(network: Stack, reach: int | None = None) -> Callable[..., Any]:
    """The loss is −log P of the first symbol at the end, E7.

    Args:
      network: the network.
      reach: as for `last_logits`.
    """

    def loss(params, symbols, key, recurrent_state):
        logits = last_logits(network, params, symbols, reach, key)
        nats = cross_entropy(logits[None], symbols[None, :, 0])
        return nats, jnp.array(len(symbols)), recurrent_state

    return loss


@functools.partial(jax.jit, static_argnums=0)
def share_recalled(network: Stack, params: Any, symbols: jax.Array) -> jax.Array:
    """The share of first symbols of [B, T] that are recalled."""
    logits = last_logits(network, params, symbols)
    return jnp.mean(logits.argmax(axis=-1) == symbols[:, 0])


def norms_by_lag(
    network: Stack, params: Any, symbols: np.ndarray, reach: int | None = None
) -> list[float]:
    """The gradient's norm by lag at the lowest cell, its mean over the rows.

    Args:
      network: the network.
      params: its parameters.
      symbols: to read, [B, T].
      reach: as for `last_logits`; nothing reaches what is further back.
    """
    with jax.enable_x64(True):  # float32 ends at 1e-38
        wide = jax.tree.map(lambda a: np.asarray(a, np.float64), params)
        return geometric_mean(_norms(network, reach, wide, symbols)).tolist()


@functools.partial(jax.jit, static_argnums=(0, 1))
def _norms(
    network: Stack, reach: int | None, params: Any, symbols: jax.Array
) -> jax.Array:
    whole = jax.nn.one_hot(symbols.T, network.features, dtype=float)
    carry, xs = constant_beginning(network, params, whole, reach)
    lowest, *_ = gradient_by_lag(network, params, xs, carry=carry).values()
    return jnp.pad(lowest.norm, ((0, len(whole) - len(xs)), (0, 0)))
