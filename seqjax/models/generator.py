"""One to many: a sequence from one thing, such as a caption from a picture."""

from typing import Any

import flax.linen as nn
import jax

from seqjax.layer import Array, Carry
from seqjax.metrics import Mean
from seqjax.models.language_model import LanguageModel
from seqjax.models.recurrent import FirstCarry


class Generator(nn.Module):
    """A language model whose first state is made of x: P(y⟨1⟩, …, y⟨T⟩ | x).

    As in Vinyals et al. (2015), whose x is a picture; an integer by `nn.Embed`.

    Attributes:
      write: the language model.
      embed: makes vectors [B, in] of x; None if it is vectors.
    """

    write: LanguageModel
    embed: nn.Module | None = None

    def setup(self):
        """Makes the first state."""
        self.begin = FirstCarry(self.write.layer)

    def __call__(
        self, x: Any, tokens: Array, lengths: Array, train: bool = False
    ) -> Array:
        """Scores every token given x and those before it.

        Args:
          x: arrays [B, ...].
          tokens: integers [B, T].
          lengths: how many tokens of each row are real, integers [B].
          train: True adds the language model's noise, and needs an rng named "dropout".

        Returns:
          Logits [B, T, V]: those at t are for tokens[:, t].
        """
        return self.write(tokens, lengths, train, self.initial_carry(x))

    def loss(self, x: Any, tokens: Array, lengths: Array, train: bool = False) -> Mean:
        """−log P of each row given x, in nats; in the mean over rows not empty."""
        return self.write.loss(tokens, lengths, train, self.initial_carry(x))

    def initial_carry(self, x: Any) -> Carry:
        """The state before the first token."""
        return self.begin(x if self.embed is None else self.embed(x))

    def step(self, carry: Carry, token: Array) -> tuple[Carry, Array]:
        """Reads tokens [B] (`BOS` at the start); gives logits [B, V]."""
        return self.write.step(carry, token)

    def trainable(self, variables: Any) -> Any:
        """A tree of booleans like `variables`: False where no optimiser may step."""
        marks = jax.tree.map(lambda _: True, variables)
        written = {"params": variables["params"]["write"]}
        marks["params"]["write"] = self.write.trainable(written)["params"]
        return marks
