"""Many to many, of unequal lengths: one sequence read, another written.

Sutskever, Vinyals and Le (2014) and Cho et al. (2014) hand the decoder one context
vector; Bahdanau, Cho and Bengio (2015) and Luong, Pham and Manning (2015) let it look
at every state of the encoder.
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
from seqjax.metrics import Mean
from seqjax.models.recurrent import (
    FirstCarry,
    Recurrent,
    final_outputs,
    mask_of,
    shift_right,
    trainable,
)

Kind = Literal["none", "additive", "multiplicative"]


class Decoding(NamedTuple):
    """What a decoder's step goes on from; leaves [B, ...]."""

    carry: AttentionCarry
    memory: Memory


class EncoderDecoder(nn.Module):
    """Gives logits for y⟨t⟩ from the source and the y before it.

    Attributes:
      encoder: any layer; both directions help.
      decoder: any layer that can step.
      source_vocabulary: how many tokens a source may hold.
      target_vocabulary: how many a target may.
      embedding: the width of a token's learned vector, on both sides.
      attention: "none", "additive" or "multiplicative"; see `seqjax.layers.attention`.
      dropout: in training, the share of embeddings and of the readout's inputs dropped.
      gradient: see `Layer.unroll`.
    """

    encoder: Layer
    decoder: Layer
    source_vocabulary: int
    target_vocabulary: int
    embedding: int = 128
    attention: Kind = "additive"
    dropout: float = 0.0
    gradient: Gradient = "lean"

    def setup(self):
        """Makes the parts."""
        if self.attention not in get_args(Kind):
            raise ValueError(f"attention must be one of {get_args(Kind)}")
        self.source = nn.Embed(self.source_vocabulary, self.embedding)
        self.target = nn.Embed(self.target_vocabulary, self.embedding)
        self.read = Recurrent(self.encoder, gradient=self.gradient)
        attend = self._attend
        self.write = self.param("write", attend.init, self.embedding)
        self.begin = FirstCarry(self.decoder)
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
        places = 1 if self.attention != "none" or self.encoder.causal else 2
        return kinds[self.attention](self.decoder, places * self.encoder.features)

    def __call__(
        self,
        source: Array,
        source_lengths: Array,
        target: Array,
        target_lengths: Array,
        train: bool = False,
    ) -> Array:
        """Scores every token of the target given the source and those before it.

        Args:
          source: integers [B, S].
          source_lengths: how many tokens of each row are real, [B].
          target: integers [B, T].
          target_lengths: as the source's.
          train: True adds the noise, and needs an rng named "dropout".

        Returns:
          Logits [B, T, V]: those at t are for target[:, t].
        """
        begun = self.initial_carry(source, source_lengths, train)
        states = self._states(begun, shift_right(target), target_lengths, train)
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
        """−log P of each row's target, in nats: E7, E8.

        Args:
          source: as in `__call__`.
          source_lengths: as there.
          target: as there.
          target_lengths: as there.
          train: as there.
          sampled: the share of the tokens fed back that are drawn from the model
            instead of the target: scheduled sampling (Bengio et al., 2015), of a pass
            that is fed the target, as Duckworth et al. (2019) do it in parallel. Needs
            an rng named "dropout".

        Returns:
          The mean over the rows that are not empty.
        """
        begun = self.initial_carry(source, source_lengths, train)
        read = self._sampled(begun, shift_right(target), target_lengths, train, sampled)
        states = self._states(begun, read, target_lengths, train)
        mask = mask_of(target_lengths, target.shape[1])
        states, target, mask = (a.swapaxes(0, 1) for a in (states, target, mask))
        return readout_cross_entropy(self.readout, states, target, mask)

    def initial_carry(
        self, source: Array, source_lengths: Array, train: bool = False
    ) -> Decoding:
        """Reads the source; what `step` goes on from."""
        mask = mask_of(source_lengths, source.shape[1])
        xs = self.source(jnp.where(mask, source, 0))
        xs = self.drop(xs, deterministic=not train)
        _, states = self.read(xs, mask, train=train)
        summary = final_outputs(self.encoder, states, mask)
        if self.attention == "none":
            states, mask = summary[:, None], None
        remembered = self._attend.remember(self.write, states, mask).memory
        dtype = jnp.promote_types(summary.dtype, jnp.float32)
        first = self._attend.initial_carry_from(self.write, summary.shape[:1], dtype)
        return Decoding(first._replace(layer=self.begin(summary)), remembered)

    def step(self, carry: Decoding, token: Array) -> tuple[Decoding, Array]:
        """Reads tokens [B] (`BOS` at the start); gives logits [B, V]."""
        params = self.write._replace(memory=carry.memory)
        after, y = self._attend.step(params, carry.carry, self._embed(token))
        return carry._replace(carry=after), y @ self.readout.w + self.readout.b

    def alignments(self, source: Array, source_lengths: Array, target: Array) -> Array:
        """How much each step of the target looks at each place: [B, T, S]."""
        begun = self.initial_carry(source, source_lengths)
        params = self.write._replace(memory=begun.memory)

        def body(carry, x):
            weights = self._attend.alignment(params, carry, x)
            return self._attend.step(params, carry, x)[0], weights

        xs = self._embed(shift_right(target)).swapaxes(0, 1)
        return lax.scan(body, begun.carry, xs)[1].swapaxes(0, 1)

    def _states(self, begun: Decoding, read, lengths, train) -> Array:
        xs = self.drop(self._embed(read), deterministic=not train)
        _, ys = self._attend.unroll(
            self.write._replace(memory=begun.memory),
            xs.swapaxes(0, 1),
            begun.carry,
            mask=mask_of(lengths, read.shape[1]).T,
            gradient=self.gradient,
        )
        return self.drop(ys.swapaxes(0, 1), deterministic=not train)

    def _sampled(self, begun: Decoding, read, lengths, train, share) -> Array:
        """Some tokens that are fed back, drawn from the model."""
        if not share:
            return read
        states = lax.stop_gradient(self._states(begun, read, lengths, train))
        logits = states[:, :-1] @ self.readout.w + self.readout.b
        key_draw, key_which = jax.random.split(self.make_rng("dropout"))
        drawn = jax.random.categorical(key_draw, logits).astype(read.dtype)
        which = jax.random.bernoulli(key_which, share, drawn.shape)
        mixed = jnp.where(which, drawn, read[:, 1:])
        return jnp.concatenate([read[:, :1], mixed], axis=1)

    def _embed(self, tokens: Array) -> Array:
        known = jnp.clip(tokens, 0, self.target_vocabulary - 1)
        return jnp.where((tokens < 0)[..., None], 0, self.target(known))

    def trainable(self, variables: Any) -> Any:
        """A tree of booleans like `variables`: False where no optimiser may step."""
        marks = trainable(variables, read=self.encoder)
        params = variables["params"]["write"]
        marks["params"]["write"] = self._attend.trainable(params)
        return marks
