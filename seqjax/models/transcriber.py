"""Many to many, of unequal lengths and in the same order: labels by CTC."""

import flax.linen as nn
import jax

from seqjax.layer import Array, Carry, Gradient, Layer
from seqjax.losses import ctc
from seqjax.masks import zero_invalid
from seqjax.metrics import Mean
from seqjax.models.recurrent import Recurrent, mask_of, outputs, trainable


class Transcriber(nn.Module):
    """Labels without times: each step says a label or a blank (Graves et al., 2006).

    Attributes:
      layer: any layer.
      classes: K, the labels and the blank.
      blank: the class that says nothing.
      embed: turns the inputs into vectors [B, T, in]; None if they are vectors.
      dropout: the share of the layer's inputs and outputs that are dropped in training.
      weight_dropout: see `Recurrent`.
      gradient: see `Layer.unroll`.

    Example:
      >>> import jax.numpy as jnp
      >>> from seqjax import LSTM
      >>> model = Transcriber(LSTM(8), classes=5)
      >>> frames, lengths = jnp.ones((2, 9, 13)), jnp.array([9, 4])
      >>> variables = jax.jit(model.init)(jax.random.key(0), frames, lengths)
      >>> model.apply(variables, frames, lengths).shape
      (2, 9, 5)
    """

    layer: Layer
    classes: int
    blank: int = 0
    embed: nn.Module | None = None
    dropout: float = 0.0
    weight_dropout: float = 0.0
    gradient: Gradient = "lean"

    def setup(self):
        """Builds the parts."""
        if not 0 <= self.blank < self.classes:
            raise ValueError(
                f"the blank must be one of {self.classes} classes: {self.blank}"
            )
        self.recurrent = Recurrent(self.layer, self.weight_dropout, self.gradient)
        self.readout = nn.Dense(self.classes)
        self.drop = nn.Dropout(self.dropout)

    def __call__(self, inputs: Array, lengths: Array, train: bool = False) -> Array:
        """Computes the logits of each step.

        Args:
          inputs: [B, T, in].
          lengths: how many steps of each row are real, integers [B].
          train: True adds the noise, and needs an rng named "dropout".

        Returns:
          Logits [B, T, K], zero from a row's length on.
        """
        ys, mask = outputs(self, inputs, lengths, train)
        return zero_invalid(mask, self.readout(self.drop(ys, deterministic=not train)))

    def loss(
        self,
        inputs: Array,
        lengths: Array,
        labels: Array,
        label_lengths: Array,
        train: bool = False,
    ) -> Mean:
        """Computes −log P of a row's labels, in nats.

        Args:
          inputs: as in `__call__`.
          lengths: as in `__call__`.
          labels: integers [B, L] of 0 … K − 1, none of them the blank.
          label_lengths: how many labels of each row are real, integers [B].
          train: as in `__call__`.

        Returns:
          The mean over the rows that are not empty and have steps enough.
        """
        logits = self(inputs, lengths, train).swapaxes(0, 1)
        mask = mask_of(lengths, logits.shape[0]).T
        real = mask_of(label_lengths, labels.shape[1]).T
        return ctc.loss(logits, labels.T, mask, real, self.blank)

    def log_probs(self, inputs: Array, lengths: Array) -> Array:
        """Returns log P of each class at each step, [B, T, K], zero in the padding."""
        mask = mask_of(lengths, inputs.shape[1])
        return zero_invalid(mask, jax.nn.log_softmax(self(inputs, lengths)))

    def initial_carry(self, batch_size: int) -> Carry:
        """Returns the state before the first step, for `advance`."""
        return self.recurrent.initial_carry(batch_size)

    def advance(self, carry: Carry, inputs: Array) -> tuple[Carry, Array]:
        """Reads a piece of a sound that goes on: pieces give what the whole gives.

        Args:
          carry: after the pieces before.
          inputs: [B, T, in].

        Returns:
          The state, and log P of each class at each step, [B, T, K].

        Raises:
          ValueError: the layer looks ahead.
        """
        if not self.layer.causal:
            raise ValueError(f"{self.layer!r} looks ahead, and cannot read in pieces")
        xs = inputs if self.embed is None else self.embed(inputs)
        carry, ys = self.recurrent(xs, carry=carry)
        return carry, jax.nn.log_softmax(self.readout(ys))

    def trainable(self, variables):
        """Returns a tree like `variables`, False where no optimizer may step."""
        return trainable(variables, self.embed, recurrent=self.layer)
