"""One to one: the ordinary fully connected network."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax

from seqjax.layer import Array


class FeedForward(nn.Module):
    """Computes ŷ = W₂ relu(W₁ x + b₁) + b₂, with any number of hidden layers.

    Applied to a padded sequence, it is the baseline that the course rejects: it takes
    one length alone, and what it learns about one position does not help at another.

    Attributes:
      hidden: the widths of the hidden layers; empty for a linear model.
      outputs: the number of outputs.
      embed: turns the inputs into vectors [B, ...]; None if they are vectors.
      dropout: the share of each hidden layer that is dropped in training.
    """

    hidden: Sequence[int]
    outputs: int
    embed: nn.Module | None = None
    dropout: float = 0.0

    @nn.compact
    def __call__(self, inputs: Any, train: bool = False) -> Array:
        """Returns logits [B, outputs] for inputs [B, ...]."""
        x = inputs if self.embed is None else self.embed(inputs)
        x = x.reshape(x.shape[0], -1)
        for width in self.hidden:
            x = jax.nn.relu(nn.Dense(width)(x))
            x = nn.Dropout(self.dropout, deterministic=not train)(x)
        return nn.Dense(self.outputs)(x)
