"""Attention: a layer that reads, at each step, a weighted mean of a memory.

α⟨t, j⟩ = softmax_j(e⟨t, j⟩); context c⟨t⟩ = Σ_j α⟨t, j⟩ h⟨j⟩

The memory h is what an encoder made of another sequence. It is constant while the
layer runs, so it stands among the parameters: `remember` puts it there.
"""

import abc
import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from seqjax.cell import Cell
from seqjax.initializers import Glorot, Initializer
from seqjax.layer import Array, Carry, Layer, Params
from seqjax.masks import zero_invalid

LOW = -1e9  # a score whose softmax is zero


class Memory(NamedTuple):
    """The sequence that is attended to."""

    values: Array  # [*batch, S, M]
    keys: Any  # [*batch, S, A], or () without scores
    bias: Array  # [*batch, S], 0 where valid


class AttentionParams(NamedTuple):
    """The parameters of the layer, of the scores and of the output, and the memory."""

    layer: Params
    w_q: Any = ()  # [H, A], of the query
    w_k: Any = ()  # [M, A], of the keys
    w_e: Any = ()  # [A] additive, [M + H, H] multiplicative
    memory: Any = None  # a `Memory`


class AttentionCarry(NamedTuple):
    """The carry of the layer, and the output of its last step."""

    layer: Carry
    last: Array  # [*batch, H]


@dataclasses.dataclass(frozen=True)
class Attention(Cell):
    """A layer beside a memory; subclasses say how the memory is weighted.

    Attributes:
      layer: any layer that can step; it reads the input and what is fed back to it.
      memory_features: M.
      kernel_init: the initializer of the three kernels.
    """

    heavy_update = True  # scores, context and the layer's step stand in it

    layer: Layer
    memory_features: int
    kernel_init: Initializer = Glorot()

    def __post_init__(self):
        super().__post_init__()
        if self.layer.noisy:
            raise ValueError(
                f"{type(self).__name__} steps the layer inside, which draws no noise: "
                f"put noise around the attention, not into {self.layer!r}"
            )

    @property
    def parts(self):
        """The layer inside."""
        return (self.layer,)

    @abc.abstractmethod
    def alignment(self, params: AttentionParams, carry: Carry, x: Array) -> Array:
        """Returns the attention weights α⟨t⟩ [*batch, S] of the step that reads x⟨t⟩.

        Args:
          params: from `remember`.
          carry: the carry before the step.
          x: x⟨t⟩ [*batch, in].
        """

    def remember(
        self, params: AttentionParams, values: Array, mask: Array | None = None
    ) -> AttentionParams:
        """Puts a memory among the parameters, for any number of steps to read.

        Args:
          params: from `init`.
          values: [*batch, S, M].
          mask: bool [*batch, S], True where valid.

        Returns:
          The parameters for `step` and `unroll`.
        """
        values = zero_invalid(mask, values)
        bias = jnp.zeros_like(values, shape=values.shape[:-1])
        bias = bias if mask is None else jnp.where(mask, bias, LOW)
        memory = Memory(values, self._keys(params, values), bias)
        return params._replace(memory=memory)

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        """Returns the layer's carry, and zero for its last output."""
        last = jnp.zeros((*batch_shape, self.layer.features), dtype)
        return AttentionCarry(self.layer.initial_carry(batch_shape, dtype), last)

    def initial_carry_from(self, params, batch_shape=(), dtype=jnp.float32):
        """Returns the layer's initial carry, and zero for its last output."""
        inner = self.layer.initial_carry_from(params.layer, batch_shape, dtype)
        return self.initial_carry(batch_shape, dtype)._replace(layer=inner)

    def trainable(self, params):
        """Returns the layer's tree of booleans, and True for the other parameters."""
        marks = jax.tree.map(lambda _: True, params)
        return marks._replace(layer=self.layer.trainable(params.layer))

    def _keys(self, params, values):
        """Returns what scores compare a query with; nothing without scores."""
        del params, values
        return ()

    def _context(self, params, weights):
        """Returns c [*batch, M] = Σ_j α⟨j⟩ h⟨j⟩."""
        return jnp.einsum("...s,...sm->...m", weights, params.memory.values)

    def gates(self, params, carry, u, v):
        """Returns the weights; what the layer inside computes is not shown."""
        return {"attention": self.alignment(params, carry, u)}

    def _step_beside(self, c, params, carry, x):
        """Takes the layer's step beside a context: s⟨t⟩ = layer([x⟨t⟩, c⟨t⟩])."""
        xc = jnp.concatenate([x, c], axis=-1)
        inner, s = self.layer.run_step(params.layer, carry.layer, xc)
        return AttentionCarry(inner, s), jnp.concatenate([s, c], axis=-1)


