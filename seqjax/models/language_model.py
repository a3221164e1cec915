"""Language models: P(y⟨1⟩, …, y⟨T⟩) = ∏ P(y⟨t⟩ | y⟨1⟩, …, y⟨t−1⟩), equation E8."""

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
    """Reads y⟨t−1⟩ and computes logits for y⟨t⟩.

    Attributes:
      layer: any layer that can step and whose output at t depends on no input after t.
      vocabulary: the number of tokens V.
      embedding: the width of a learned vector for each token; 0 reads one-hot vectors.
      tied: whether the readout's kernel is the table of embeddings (Press and Wolf,
        2017), which then must be as wide as the layer's output.
      input_dropout: the share of the layer's inputs that are dropped in training.
      dropout: the share of the readout's inputs that are dropped in training.
      weight_dropout: the share of the recurrent weights that are dropped in training;
        see `Recurrent`.
      reset_rate: the chance at each step in training that the state is set back to the
        initial one. The model then learns to predict from short contexts too, as
        n-grams do when they back off.
      gradient: how the layer is differentiated; see `Layer.unroll`.

    Example:
      >>> from seqjax.cells import GRU
      >>> model = LanguageModel(GRU(8), vocabulary=30, embedding=16)
      >>> tokens, lengths = jnp.ones((2, 7), int), jnp.array([7, 3])
      >>> variables = jax.jit(model.init)(jax.random.key(0), tokens, lengths)
      >>> model.apply(variables, tokens, lengths).shape
      (2, 7, 30)
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
        """Builds the parts."""
        if not self.layer.causal:
            raise ValueError(
                f"a language model may not look ahead, but {self.layer} does"
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
        beside: Array | None = None,
    ) -> Array:
        """Scores every token given the tokens before it.

        Args:
          tokens: integers [B, T].
          lengths: how many tokens of each row are real, integers [B].
          train: True adds the noise, and needs an rng named "dropout".
          carry: the state before the first token; the layer's initial one if None.
          beside: vectors [B, T, in] that are known when tokens[:, t] is to be scored,
            and are read beside the token before it; nothing if None.

        Returns:
          Logits [B, T, V]: those at t are for tokens[:, t].
        """
        return self.read(self.states(tokens, lengths, train, carry, beside))

    def loss(
        self,
        tokens: Array,
        lengths: Array,
        train: bool = False,
        carry: Carry | None = None,
    ) -> Mean:
        """Computes −log P of a row, in nats (E7, E8).

        The arguments are those of `__call__`.

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
        beside: Array | None = None,
    ) -> Array:
        """Returns what the readout reads at each step, [B, T, features].

        The arguments are those of `__call__`.
        """
        mask = mask_of(lengths, tokens.shape[1])
        return self._states(shift_right(tokens), carry, mask, train, beside)[1]

    def stream(
        self,
        carry: Carry,
        tokens: Array,
        targets: Array,
        train: bool = False,
        mask: Array | None = None,
    ) -> tuple[Carry, Mean]:
        """Scores a piece of running text, which continues the piece before it.

        Args:
          carry: the state before the piece, from `initial_carry` or the piece before.
          tokens: integers [B, T].
          targets: the token that follows each of them, [B, T].
          train: as in `__call__`.
          mask: bool [B, T], True where there is a token; everywhere if None.

        Returns:
          The state after the piece, and −log P of a row's targets in nats, the mean
          over rows.
        """
        carry, states = self._states(tokens, carry, mask, train)
        return carry, self._cross_entropy(states, targets, mask)

    def initial_carry(self, batch_size: int) -> Carry:
        """Returns the state before the first token."""
        return self.recurrent.initial_carry(batch_size)

    def step(
        self, carry: Carry, token: Array, beside: Array | None = None
    ) -> tuple[Carry, Array]:
        """Reads tokens [B], `BOS` first; returns the state and logits [B, V].

        What is `beside` [B, in] belongs to the token to be scored, as in `__call__`.
        """
        carry, y = self.recurrent.step(carry, self._inputs(token, beside))
        return carry, self.read(y)

    def _inputs(self, read, beside) -> Array:
        xs = self.embed(read)
        return xs if beside is None else jnp.concatenate([xs, beside], axis=-1)

    def _states(self, read, carry, mask, train, beside=None) -> tuple[Carry, Array]:
        resets = None
        if train and self.reset_rate:
            key = self.make_rng("dropout")
            resets = jax.random.bernoulli(key, self.reset_rate, read.shape)
        xs = self.drop_input(self._inputs(read, beside), deterministic=not train)
        carry, ys = self.recurrent(xs, mask, carry, resets, train)
        return carry, self.drop(ys, deterministic=not train)

    def embed(self, tokens: Array) -> Array:
        """Returns what the layer reads for tokens: vectors, zero for `BOS`."""
        if not self.embedding:
            return jax.nn.one_hot(tokens, self.vocabulary)
        return jnp.where((tokens < 0)[..., None], 0, self.table[tokens])

    def read(self, states: Array) -> Array:
        """Returns logits [..., V] from outputs of the layer [..., features]."""
        return states @ self._readout.w + self._readout.b

    def _cross_entropy(self, states: Array, targets: Array, mask) -> Mean:
        states, targets, mask = jax.tree.map(
            lambda a: a.swapaxes(0, 1), (states, targets, mask)
        )
        return readout_cross_entropy(self._readout, states, targets, mask)

    def trainable(self, variables: Any) -> Any:
        """Returns a tree like `variables`, False where no optimizer may step."""
        return trainable(variables, recurrent=self.layer)
