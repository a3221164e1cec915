"""Words as vectors: from the word itself, its letters, and how it is written."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp

from seqjax.layer import Array, Gradient, Layer
from seqjax.models.recurrent import Recurrent, final_outputs, mask_of, trainable


class Words(NamedTuple):
    """The words of sentences as arrays of integers, of NumPy or JAX."""

    word: Any  # [B, T], each word's place in a vocabulary
    letters: Any  # [B, T, C], the places of its letters
    length: Any  # [B, T], how many of the letters are real
    casing: Any  # [B, T], how it is written


class WordFeatures(nn.Module):
    """Makes a vector for each word, of three parts side by side.

    They are a learned vector for the word; the final outputs of a layer that reads its
    letters, which also describe a word that was never seen (Lample et al., 2016,
    section 4.1); and a learned vector for its casing (Collobert et al., 2011, section
    6).

    Attributes:
      words: the number of words in the vocabulary.
      letters: the number of letters in the vocabulary.
      casings: the number of casings.
      width: the width of a word's vector.
      reader: the layer that reads the letters.
      letter_width: the width of a letter's vector.
      casing_width: the width of a casing's vector.
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
        """Returns vectors [B, T, width + reader's outputs + casing_width]."""
        batch, time, longest = inputs.letters.shape
        letters = inputs.letters.reshape(batch * time, longest)
        mask = mask_of(inputs.length.reshape(-1), longest)
        xs = nn.Embed(self.letters, self.letter_width, name="letter")(letters)
        _, ys = Recurrent(self.reader, gradient=self.gradient, name="read")(xs, mask)
        spelling = final_outputs(self.reader, ys, mask).reshape(batch, time, -1)
        word = nn.Embed(self.words, self.width, name="word")(inputs.word)
        casing = nn.Embed(self.casings, self.casing_width, name="casing")(inputs.casing)
        return jnp.concatenate([word, spelling, casing], axis=-1)

    def trainable(self, variables: Any) -> Any:
        """Returns a tree like `variables`, False where no optimizer may step."""
        return trainable(variables, read=self.reader)
