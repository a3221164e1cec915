"""What the models share: a layer as a Flax module, and the handling of sequences."""

import itertools
import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqjax.layer import Array, Carry, Gradient, Layer, Params
from seqjax.masks import zero_invalid
from seqjax.noise import Keys, drop_weights

BOS = -1  # begins every sequence; read as the zero vector, the course's x⟨1⟩ = 0


class Recurrent(nn.Module):
    """A layer as a Flax module over sequences [B, T, in].

    Its parameters are a single entry, "layer".

    Attributes:
      layer: any layer.
      weight_dropout: the share of the recurrent weights that are dropped in training,
        drawn anew for each batch; see `noise.drop_weights`. A linear layer has none.
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
          train: True drops weights and lets the layer draw its own noise, both from
            the rng "dropout". What holds for a whole sequence is drawn from the rng
            "weights" where there is one.

        Returns:
          (carry, ys): the state after the last step; outputs [B, T, features].
        """
        params = self.param("layer", self.layer.init, xs.shape[-1])
        if train and self.weight_dropout and not self.layer.linear:
            key = self._key_of_sequence()
            trainable = self.layer.trainable(params)
            params = drop_weights(params, trainable, key, self.weight_dropout)
        keys = None
        if train and self.layer.noisy:
            keys = Keys(self._key_of_sequence(), self.make_rng("dropout"))
        xs, mask, resets = jax.tree.map(lambda a: a.swapaxes(0, 1), (xs, mask, resets))
        how = {"gradient": self.gradient, "key": keys}
        carry, ys = self.layer.unroll(
            params, xs, carry, mask=mask, resets=resets, **how
        )
        return carry, ys.swapaxes(0, 1)

    def _key_of_sequence(self) -> Array:
        return self.make_rng("weights" if self.has_rng("weights") else "dropout")

    def initial_carry(self, batch_size: int) -> Carry:
        """Returns the state before the first step."""
        return self.layer.initial_carry_from(self._params, (batch_size,), jnp.float32)

    def step(self, carry: Carry, x: Array) -> tuple[Carry, Array]:
        """Takes one step with x [B, in]; returns the state and the output."""
        return self.layer.step(self._params, carry, x)

    @property
    def _params(self) -> Params:
        return self.get_variable("params", "layer")


class CarryFromVector(nn.Module):
    """Computes a layer's initial state from a vector: tanh of one dense layer.

    Attributes:
      layer: the layer that begins in this state.
    """

    layer: Layer

    @nn.compact
    def __call__(self, x: Array) -> Carry:
        """Returns a carry, whose leaves are [B, ...], for x [B, in]."""
        dtype = jnp.promote_types(x.dtype, jnp.float32)
        zero = self.layer.initial_carry(x.shape[:1], dtype)
        leaves, structure = jax.tree.flatten(zero)
        ends = list(itertools.accumulate(math.prod(leaf.shape[1:]) for leaf in leaves))
        parts = jnp.split(jnp.tanh(nn.Dense(ends[-1])(x)), ends[:-1], axis=-1)
        pairs = zip(parts, leaves, strict=True)
        return structure.unflatten(part.reshape(leaf.shape) for part, leaf in pairs)


def outputs(
    model: Any, inputs: Any, lengths: Array, train: bool, drop: Any = None
) -> tuple[Array, Array]:
    """Computes the outputs of a model's layer for embedded inputs with dropout.

    Args:
      model: has `embed` (None if inputs are vectors), `drop` and `recurrent`.
      inputs: a tree of arrays [B, T, ...], such as tokens.
      lengths: how many steps of each row are real, integers [B].
      train: True adds the noise.
      drop: the dropout of the layer's inputs; the model's `drop` if None.

    Returns:
      Outputs [B, T, features], zero where masked, and the mask [B, T].
    """
    mask = mask_of(lengths, jax.tree.leaves(inputs)[0].shape[1])
    inputs = zero_invalid(mask, inputs)
    xs = inputs if model.embed is None else model.embed(inputs)
    xs = (drop or model.drop)(xs, deterministic=not train)
    return model.recurrent(xs, mask, train=train)[1], mask


def final_outputs(layer: Layer, ys: Array, mask: Array) -> Array:
    """Returns the output of each row's last step.

    Where the layer also runs backward, the output of the first step, which is the last
    one in that direction, is put beside it.

    Args:
      layer: the layer that computed the outputs.
      ys: outputs [B, T, features].
      mask: bool [B, T], True up to a row's length.

    Returns:
      [B, features], or [B, 2 features].
    """
    last = jnp.maximum(jnp.sum(mask, axis=1) - 1, 0)[:, None, None]
    final = jnp.take_along_axis(ys, last, axis=1)[:, 0]
    return final if layer.causal else jnp.concatenate([final, ys[:, 0]], axis=-1)


def shift_right(tokens: Array) -> Array:
    """Returns the token before each token, `BOS` before the first: [B, T]."""
    first = jnp.full_like(tokens[:, :1], BOS)
    return jnp.concatenate([first, tokens[:, :-1]], axis=1)


def mask_of(lengths: Array, time: int) -> Array:
    """Marks the first `lengths[b]` of `time` steps as valid: bool [B, T]."""
    return jnp.arange(time) < jnp.asarray(lengths)[:, None]


def trainable(variables: Any, embed: Any = None, **layers: Layer) -> Any:
    """Returns a tree like a model's variables, False where no optimizer may step.

    Args:
      variables: from the model's `init`.
      embed: the model's `embed`, which may have a `trainable` of its own.
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
