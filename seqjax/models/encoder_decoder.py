"""Many to many, of unequal lengths: one sequence is read, another is written.

In Sutskever, Vinyals and Le (2014) and Cho et al. (2014) the decoder gets one context
vector; in Bahdanau, Cho and Bengio (2015) and Luong, Pham and Manning (2015) it attends
to every state of the encoder.
"""

from typing import Any, Literal, NamedTuple, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from seqjax.layer import Array, Gradient, Layer
from seqjax.layers.attention import (
    AdditiveAttention,
    Attention,
    AttentionCarry,
    FixedContext,
    Memory,
    MultiplicativeAttention,
)
from seqjax.layers.readout import Readout
from seqjax.losses import readout_cross_entropy
from seqjax.masks import zero_invalid
from seqjax.metrics import Mean
from seqjax.models.recurrent import (
    CarryFromVector,
    Recurrent,
    final_outputs,
    mask_of,
    shift_right,
    trainable,
)

Kind = Literal["none", "additive", "multiplicative"]


class DecoderCarry(NamedTuple):
    """All that a step of the decoder reads besides the token; leaves [B, ...]."""

    carry: AttentionCarry
    memory: Memory  # of the source; the same at every step


class EncoderDecoder(nn.Module):
    """Computes logits for y⟨t⟩ from the source and from y⟨1⟩, …, y⟨t−1⟩.

    Attributes:
      encoder: any layer, such as a `Bidirectional` one; None if the decoder attends to
        what the `reader` made, as in Xu et al. (2015), and begins with its mean.
      decoder: any layer that can step.
      source_vocabulary: the number of tokens in the source language; None if the source
        is vectors, such as frames of sound, [B, S, in] in place of integers [B, S].
      target_vocabulary: the number of tokens V in the target language.
      embedding: the width of a token's learned vector, on both sides.
      attention: "none", "additive" or "multiplicative"; see `seqjax.layers.attention`.
      dropout: the share of the embeddings and of the readout's inputs that are dropped
        in training.
      gradient: see `Layer.unroll`.
      reader: a module that turns the source [B, ...] into a grid of vectors
        [B, ..., M], M = `reader.features`, as a `ConvEncoder` does with images; they
        are read one after the other, all of them unless the row is empty. None if the
        source is a sequence as it is.

    Example:
      >>> from seqjax import Bidirectional
      >>> from seqjax.cells import LSTM
      >>> model = EncoderDecoder(Bidirectional(LSTM(4)), LSTM(8), 30, 40)
      >>> source, target = jnp.ones((2, 5), int), jnp.ones((2, 7), int)
      >>> inputs = source, jnp.array([5, 3]), target, jnp.array([4, 7])
      >>> variables = jax.jit(model.init)(jax.random.key(0), *inputs)
      >>> model.apply(variables, *inputs).shape
      (2, 7, 40)
    """

    encoder: Layer | None
    decoder: Layer
    source_vocabulary: int | None
    target_vocabulary: int
    embedding: int = 128
    attention: Kind = "additive"
    dropout: float = 0.0
    gradient: Gradient = "lean"
    reader: Any = None

    def setup(self):
        """Builds the parts."""
        if self.attention not in get_args(Kind):
            raise ValueError(
                f"attention must be one of {get_args(Kind)}, not {self.attention!r}"
            )
        if self.encoder is None and self.reader is None:
            raise ValueError("without an encoder there must be a reader to attend to")
        if self.source_vocabulary is not None:
            self.source = nn.Embed(self.source_vocabulary, self.embedding)
        self.target = nn.Embed(self.target_vocabulary, self.embedding)
        if self.encoder is not None:
            self.read = Recurrent(self.encoder, gradient=self.gradient)
        attend = self._attend
        self.write = self.param("write", attend.init, self.embedding)
        self.begin = CarryFromVector(self.decoder)
        readout = Readout(self.target_vocabulary)
        self.readout = self.param("readout", readout.init, attend.features)
        self.drop = nn.Dropout(self.dropout)

    @property
    def _attend(self) -> Attention:
        kinds = {
            "none": FixedContext,
            "additive": AdditiveAttention,
            "multiplicative": MultiplicativeAttention,
        }
        if self.encoder is None:
            return kinds[self.attention](self.decoder, self.reader.features)
        # without attention the memory is `final_outputs`, of two steps if not causal
        steps = 1 if self.attention != "none" or self.encoder.causal else 2
        return kinds[self.attention](self.decoder, steps * self.encoder.features)

    def __call__(
        self,
        source: Array,
        source_lengths: Array,
        target: Array,
        target_lengths: Array,
        train: bool = False,
    ) -> Array:
        """Scores every token of the target given the source and the tokens before it.

        Args:
          source: integers [B, S], vectors [B, S, in], or what the `reader` takes,
            such as images [B, H, W, C].
          source_lengths: how many tokens of each row are real, [B].
          target: integers [B, T].
          target_lengths: as the source's.
          train: True adds the noise, and needs an rng named "dropout".

        Returns:
          Logits [B, T, V]: those at t are for target[:, t].
        """
        initial = self.initial_carry(source, source_lengths, train)
        states = self._states(initial, shift_right(target), target_lengths, train)
        return states @ self.readout.w + self.readout.b

    def loss(
        self,
        source: Array,
        source_lengths: Array,
        target: Array,
        target_lengths: Array,
        train: bool = False,
        sampled: float = 0.0,
    ) -> Mean:
        """Computes −log P of a row's target, in nats (E7, E8).

        Args:
          source: as in `__call__`.
          source_lengths: as in `__call__`.
          target: as in `__call__`.
          target_lengths: as in `__call__`.
          train: as in `__call__`.
          sampled: the share of the decoder's inputs that are drawn from the model
            instead of taken from the target: scheduled sampling (Bengio et al., 2015).
            A first pass that is fed the target computes the distributions to draw from,
            in parallel (Duckworth et al., 2019). It needs an rng named "dropout".

        Returns:
          The mean over the rows that are not empty.
        """
        initial = self.initial_carry(source, source_lengths, train)
        read = shift_right(target)
        read = self._sampled(initial, read, target_lengths, train, sampled)
        states = self._states(initial, read, target_lengths, train)
        mask = mask_of(target_lengths, target.shape[1])
        states, target, mask = (a.swapaxes(0, 1) for a in (states, target, mask))
        return readout_cross_entropy(self.readout, states, target, mask)

    def initial_carry(
        self, source: Array, source_lengths: Array, train: bool = False
    ) -> DecoderCarry:
        """Reads the source, and returns the state before the first token."""
        xs, mask = self._vectors(source, source_lengths)
        xs = self.drop(xs, deterministic=not train)
        if self.encoder is None:
            states, count = zero_invalid(mask, xs), jnp.sum(mask, axis=1)[:, None]
            summary = jnp.sum(states, axis=1) / jnp.maximum(count, 1)
        else:
            _, states = self.read(xs, mask, train=train)
            summary = final_outputs(self.encoder, states, mask)
        if self.attention == "none":
            states, mask = summary[:, None], None
        memory = self._attend.remember(self.write, states, mask).memory
        dtype = jnp.promote_types(summary.dtype, jnp.float32)
        first = self._attend.initial_carry_from(self.write, summary.shape[:1], dtype)
        return DecoderCarry(first._replace(layer=self.begin(summary)), memory)

    def _vectors(self, source: Array, lengths: Array) -> tuple[Array, Array]:
        """Returns the source as vectors [B, S, in], and which are real, [B, S]."""
        mask = mask_of(lengths, source.shape[1])
        xs = zero_invalid(mask, source)
        xs = xs if self.source_vocabulary is None else self.source(xs)
        if self.reader is None:
            return xs, mask
        grid = self.reader(xs)
        xs = grid.reshape(len(grid), -1, grid.shape[-1])
        return xs, jnp.broadcast_to(mask.any(axis=1)[:, None], xs.shape[:2])

    def step(self, carry: DecoderCarry, token: Array) -> tuple[DecoderCarry, Array]:
        """Reads tokens [B], `BOS` first; returns the state and logits [B, V]."""
        params = self.write._replace(memory=carry.memory)
        after, y = self._attend.step(params, carry.carry, self._embed(token))
        return carry._replace(carry=after), y @ self.readout.w + self.readout.b

    def attention_weights(
        self, source: Array, source_lengths: Array, target: Array
    ) -> Array:
        """Returns how much each step of the target attends to each step of the source.

        Args:
          source: as in `__call__`.
          source_lengths: as in `__call__`.
          target: as in `__call__`.

        Returns:
          Weights [B, T, S], which sum to 1 over S.
        """
        initial = self.initial_carry(source, source_lengths)
        params = self.write._replace(memory=initial.memory)

        def body(carry, x):
            weights = self._attend.alignment(params, carry, x)
            return self._attend.step(params, carry, x)[0], weights

        xs = self._embed(shift_right(target)).swapaxes(0, 1)
        return lax.scan(body, initial.carry, xs)[1].swapaxes(0, 1)

    def _states(self, initial: DecoderCarry, read, lengths, train) -> Array:
        xs = self.drop(self._embed(read), deterministic=not train)
        _, ys = self._attend.unroll(
            self.write._replace(memory=initial.memory),
            xs.swapaxes(0, 1),
            initial.carry,
            mask=mask_of(lengths, read.shape[1]).T,
            gradient=self.gradient,
        )
        return self.drop(ys.swapaxes(0, 1), deterministic=not train)

    def _sampled(self, initial: DecoderCarry, read, lengths, train, share) -> Array:
        """Replaces a share of the decoder's inputs by tokens drawn from the model."""
        if not share:
            return read
        states = lax.stop_gradient(self._states(initial, read, lengths, train))
        logits = states[:, :-1] @ self.readout.w + self.readout.b
        key_draw, key_which = jax.random.split(self.make_rng("dropout"))
        drawn = jax.random.categorical(key_draw, logits).astype(read.dtype)
        which = jax.random.bernoulli(key_which, share, drawn.shape)
        mixed = jnp.where(which, drawn, read[:, 1:])
        return jnp.concatenate([read[:, :1], mixed], axis=1)

    def _embed(self, tokens: Array) -> Array:
        clipped = jnp.clip(tokens, 0, self.target_vocabulary - 1)
        return jnp.where((tokens < 0)[..., None], 0, self.target(clipped))

    def trainable(self, variables: Any) -> Any:
        """Returns a tree like `variables`, False where no optimizer may step."""
        layers = {} if self.encoder is None else {"read": self.encoder}
        marks = trainable(variables, **layers)
        params = variables["params"]["write"]
        marks["params"]["write"] = self._attend.trainable(params)
        return marks
