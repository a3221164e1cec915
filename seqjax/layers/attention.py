"""Attention: a layer that reads, at each step, a mean of a memory weighted by fit.

α⟨t, j⟩ = softmax_j(e⟨t, j⟩); context c⟨t⟩ = Σ_j α⟨t, j⟩ h⟨j⟩

The memory h is what an encoder made of another sequence. It is constant while the
layer walks, so it stands among the parameters: `remember` puts it there.
"""

import abc
import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from seqjax.initializers import Glorot, Initializer
from seqjax.layer import Array, Carry, Cell, Layer, Params
from seqjax.masks import zero_invalid

LOW = -1e9  # a score whose share is zero


class Memory(NamedTuple):
    """What is attended to."""

    values: Array  # [*batch, S, M]
    keys: Any  # [*batch, S, A], or nothing
    bias: Array  # [*batch, S], 0 where valid


class AttentionParams(NamedTuple):
    """The layer's parameters, those of the scores and of the output, the memory."""

    layer: Params
    w_q: Any = ()  # [H, A], of the query
    w_k: Any = ()  # [M, A], of the keys
    w_e: Any = ()  # [A] additive, [M + H, H] multiplicative
    memory: Any = None  # a `Memory`


class AttentionCarry(NamedTuple):
    """The layer's carry, and what it made of its last step."""

    layer: Carry
    last: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class Attention(Cell):
    """What both kinds share.

    Attributes:
      layer: any layer that can step; it reads the input beside what is fed back to it.
      memory_features: M.
      kernel_init: of the three kernels.
    """

    layer: Layer
    memory_features: int
    kernel_init: Initializer = Glorot()

    @property
    def parts(self):
        """The one layer."""
        return (self.layer,)

    @abc.abstractmethod
    def alignment(self, params: AttentionParams, carry: Carry, x: Array) -> Array:
        """α⟨t⟩ [*batch, S] of the step that reads x⟨t⟩ [*batch, in]."""

    def remember(
        self, params: AttentionParams, values: Array, mask: Array | None = None
    ) -> AttentionParams:
        """The parameters with a memory, which any number of steps then read.

        Args:
          params: from `init`.
          values: [*batch, S, M].
          mask: bool [*batch, S], True where valid.
        """
        values = zero_invalid(mask, values)
        bias = jnp.zeros_like(values, shape=values.shape[:-1])
        bias = bias if mask is None else jnp.where(mask, bias, LOW)
        keys = self._keys(params, values)
        return params._replace(memory=Memory(values, keys, bias))

    def _keys(self, params, values):
        return values @ params.w_k

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """The layer's, and zero."""
        last = jnp.zeros((*batch_shape, self.layer.features), dtype)
        return AttentionCarry(self.layer.initial_carry(batch_shape, dtype), last)

    def initial_carry_from(self, params, batch_shape=(), dtype=jnp.float32):
        """The layer's, and zero."""
        inner = self.layer.initial_carry_from(params.layer, batch_shape, dtype)
        return self.initial_carry(batch_shape, dtype)._replace(layer=inner)

    def trainable(self, params):
        """The layer's, and all that is attention's."""
        marks = jax.tree.map(lambda _: True, params)
        return marks._replace(layer=self.layer.trainable(params.layer))

    def _init(self, key, in_features, keys, fed, out, dtype):
        key_layer, key_q, key_k, key_e = jax.random.split(key, 4)
        H, M = self.layer.features, self.memory_features
        return AttentionParams(
            self.layer.init(key_layer, in_features + fed, dtype),
            w_q=self.kernel_init(key_q, (H, keys), dtype),
            w_k=self.kernel_init(key_k, (M, keys), dtype),
            w_e=self.kernel_init(key_e, out, dtype),
        )

    @abc.abstractmethod
    def _weights(self, params, query): ...

    def _context(self, params, query):
        values = params.memory.values
        return jnp.einsum("...s,...sm->...m", self._weights(params, query), values)


