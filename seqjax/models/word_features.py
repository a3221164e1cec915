"""Words as vectors: the word itself, its letters, and how it is written."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp

from seqjax.layer import Array, Gradient, Layer
from seqjax.models.recurrent import Recurrent, final_outputs, mask_of, trainable


class Words(NamedTuple):
    """Words of sentences; leaves [B, T, ...] of integers."""

    word: Array  # [B, T]
    letters: Array  # [B, T, C]
    length: Array  # [B, T], how many letters of each count
    casing: Array  # [B, T]


class WordFeatures(nn.Module):
    """[word's vector, ends of a layer over its letters, casing's vector] of each word.

    The letters as in Lample et al. (2016), section 4.1, which tell of words that were
    never seen; the casing as in Collobert et al. (2011), section 6.

    Attributes:
      words: how many there are.
      letters: how many there are.
      casings: how many there are.
      width: of a word's vector.
      reader: the layer over the letters.
      letter_width: of a letter's vector.
      casing_width: of a casing's vector.
      gradient: how the reader is differentiated; see `Layer.unroll`.
    """

    words: int
    letters: int
    casings: int
    width: int
    reader: Layer
    letter_width: int = 25
    casing_width: int = 8
    gradient: Gradient = "lean"

    @nn.compact
    def __call__(self, inputs: Words) -> Array:
        """Vectors [B, T, out]."""
        batch, time, longest = inputs.letters.shape
        letters = inputs.letters.reshape(batch * time, longest)
        mask = mask_of(inputs.length.reshape(-1), longest)
        xs = nn.Embed(self.letters, self.letter_width, name="letter")(letters)
        _, ys = Recurrent(self.reader, gradient=self.gradient, name="read")(xs, mask)
        spelled = final_outputs(self.reader, ys, mask).reshape(batch, time, -1)
        word = nn.Embed(self.words, self.width, name="word")(inputs.word)
        casing = nn.Embed(self.casings, self.casing_width, name="casing")(inputs.casing)
        return jnp.concatenate([word, spelled, casing], axis=-1)

    def trainable(self, variables: Any) -> Any:
        """A tree of booleans like `variables`: False where no optimiser may step."""
        return trainable(variables, read=self.reader)
