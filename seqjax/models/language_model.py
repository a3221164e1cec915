"""P(y⟨1⟩, …, y⟨T⟩) = ∏ P(y⟨t⟩ | y⟨1⟩, …, y⟨t−1⟩): E8, by any layer that can step."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqjax.layer import Array, Carry, Gradient, Layer
from seqjax.losses import readout_cross_entropy
from seqjax.masks import from_lengths
from seqjax.metrics import Mean
from seqjax.noise import drop_weights
from seqjax.readout import Readout

BEFORE_FIRST = -1  # one-hot encodes to the zero vector: the course's x⟨1⟩ = 0


class LanguageModel(nn.Module):
    """Reads y⟨t−1⟩ as a one-hot vector and gives logits for y⟨t⟩.

    Its parameters are the layer's and the readout's own, under "layer" and "readout".

    Attributes:
      layer: any layer whose output at t has seen no input after t.
      vocabulary: the number of tokens V.
      dropout: in training, the share of the readout's inputs that are dropped.
      weight_dropout: in training, the share of the recurrent weights that are dropped,
        anew for each batch; see `noise.drop_weights`.
      reset_rate: in training, the chance at each step that the state is cleared. It
        makes the model predict from short contexts too, as n-grams back off.
      gradient: how the layer is differentiated; see `Layer.unroll`.
    """

    layer: Layer
    vocabulary: int
    dropout: float = 0.0
    weight_dropout: float = 0.0
    reset_rate: float = 0.0
    gradient: Gradient = "lean"

    def setup(self):
        """Draws both sets of parameters."""
        layer, readout = self.layer, Readout(self.vocabulary)
        if not layer.causal:
            raise ValueError(f"a language model may not look ahead, as {layer} does")
        self.layer_params = self.param("layer", layer.init, self.vocabulary)
        self.readout_params = self.param("readout", readout.init, layer.features)
        self.drop = nn.Dropout(self.dropout)

    def __call__(self, tokens: Array, lengths: Array, train: bool = False) -> Array:
        """Scores every token given those before it.

        Args:
          tokens: integers [B, T].
          lengths: how many tokens of each row are real, integers [B].
          train: True adds the noise, and needs an rng named "dropout".

        Returns:
          Logits [B, T, V]: those at t are for tokens[:, t].
        """
        states = self.states(tokens, lengths, train)
        return self._read(self.drop(states, deterministic=not train))

    def loss(self, tokens: Array, lengths: Array, train: bool = False) -> Mean:
        """−log P of each row, in nats: E7, E8.

        Args:
          tokens: as in `__call__`.
          lengths: as there.
          train: as there.

        Returns:
          The mean over the rows that are not empty.
        """
        states = self.drop(self.states(tokens, lengths, train), deterministic=not train)
        return readout_cross_entropy(
            self.readout_params,
            states.swapaxes(0, 1),
            tokens.T,
            from_lengths(lengths, tokens.shape[1]),
        )

    def states(self, tokens: Array, lengths: Array, train: bool = False) -> Array:
        """The layer's outputs [B, T, features], before the readout."""
        before = jnp.full_like(tokens[:, :1], BEFORE_FIRST)
        inputs = jnp.concatenate([before, tokens[:, :-1]], axis=1).T
        params, resets = self.layer_params, None
        if train and self.weight_dropout:
            key, trainable = self.make_rng("dropout"), self.layer.trainable(params)
            params = drop_weights(params, trainable, key, self.weight_dropout)
        if train and self.reset_rate:
            key = self.make_rng("dropout")
            resets = jax.random.bernoulli(key, self.reset_rate, inputs.shape)
        _, ys = self.layer.unroll(
            params,
            jax.nn.one_hot(inputs, self.vocabulary),
            mask=from_lengths(lengths, tokens.shape[1]),
            resets=resets,
            gradient=self.gradient,
        )
        return ys.swapaxes(0, 1)

    def initial_carry(self, batch_size: int) -> Carry:
        """The state before the first token."""
        return self.layer.start(self.layer_params, (batch_size,), jnp.float32)

    def step(self, carry: Carry, token: Array) -> tuple[Carry, Array]:
        """Reads tokens [B] (`BEFORE_FIRST` at the start); gives logits [B, V]."""
        x = jax.nn.one_hot(token, self.vocabulary)
        carry, y = self.layer.step(self.layer_params, carry, x)
        return carry, self._read(y)

    def _read(self, states: Array) -> Array:
        return states @ self.readout_params.w + self.readout_params.b

    def trainable(self, variables: Any) -> Any:
        """A tree of booleans like `variables`: False where no optimiser may step."""
        params = variables["params"]
        marks = jax.tree.map(lambda _: True, params)
        return {"params": {**marks, "layer": self.layer.trainable(params["layer"])}}
