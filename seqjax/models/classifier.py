"""Many to one: ŷ from a whole sequence."""

from typing import Any, Literal, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqjax.layer import Array, Gradient, Layer
from seqjax.masks import select
from seqjax.models.recurrent import Recurrent, final_outputs, outputs, trainable

Pooling = Literal["last", "mean", "max", "attention"]


class Classifier(nn.Module):
    """Logits of the classes of a sequence, from its layer's outputs at valid steps.

    Attributes:
      layer: any layer.
      classes: how many; 1 for a logit of a binary label (E6).
      embed: makes vectors [B, T, in] of the inputs, as `nn.Embed` does of tokens; None
        if they are vectors.
      pooling: "last" reads the output of the last step (and the first, if the layer
        walks back, too); "mean", "max" are over time; "attention" is a mean with
        learned weights, softmax(vᵀ tanh(W y⟨t⟩)) (Yang et al., 2016, eqs. 5 to 7).
      dropout: in training, the share of the layer's inputs and of the pooled outputs
        that are dropped.
      weight_dropout: see `Recurrent`.
      gradient: see `Layer.unroll`.
    """

    layer: Layer
    classes: int
    embed: nn.Module | None = None
    pooling: Pooling = "last"
    dropout: float = 0.0
    weight_dropout: float = 0.0
    gradient: Gradient = "lean"

    def setup(self):
        """Makes the parts."""
        if self.pooling not in get_args(Pooling):
            raise ValueError(f"pooling must be one of {get_args(Pooling)}")
        self.recurrent = Recurrent(self.layer, self.weight_dropout, self.gradient)
        if self.pooling == "attention":
            self.hidden = nn.Dense(self.layer.features)
            self.weigh = nn.Dense(1, use_bias=False)
        self.readout = nn.Dense(self.classes)
        self.drop = nn.Dropout(self.dropout)

    def __call__(self, inputs: Any, lengths: Array, train: bool = False) -> Array:
        """Logits [B, classes].

        Args:
          inputs: a tree of arrays [B, T, ...], such as tokens.
          lengths: how many steps of each row are real, integers [B].
          train: True adds the noise, and needs an rng named "dropout".
        """
        ys, mask = outputs(self, inputs, lengths, train)
        pooled = self._pool(ys, mask)
        return self.readout(self.drop(pooled, deterministic=not train))

    def weights(self, inputs: Any, lengths: Array) -> Array:
        """How much of each step is in the pooled output, [B, T]; of attention alone."""
        return self._attention(*outputs(self, inputs, lengths, train=False))

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
        """A tree of booleans like `variables`: False where no optimiser may step."""
        return trainable(variables, self.embed, recurrent=self.layer)
