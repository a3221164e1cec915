"""One to one: the ordinary fully connected network."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax

from seqjax.layer import Array
from seqjax.models.recurrent import trainable


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

    @property
    def classes(self) -> int:
        """The number of outputs, by the name that it has in a `Classifier`."""
        return self.outputs

    @nn.compact
    def __call__(self, inputs: Any, lengths: Any = None, train: bool = False) -> Array:
        """Computes the logits of each row.

        Args:
          inputs: [B, ...].
          lengths: not looked at; they are here as in the models that read them.
          train: True adds the noise, and needs an rng named "dropout".

        Returns:
          Logits [B, outputs].
        """
        del lengths
        x = inputs if self.embed is None else self.embed(inputs)
        x = x.reshape(x.shape[0], -1)
        for width in self.hidden:
            x = jax.nn.relu(nn.Dense(width)(x))
            x = nn.Dropout(self.dropout, deterministic=not train)(x)
        return nn.Dense(self.outputs)(x)

    def trainable(self, variables: Any) -> Any:
        """Returns a tree like `variables`, False where no optimizer may step."""
        return trainable(variables, self.embed)