@dataclasses.dataclass(frozen=True)
class FixedContext(Attention):
    """No attention: c is the memory's mean at every step; Cho et al. (2014).

    s⟨t⟩ = layer([x⟨t⟩, c]); y⟨t⟩ = [s⟨t⟩, c]
    """

    @property
    def features(self):
        """The width of y: H + M."""
        return self.layer.features + self.memory_features

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the layer's parameters; there are no others."""
        width = in_features + self.memory_features
        return AttentionParams(self.layer.init(key, width, dtype))

    def alignment(self, params, carry, x):
        """Returns equal weights for what is valid, in the carry's shape."""
        zero = jnp.zeros_like(carry.last[..., :1], x.dtype)
        return jax.nn.softmax(zero + params.memory.bias)

    def update(self, params, carry, u, v):
        """Takes the step beside the memory's mean."""
        c = self._context(params, self.alignment(params, carry, u))
        return self._step_beside(c, params, carry, u)


@dataclasses.dataclass(frozen=True)
class ScoredAttention(Attention):
    """Attention whose weights are a softmax of scores; subclasses say which scores."""

    @abc.abstractmethod
    def scores(self, params: AttentionParams, query: Array) -> Array:
        """Returns e [*batch, S], how well each place of the memory fits a state.

        Args:
          params: from `remember`.
          query: a state s [*batch, H].
        """

    def _keys(self, params, values):
        """Returns W_k h⟨j⟩ of every place j."""
        return values @ params.w_k

    def _weights(self, params, query):
        return jax.nn.softmax(self.scores(params, query) + params.memory.bias)

    def _draw(self, key, in_features, widths, w_e, dtype):
        """Draws the layer for its `in_features`, and the kernels of those widths."""
        key_layer, key_q, key_k, key_e = jax.random.split(key, 4)
        H, M = self.layer.features, self.memory_features
        return AttentionParams(
            self.layer.init(key_layer, in_features, dtype),
            w_q=self.kernel_init(key_q, (H, widths), dtype),
            w_k=self.kernel_init(key_k, (M, widths), dtype),
            w_e=self.kernel_init(key_e, w_e, dtype),
        )


@dataclasses.dataclass(frozen=True)
class AdditiveAttention(ScoredAttention):
    """Additive attention: Bahdanau, Cho and Bengio (2015), appendix A.1.2.

    e⟨t, j⟩ = wₑᵀ tanh(W_q s⟨t−1⟩ + W_k h⟨j⟩)
    s⟨t⟩ = layer([x⟨t⟩, c⟨t⟩]); y⟨t⟩ = [s⟨t⟩, c⟨t⟩]
    """

    @property
    def features(self):
        """The width of y: H + M."""
        return self.layer.features + self.memory_features

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws all but the memory; the scores are made in A = H dimensions."""
        H, M = self.layer.features, self.memory_features
        params = self._draw(key, in_features + M, H, (H, 1), dtype)
        return params._replace(w_e=params.w_e[:, 0])

    def scores(self, params, query):
        """Returns wₑᵀ tanh(W_q s + W_k h⟨j⟩) of every place j."""
        hidden = jnp.tanh((query @ params.w_q)[..., None, :] + params.memory.keys)
        return hidden @ params.w_e

    def alignment(self, params, carry, x):
        """Returns the weights by the state before the step."""
        return self._weights(params, carry.last.astype(x.dtype))

    def update(self, params, carry, u, v):
        """Attends by the state before the step, then takes the step."""
        c = self._context(params, self.alignment(params, carry, u))
        return self._step_beside(c, params, carry, u)


@dataclasses.dataclass(frozen=True)
class MultiplicativeAttention(ScoredAttention):
    """Multiplicative attention, with input feeding.

    Luong, Pham and Manning (2015), eqs. 5 and 8 (general), and section 3.3.

    s⟨t⟩ = layer([x⟨t⟩, h̃⟨t−1⟩]); e⟨t, j⟩ = (W_q s⟨t⟩)ᵀ (W_k h⟨j⟩)
    h̃⟨t⟩ = tanh(Wₑ [c⟨t⟩, s⟨t⟩]); y⟨t⟩ = h̃⟨t⟩
    """

    @property
    def features(self):
        """The width of y: H."""
        return self.layer.features

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws all but the memory; the scores are products of A = H dimensions."""
        H, M = self.layer.features, self.memory_features
        return self._draw(key, in_features + H, H, (M + H, H), dtype)

    def scores(self, params, query):
        """Returns (W_q s)ᵀ (W_k h⟨j⟩) of every place j."""
        keys = params.memory.keys
        return jnp.einsum("...a,...sa->...s", query @ params.w_q, keys)

    def alignment(self, params, carry, x):
        """Returns the weights by the state after the step."""
        return self._weights(params, self._layer_step(params, carry, x)[1])

    def update(self, params, carry, u, v):
        """Takes the step, then attends by the state after it."""
        inner, s = self._layer_step(params, carry, u)
        cs = jnp.concatenate([self._context(params, self._weights(params, s)), s], -1)
        h̃ = jnp.tanh(cs @ params.w_e)
        return AttentionCarry(inner, h̃), h̃

    def _layer_step(self, params, carry, x):
        fed = jnp.concatenate([x, carry.last.astype(x.dtype)], axis=-1)
        return self.layer.run_step(params.layer, carry.layer, fed)
