"""What every model here is built on: any layer, batch-major, with its parameters."""

import itertools
import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqjax.layer import Array, Carry, Gradient, Layer, Params
from seqjax.masks import zero_invalid
from seqjax.noise import drop_weights

BOS = -1  # is read as the zero vector: the course's x⟨1⟩ = 0


class Recurrent(nn.Module):
    """A layer over sequences [B, T, in]; its parameters are one entry, "layer".

    Attributes:
      layer: any layer.
      weight_dropout: in training, the share of the recurrent weights that are dropped,
        anew for each batch; see `noise.drop_weights`.
      gradient: how the layer is differentiated; see `Layer.unroll`.
    """

    layer: Layer
    weight_dropout: float = 0.0
    gradient: Gradient = "lean"

    @nn.compact
    def __call__(
        self,
        xs: Array,
        mask: Array | None = None,
        carry: Carry | None = None,
        resets: Array | None = None,
        train: bool = False,
    ) -> tuple[Carry, Array]:
        """Runs the layer.

        Args:
          xs: [B, T, in].
          mask: bool [B, T], True where valid.
          carry: the state before the first step; the layer's initial one if None.
          resets: bool [B, T]; see `Layer.unroll`.
          train: True drops weights, and needs an rng named "dropout".

        Returns:
          (carry, ys): the state after the last step; outputs [B, T, features].
        """
        params = self.param("layer", self.layer.init, xs.shape[-1])
        if train and self.weight_dropout:
            key, trainable = self.make_rng("dropout"), self.layer.trainable(params)
            params = drop_weights(params, trainable, key, self.weight_dropout)
        xs, mask, resets = jax.tree.map(lambda a: a.swapaxes(0, 1), (xs, mask, resets))
        carry, ys = self.layer.unroll(
            params, xs, carry, mask=mask, resets=resets, gradient=self.gradient
        )
        return carry, ys.swapaxes(0, 1)

    def initial_carry(self, batch_size: int) -> Carry:
        """The state before the first step."""
        return self.layer.initial_carry_from(self._params, (batch_size,), jnp.float32)

    def step(self, carry: Carry, x: Array) -> tuple[Carry, Array]:
        """One step, x [B, in]."""
        return self.layer.step(self._params, carry, x)

    @property
    def _params(self) -> Params:
        return self.get_variable("params", "layer")


class FirstCarry(nn.Module):
    """The state that a vector makes: tanh of one dense layer, cut into its parts.

    Attributes:
      layer: whose state it is.
    """

    layer: Layer

    @nn.compact
    def __call__(self, x: Array) -> Carry:
        """From x [B, in] to a carry with leaves [B, ...]."""
        dtype = jnp.promote_types(x.dtype, jnp.float32)
        zero = self.layer.initial_carry(x.shape[:1], dtype)
        leaves, structure = jax.tree.flatten(zero)
        ends = list(itertools.accumulate(math.prod(leaf.shape[1:]) for leaf in leaves))
        made = jnp.split(jnp.tanh(nn.Dense(ends[-1])(x)), ends[:-1], axis=-1)
        pairs = zip(made, leaves, strict=True)
        return structure.unflatten(part.reshape(leaf.shape) for part, leaf in pairs)


def outputs(
    model: Any, inputs: Any, lengths: Array, train: bool
) -> tuple[Array, Array]:
    """What a model's layer makes of its inputs [B, T, ...]: embedded, some dropped.

    Args:
      model: has `embed` (None if inputs are vectors), `drop` and `recurrent`.
      inputs: a tree of arrays [B, T, ...], such as tokens.
      lengths: how many steps of each row are real, integers [B].
      train: True adds the noise.

    Returns:
      Outputs [B, T, features], zero where masked, and the mask [B, T].
    """
    mask = mask_of(lengths, jax.tree.leaves(inputs)[0].shape[1])
    inputs = zero_invalid(mask, inputs)
    xs = inputs if model.embed is None else model.embed(inputs)
    xs = model.drop(xs, deterministic=not train)
    return model.recurrent(xs, mask, train=train)[1], mask


def final_outputs(layer: Layer, ys: Array, mask: Array) -> Array:
    """The output of each row's last step; and of its first, if the layer walks back.

    Args:
      layer: that made them.
      ys: [B, T, features].
      mask: bool [B, T], True up to a row's length.
    """
    last = jnp.maximum(jnp.sum(mask, axis=1) - 1, 0)[:, None, None]
    found = jnp.take_along_axis(ys, last, axis=1)[:, 0]
    return found if layer.causal else jnp.concatenate([found, ys[:, 0]], axis=-1)


def shift_right(tokens: Array) -> Array:
    """What is read where each token is to be told: the token before it, [B, T]."""
    first = jnp.full_like(tokens[:, :1], BOS)
    return jnp.concatenate([first, tokens[:, :-1]], axis=1)


def mask_of(lengths: Array, time: int) -> Array:
    """Marks the first `lengths[b]` of `time` steps as valid: bool [B, T]."""
    return jnp.arange(time) < jnp.asarray(lengths)[:, None]


def trainable(variables: Any, embed: Any = None, **layers: Layer) -> Any:
    """A tree of booleans like a model's variables: False where no optimiser may step.

    Args:
      variables: from the model's `init`.
      embed: the model's module of that name, which may have a `trainable` of its own.
      **layers: the layer of each `Recurrent` in the model, by its name.
    """
    marks = jax.tree.map(lambda _: True, variables)
    if hasattr(embed, "trainable"):
        own = {"params": variables["params"]["embed"]}
        marks["params"]["embed"] = embed.trainable(own)["params"]
    for name, layer in layers.items():
        params = variables["params"][name]["layer"]
        marks["params"][name]["layer"] = layer.trainable(params)
    return marks