@dataclasses.dataclass(frozen=True)
class FixedContext(Attention):
    """No attention: c is the memory's mean at every step; Cho et al. (2014).

    s⟨t⟩ = layer([x⟨t⟩, c]); y⟨t⟩ = [s⟨t⟩, c]
    """

    @property
    def features(self):
        """H + M."""
        return self.layer.features + self.memory_features

    def init(self, key, in_features, dtype=jnp.float32):
        """The layer's parameters, no others."""
        width = in_features + self.memory_features
        return AttentionParams(self.layer.init(key, width, dtype))

    def _keys(self, params, values):
        return ()

    def alignment(self, params, carry, x):
        """By the last state."""
        return self._weights(params, carry.last)

    def _weights(self, params, query):
        bias = params.memory.bias
        return jax.nn.softmax(jnp.zeros_like(query[..., :1]) + bias)

    def update(self, params, carry, u, v):
        """Steps beside the context."""
        c = self._context(params, carry.last)
        xc = jnp.concatenate([u, c], axis=-1)
        inner, s = self.layer.step(params.layer, carry.layer, xc)
        return AttentionCarry(inner, s), jnp.concatenate([s, c], axis=-1)


@dataclasses.dataclass(frozen=True)
class AdditiveAttention(FixedContext):
    """Bahdanau, Cho and Bengio (2015), appendix A.1.2: looks, then steps.

    e⟨t, j⟩ = wₑᵀ tanh(W_q s⟨t−1⟩ + W_k h⟨j⟩)
    s⟨t⟩ = layer([x⟨t⟩, c⟨t⟩]); y⟨t⟩ = [s⟨t⟩, c⟨t⟩]
    """

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws all but the memory; the scores are made in H dimensions."""
        H, M = self.layer.features, self.memory_features
        params = self._init(key, in_features, H, M, (H, 1), dtype)
        return params._replace(w_e=params.w_e[:, 0])

    def _keys(self, params, values):
        return values @ params.w_k

    def _weights(self, params, query):
        hidden = jnp.tanh((query @ params.w_q)[..., None, :] + params.memory.keys)
        return jax.nn.softmax(hidden @ params.w_e + params.memory.bias)


@dataclasses.dataclass(frozen=True)
class MultiplicativeAttention(Attention):
    """Luong, Pham and Manning (2015), eqs. 5 and 8 (general), with input feeding (3.3).

    s⟨t⟩ = layer([x⟨t⟩, h̃⟨t−1⟩]); e⟨t, j⟩ = (W_q s⟨t⟩)ᵀ (W_k h⟨j⟩)
    h̃⟨t⟩ = tanh(Wₑ [c⟨t⟩, s⟨t⟩]); y⟨t⟩ = h̃⟨t⟩
    """

    @property
    def features(self):
        """H."""
        return self.layer.features

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws all but the memory; the scores are products of H dimensions."""
        H, M = self.layer.features, self.memory_features
        return self._init(key, in_features, H, H, (M + H, H), dtype)

    def alignment(self, params, carry, x):
        """By the new state."""
        return self._weights(params, self._layer_step(params, carry, x)[1])

    def _layer_step(self, params, carry, x):
        fed = jnp.concatenate([x, carry.last], axis=-1)
        return self.layer.step(params.layer, carry.layer, fed)

    def _weights(self, params, query):
        keys = params.memory.keys
        scores = jnp.einsum("...a,...sa->...s", query @ params.w_q, keys)
        return jax.nn.softmax(scores + params.memory.bias)

    def update(self, params, carry, u, v):
        """Steps, then looks by the new state."""
        inner, s = self._layer_step(params, carry, u)
        cs = jnp.concatenate([self._context(params, s), s], axis=-1)
        h̃ = jnp.tanh(cs @ params.w_e)
        return AttentionCarry(inner, h̃), h̃
