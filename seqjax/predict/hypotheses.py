"""How a recogniser's hypotheses are found: by prefix beam search, or by a decoder."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp

from seqjax.data.batches import Batch
from seqjax.data.vocabulary import Vocabulary
from seqjax.decode import (
    Beam,
    Guide,
    Hypotheses,
    PrefixBeam,
    Prefixes,
    Rules,
    WordList,
    generate,
)
from seqjax.devices import by_rows
from seqjax.masks import from_lengths
from seqjax.models.recurrent import BOS
from seqjax.predict.language import LanguagePredictor


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["variables"],
    meta_fields=["model", "first", "ids"],
)
@dataclasses.dataclass(frozen=True)
class Letters:
    """A language model whose tokens are looked up for a recogniser's letters."""

    model: Any
    variables: Any
    first: int  # what it reads first
    ids: tuple[int, ...]  # the token of each letter, −1 where it has none

    @classmethod
    def of(cls, language: LanguagePredictor, letters: Vocabulary) -> "Letters":
        """Looks up a recogniser's letters in a language model of characters.

        Raises:
          ValueError: it is one of words.
        """
        known = language.tokenizer.vocabulary
        if not any(t in known for t in letters.tokens if len(t) == 1):
            raise ValueError("the language model must be one of characters")
        places = {token: i for i, token in enumerate(known.tokens)}
        ids = tuple(places.get(token, -1) for token in letters.tokens)
        return cls(language.model, language.variables, language.first, ids)

    def guide(self, rows: int, end: int) -> Guide:
        """Returns the model over letters, for so many sounds."""
        ids = jnp.array(self.ids)
        read = jnp.maximum(ids, 0)
        apply = functools.partial(self.model.apply, self.variables)

        def step(carry, tokens):
            carry, logits = apply(carry, tokens, method="step")
            log_p = jax.nn.log_softmax(logits)[:, read]
            return carry, jnp.where(ids < 0, -jnp.inf, log_p)

        begin = apply(rows, method="initial_carry"), jnp.full(rows, self.first)
        carry, first = step(*begin)
        return Guide(lambda c, letter: step(c, read[letter]), carry, first, end)


@by_rows(static=3)
def search(
    model: Any,
    beam: PrefixBeam,
    forbidden: int,
    known: tuple[Any, Letters | WordList | None],
    batch: Batch,
) -> Prefixes:
    """Searches the labels of a `Transcriber`.

    Args:
      model: the `Transcriber`.
      beam: how to search.
      forbidden: a class that is never written.
      known: the variables of the model, and a language model over the classes.
      batch: inputs [B, T, in] and their lengths.
    """
    (variables, letters), (inputs, lengths) = known, batch
    log_probs = model.apply(variables, inputs, lengths, method="log_probs")
    log_probs = log_probs.at[..., forbidden].set(-jnp.inf)
    mask = from_lengths(lengths, inputs.shape[1])
    guide = None if letters is None else letters.guide(len(lengths), beam.blank)
    return beam.search(log_probs.swapaxes(0, 1), mask, guide)


@by_rows(static=3)
def write(
    model: Any,
    beam: int,
    forms: tuple[int, int, tuple[int, ...]],
    variables: Any,
    batch: Batch,
) -> Hypotheses:
    """Has an `EncoderDecoder` write by beam search.

    Args:
      model: the `EncoderDecoder`.
      beam: hypotheses that are kept.
      forms: the most tokens, the one that ends, and those that are never written.
      variables: of the model.
      batch: inputs [B, T, in] and their lengths.
    """
    apply = functools.partial(model.apply, variables)
    longest, eos_id, forbidden = forms
    return generate(
        functools.partial(apply, method="step"),
        apply(*batch, method="initial_carry"),
        jnp.full(len(batch.lengths), BOS),
        Beam(beam),
        length=longest,
        eos_id=eos_id,
        rules=Rules(forbidden),
    )
