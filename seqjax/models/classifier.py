"""Many to one: a class ŷ for a whole sequence."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqjax.layer import Array, Gradient, Layer
from seqjax.masks import select
from seqjax.models.recurrent import Recurrent, final_outputs, outputs, trainable

Pooling = Literal["last", "mean", "max", "attention"]


class Classifier(nn.Module):
    """Computes logits of the classes from a layer's outputs, pooled over time.

    Attributes:
      layer: any layer.
      classes: the number of classes; 1 for the single logit of a binary label (E6).
      embed: turns the inputs into vectors [B, T, in], as `nn.Embed` does with tokens;
        None if they are vectors.
      pooling: "last" reads the output of the last step, and that of the first step too
        if the layer also runs backward; "mean" and "max" are over time; "attention" is
        a mean with learned weights, softmax(vᵀ tanh(W y⟨t⟩)) (Yang et al., 2016, eqs. 5
        to 7).
      widths: of ReLU layers between the pooled outputs and the logits, for a layer
        that is linear, such as an `LRU`; none by default.
      dropout: the share of the layer's inputs, of the pooled outputs and of the ReLU
        layers that is dropped in training.
      weight_dropout: see `Recurrent`.
      gradient: see `Layer.unroll`.

    Example:
      >>> from seqjax.cells import LSTM
      >>> model = Classifier(LSTM(8), classes=5, embed=nn.Embed(100, 16))
      >>> tokens, lengths = jnp.ones((2, 7), int), jnp.array([7, 3])
      >>> variables = jax.jit(model.init)(jax.random.key(0), tokens, lengths)
      >>> model.apply(variables, tokens, lengths).shape
      (2, 5)
    """

    layer: Layer
    classes: int
    embed: nn.Module | None = None
    pooling: Pooling = "last"
    widths: Sequence[int] = ()
    dropout: float = 0.0
    weight_dropout: float = 0.0
    gradient: Gradient = "lean"

    def setup(self):
        """Builds the parts."""
        if self.pooling not in get_args(Pooling):
            raise ValueError(
                f"pooling must be one of {get_args(Pooling)}, not {self.pooling!r}"
            )
        self.recurrent = Recurrent(self.layer, self.weight_dropout, self.gradient)
        if self.pooling == "attention":
            self.hidden = nn.Dense(self.layer.features)
            self.weigh = nn.Dense(1, use_bias=False)
        self.bends = [nn.Dense(width) for width in self.widths]
        self.readout = nn.Dense(self.classes)
        self.drop = nn.Dropout(self.dropout)

    def __call__(self, inputs: Any, lengths: Array, train: bool = False) -> Array:
        """Computes the logits of each row.

        Args:
          inputs: a tree of arrays [B, T, ...], such as tokens.
          lengths: how many steps of each row are real, integers [B].
          train: True adds the noise, and needs an rng named "dropout".

        Returns:
          Logits [B, classes].
        """
        ys, mask = outputs(self, inputs, lengths, train)
        pooled = self._pool(ys, mask)
        return self._read(pooled, train)

    def at_every_step(self, inputs: Any, lengths: Array, train: bool = False) -> Array:
        """Computes the logits that each prefix of a row would get by itself.

        Args:
          inputs: as in `__call__`.
          lengths: as in `__call__`.
          train: as in `__call__`.

        Returns:
          Logits [B, T, classes]; those at t are what `__call__` would return if the
          row ended there.

        Raises:
          ValueError: the model pools over more than the last step, or looks ahead.
        """
        if self.pooling != "last" or not self.layer.causal:
            raise ValueError(
                f"each step has logits of its own where the last one is read and "
                f"nothing later, not with pooling={self.pooling!r} of {self.layer!r}"
            )
        ys, _ = outputs(self, inputs, lengths, train)
        return self._read(ys, train)

    def attention_weights(self, inputs: Any, lengths: Array) -> Array:
        """Returns the weight of each step in the output that attention pools.

        Args:
          inputs: as in `__call__`.
          lengths: as in `__call__`.

        Returns:
          Weights [B, T], which sum to 1 over the steps of a row.
        """
        return self._attention(*outputs(self, inputs, lengths, train=False))

    def _read(self, x: Array, train: bool) -> Array:
        for bend in self.bends:
            x = jax.nn.relu(bend(self.drop(x, deterministic=not train)))
        return self.readout(self.drop(x, deterministic=not train))

    def _pool(self, ys: Array, mask: Array) -> Array:
        if self.pooling == "attention":
            return jnp.einsum("bt,btf->bf", self._attention(ys, mask), ys)
        lengths = jnp.sum(mask, axis=1)[:, None]
        if self.pooling == "mean":
            return jnp.sum(ys, axis=1) / jnp.maximum(lengths, 1)
        if self.pooling == "max":
            lowest = jnp.full_like(ys, jnp.finfo(ys.dtype).min)
            return jnp.where(lengths, jnp.max(select(mask, ys, lowest), axis=1), 0)
        return final_outputs(self.layer, ys, mask)

    def _attention(self, ys: Array, mask: Array) -> Array:
        scores = self.weigh(jnp.tanh(self.hidden(ys)))[..., 0]
        return jax.nn.softmax(scores, axis=1, where=mask)

    def trainable(self, variables: Any) -> Any:
        """Returns a tree like `variables`, False where no optimizer may step."""
        return trainable(variables, self.embed, recurrent=self.layer)
