"""P(y⟨1⟩, …, y⟨T⟩) = ∏ P(y⟨t⟩ | y⟨1⟩, …, y⟨t−1⟩): E8, by any layer that can step."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqjax.layer import Array, Carry, Gradient, Layer
from seqjax.layers.readout import Readout, ReadoutParams
from seqjax.losses import readout_cross_entropy
from seqjax.metrics import Mean
from seqjax.models.recurrent import Recurrent, mask_of, shift_right, trainable


class LanguageModel(nn.Module):
    """Reads y⟨t−1⟩ and gives logits for y⟨t⟩.

    Attributes:
      layer: any layer whose output at t has seen no input after t.
      vocabulary: the number of tokens V.
      embedding: the width of a learned vector for each token; 0 reads one-hot vectors.
      tied: the readout's kernel is the table of embeddings (Press and Wolf, 2017),
        which then are as wide as the layer's output.
      input_dropout: in training, the share of the layer's inputs that are dropped.
      dropout: in training, the share of the readout's inputs that are dropped.
      weight_dropout: in training, the share of the recurrent weights that are dropped;
        see `Recurrent`.
      reset_rate: in training, the chance at each step that the state is cleared. It
        makes the model predict from short contexts too, as n-grams back off.
      gradient: how the layer is differentiated; see `Layer.unroll`.
    """

    layer: Layer
    vocabulary: int
    embedding: int = 0
    tied: bool = False
    input_dropout: float = 0.0
    dropout: float = 0.0
    weight_dropout: float = 0.0
    reset_rate: float = 0.0
    gradient: Gradient = "lean"

    def setup(self):
        """Draws all parameters."""
        if not self.layer.causal:
            raise ValueError(
                f"a language model may not look ahead, as {self.layer} does"
            )
        if self.tied and self.embedding != self.layer.features:
            raise ValueError(
                f"tied weights need embeddings as wide as the layer's output, "
                f"{self.layer.features}, not {self.embedding}"
            )
        V, width = self.vocabulary, self.embedding
        if width:
            init = nn.initializers.normal(width**-0.5)
            self.table = self.param("embedding", init, (V, width))
        self.recurrent = Recurrent(self.layer, self.weight_dropout, self.gradient)
        if self.tied:
            self.bias = self.param("bias", nn.initializers.zeros, (V,))
        else:
            readout = Readout(V)
            self.own = self.param("readout", readout.init, self.layer.features)
        self.drop_input = nn.Dropout(self.input_dropout)
        self.drop = nn.Dropout(self.dropout)

    @property
    def _readout(self) -> ReadoutParams:
        return ReadoutParams(self.table.T, self.bias) if self.tied else self.own

    def __call__(
        self,
        tokens: Array,
        lengths: Array,
        train: bool = False,
        carry: Carry | None = None,
    ) -> Array:
        """Scores every token given those before it.

        Args:
          tokens: integers [B, T].
          lengths: how many tokens of each row are real, integers [B].
          train: True adds the noise, and needs an rng named "dropout".
          carry: the state before the first token; the layer's initial one if None.

        Returns:
          Logits [B, T, V]: those at t are for tokens[:, t].
        """
        return self._read(self.states(tokens, lengths, train, carry))

    def loss(
        self,
        tokens: Array,
        lengths: Array,
        train: bool = False,
        carry: Carry | None = None,
    ) -> Mean:
        """−log P of each row, in nats: E7, E8.

        Args:
          tokens: as in `__call__`.
          lengths: as there.
          train: as there.
          carry: as there.

        Returns:
          The mean over the rows that are not empty.
        """
        states = self.states(tokens, lengths, train, carry)
        return self._cross_entropy(states, tokens, mask_of(lengths, tokens.shape[1]))

    def states(
        self,
        tokens: Array,
        lengths: Array,
        train: bool = False,
        carry: Carry | None = None,
    ) -> Array:
        """What the readout reads at each step: [B, T, features]."""
        mask = mask_of(lengths, tokens.shape[1])
        return self._states(shift_right(tokens), carry, mask, train)[1]

    def stream(
        self, carry: Carry, tokens: Array, targets: Array, train: bool = False
    ) -> tuple[Carry, Mean]:
        """A piece of running text; the next one goes on where it ends.

        Args:
          carry: the state before the piece, from `initial_carry` or the last piece.
          tokens: integers [B, T].
          targets: the tokens that follow each, [B, T].
          train: as in `__call__`.

        Returns:
          The state after the piece, and −log P of each row's targets, in nats.
        """
        carry, states = self._states(tokens, carry, None, train)
        return carry, self._cross_entropy(states, targets, None)

    def initial_carry(self, batch_size: int) -> Carry:
        """The state before the first token."""
        return self.recurrent.initial_carry(batch_size)

    def step(self, carry: Carry, token: Array) -> tuple[Carry, Array]:
        """Reads tokens [B] (`BOS` at the start); gives logits [B, V]."""
        carry, y = self.recurrent.step(carry, self._embed(token))
        return carry, self._read(y)

    def _states(self, read, carry, mask, train) -> tuple[Carry, Array]:
        resets = None
        if train and self.reset_rate:
            key = self.make_rng("dropout")
            resets = jax.random.bernoulli(key, self.reset_rate, read.shape)
        xs = self.drop_input(self._embed(read), deterministic=not train)
        carry, ys = self.recurrent(xs, mask, carry, resets, train)
        return carry, self.drop(ys, deterministic=not train)

    def _embed(self, tokens: Array) -> Array:
        if not self.embedding:
            return jax.nn.one_hot(tokens, self.vocabulary)
        return jnp.where((tokens < 0)[..., None], 0, self.table[tokens])

    def _read(self, states: Array) -> Array:
        return states @ self._readout.w + self._readout.b

    def _cross_entropy(self, states: Array, targets: Array, mask) -> Mean:
        states, targets, mask = jax.tree.map(
            lambda a: a.swapaxes(0, 1), (states, targets, mask)
        )
        return readout_cross_entropy(self._readout, states, targets, mask)

    def trainable(self, variables: Any) -> Any:
        """A tree of booleans like `variables`: False where no optimiser may step."""
        return trainable(variables, recurrent=self.layer)
