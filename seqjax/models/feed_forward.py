"""One to one: the ordinary fully connected network."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax

from seqjax.layer import Array


class FeedForward(nn.Module):
    """ŷ = W₂ relu(W₁ x + b₁) + b₂, of any depth.

    On a padded sequence it is the course's rejected baseline: it knows one length, and
    what it learns about one place tells it nothing about the others.

    Attributes:
      hidden: the widths of the hidden layers; none for a linear model.
      outputs: how many.
      embed: makes vectors [B, ...] of the inputs; None if they are vectors.
      dropout: in training, the share of each hidden layer that is dropped.
    """

    hidden: Sequence[int]
    outputs: int
    embed: nn.Module | None = None
    dropout: float = 0.0

    @nn.compact
    def __call__(self, inputs: Any, train: bool = False) -> Array:
        """From inputs [B, ...] to logits [B, outputs]."""
        x = inputs if self.embed is None else self.embed(inputs)
        x = x.reshape(x.shape[0], -1)
        for width in self.hidden:
            x = jax.nn.relu(nn.Dense(width)(x))
            x = nn.Dropout(self.dropout, deterministic=not train)(x)
        return nn.Dense(self.outputs)(x)
