"""One to many: a sequence from a single input, such as a caption from a picture."""

from typing import Any

import flax.linen as nn
import jax

from seqjax.layer import Array, Carry
from seqjax.metrics import Mean
from seqjax.models.language_model import LanguageModel
from seqjax.models.recurrent import CarryFromVector


class Generator(nn.Module):
    """A language model whose initial state depends on x: P(y⟨1⟩, …, y⟨T⟩ | x).

    This is the model of Vinyals et al. (2015), where x is a picture.

    Attributes:
      write: the language model.
      embed: turns x into vectors [B, in], as `nn.Embed` does with integers; None if x
        is vectors.
    """

    write: LanguageModel
    embed: nn.Module | None = None

    def setup(self):
        """Builds the map from x to the initial state."""
        self.begin = CarryFromVector(self.write.layer)

    def __call__(
        self,
        x: Any,
        tokens: Array,
        lengths: Array,
        train: bool = False,
        beside: Array | None = None,
    ) -> Array:
        """Scores every token given x and the tokens before it.

        Args:
          x: arrays [B, ...].
          tokens: integers [B, T].
          lengths: how many tokens of each row are real, integers [B].
          train: True adds the language model's noise, and needs an rng named "dropout".
          beside: vectors [B, T, in] for the language model.

        Returns:
          Logits [B, T, V]: those at t are for tokens[:, t].
        """
        return self.write(tokens, lengths, train, self.initial_carry(x), beside)

    def loss(self, x: Any, tokens: Array, lengths: Array, train: bool = False) -> Mean:
        """Returns −log P of a row given x, in nats: the mean over rows not empty.

        The arguments are those of `__call__`.
        """
        return self.write.loss(tokens, lengths, train, self.initial_carry(x))

    def initial_carry(self, x: Any) -> Carry:
        """Returns the state before the first token."""
        return self.begin(x if self.embed is None else self.embed(x))

    def step(
        self, carry: Carry, token: Array, beside: Array | None = None
    ) -> tuple[Carry, Array]:
        """Reads tokens [B], `BOS` first; returns the state and logits [B, V]."""
        return self.write.step(carry, token, beside)

    def trainable(self, variables: Any) -> Any:
        """Returns a tree like `variables`, False where no optimizer may step."""
        marks = jax.tree.map(lambda _: True, variables)
        written = {"params": variables["params"]["write"]}
        marks["params"]["write"] = self.write.trainable(written)["params"]
        return marks
