"""Many to many, of equal lengths: a label ŷ⟨t⟩ for each input x⟨t⟩."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqjax import losses
from seqjax.layer import Array, Carry, Gradient, Layer
from seqjax.losses import crf
from seqjax.masks import zero_invalid
from seqjax.metrics import Mean
from seqjax.models.recurrent import Recurrent, mask_of, outputs, trainable


class Tagger(nn.Module):
    """Labels each step, by itself or by a conditional random field (CRF).

    Attributes:
      layer: any layer.
      labels: the number of labels; 1 for the single logit of a binary label (E6).
      embed: turns the inputs into vectors [B, T, in], as `nn.Embed` does with tokens;
        None if they are vectors.
      crf: whether a label depends on its neighbours; see `seqjax.losses.crf`.
      several: whether a step may have any number of labels, each of which is there or
        not by itself (E6 for each, summed), as keys of a piano are down; else it has
        one of them.
      dropout: the share of the layer's inputs and outputs that are dropped in training.
      input_dropout: the share for the inputs alone; as `dropout` says if None.
      weight_dropout: see `Recurrent`.
      gradient: see `Layer.unroll`.
    """

    layer: Layer
    labels: int
    embed: nn.Module | None = None
    crf: bool = False
    several: bool = False
    dropout: float = 0.0
    input_dropout: float | None = None
    weight_dropout: float = 0.0
    gradient: Gradient = "lean"

    def setup(self):
        """Builds the parts."""
        if self.crf and self.labels < 2:
            raise ValueError(f"a CRF needs two labels or more, not {self.labels}")
        if self.crf and self.several:
            raise ValueError("a CRF is of one label at a step, not of several")
        self.recurrent = Recurrent(self.layer, self.weight_dropout, self.gradient)
        self.readout = nn.Dense(self.labels)
        self.drop = nn.Dropout(self.dropout)
        if self.input_dropout is not None:
            self.drop_input = nn.Dropout(self.input_dropout)
        if self.crf:
            self.neighbours = self.param("crf", crf.init, self.labels)

    def __call__(self, inputs: Any, lengths: Array, train: bool = False) -> Array:
        """Computes the logits of each step, to which a CRF adds those of neighbours.

        Args:
          inputs: a tree of arrays [B, T, ...], such as tokens.
          lengths: how many steps of each row are real, integers [B].
          train: True adds the noise, and needs an rng named "dropout".

        Returns:
          Logits [B, T, labels], zero from a row's length on.
        """
        drop = self.drop if self.input_dropout is None else self.drop_input
        ys, mask = outputs(self, inputs, lengths, train, drop)
        return zero_invalid(mask, self.readout(self.drop(ys, deterministic=not train)))

    def loss(
        self, inputs: Any, labels: Array, lengths: Array, train: bool = False
    ) -> Mean:
        """Computes −log P of a row's labels, in nats (E6, E7, or the CRF's).

        Args:
          inputs: as in `__call__`.
          labels: integers [B, T]; 0 or 1, [B, T, labels], where a step has several.
          lengths: as in `__call__`.
          train: as in `__call__`.

        Returns:
          The mean over the rows that are not empty.
        """
        logits = self(inputs, lengths, train).swapaxes(0, 1)
        labels, mask = labels.swapaxes(0, 1), mask_of(lengths, labels.shape[1]).T
        if self.several:
            every = jnp.broadcast_to(mask[..., None], logits.shape)
            nats = losses.binary_cross_entropy(logits, labels, every)
            return Mean(nats.total, jnp.sum(jnp.any(mask, axis=0)))
        if self.labels == 1:
            return losses.binary_cross_entropy(logits[..., 0], labels, mask)
        if not self.crf:
            return losses.cross_entropy(logits, labels, mask)
        log_p = crf.log_likelihood(self.neighbours, logits, labels, mask)
        return Mean(-jnp.sum(log_p), jnp.sum(jnp.any(mask, axis=0)))

    def tag(self, inputs: Any, lengths: Array) -> Array:
        """Returns the likeliest labels, integers [B, T], 0 from a row's length on.

        Where a step may have several, they are 0 or 1, [B, T, labels].
        """
        logits = self(inputs, lengths)
        mask = mask_of(lengths, logits.shape[1])
        if self.crf:
            by_time = logits.swapaxes(0, 1)
            return crf.viterbi(self.neighbours, by_time, mask.T)[0].T
        if self.several:
            return zero_invalid(mask, logits > 0).astype(int)
        if self.labels == 1:
            return jnp.where(mask, logits[..., 0] > 0, False).astype(int)
        return jnp.where(mask, jnp.argmax(logits, axis=-1), 0)

    def probabilities(self, inputs: Any, lengths: Array) -> Array:
        """Returns P of each label at each step, [B, T, labels], zero in the padding."""
        logits = self(inputs, lengths)
        mask = mask_of(lengths, logits.shape[1])
        if self.crf:
            by_time = logits.swapaxes(0, 1)
            return crf.marginals(self.neighbours, by_time, mask.T).swapaxes(0, 1)
        is_binary = self.several or self.labels == 1
        each = jax.nn.sigmoid if is_binary else jax.nn.softmax
        return zero_invalid(mask, each(logits))

    def initial_carry(self, batch_size: int) -> Carry:
        """Returns the state before the first step, for a layer that can step."""
        return self.recurrent.initial_carry(batch_size)

    def step(self, carry: Carry, inputs: Any) -> tuple[Carry, Array]:
        """Reads the inputs of one step, [B, ...]; returns the state and logits."""
        xs = inputs if self.embed is None else self.embed(inputs)
        carry, y = self.recurrent.step(carry, xs)
        return carry, self.readout(y)

    def trainable(self, variables: Any) -> Any:
        """Returns a tree like `variables`, False where no optimizer may step."""
        return trainable(variables, self.embed, recurrent=self.layer)
