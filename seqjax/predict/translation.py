"""A translator to ask: a sentence in another language, and what it attended to."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.data.batches import Batch, Batches
from seqjax.data.tokenize import Tokenizer
from seqjax.data.vocabulary import UNK
from seqjax.decode import Beam, Rules, Sampling, generate, replace_unknown
from seqjax.devices import by_rows
from seqjax.models.recurrent import BOS
from seqjax.predict.batched import attention_weights, not_blank, one_or_more


class Pair(NamedTuple):
    """A sentence and its translation as integers, `<EOS>` at the end of both."""

    source: np.ndarray  # [S]
    target: np.ndarray  # [T]


@dataclasses.dataclass(frozen=True, eq=False)
class TranslationPredictor:
    """A trained translator.

    Attributes:
      model: an `EncoderDecoder`.
      source: the tokenizer of the language that is read.
      target: the tokenizer of the language that is written.
      longest: the most tokens of a translation.
      variables: of the model.

    Example:
      >>> import seqjax
      >>> predictor = seqjax.load("runs/french")  # doctest: +SKIP
      >>> predictor.translate("Voulez-vous chanter avec moi ?")  # doctest: +SKIP
      'Do you want to sing with me?'
    """

    model: Any
    source: Tokenizer
    target: Tokenizer
    longest: int = 60
    variables: Any = None

    def __post_init__(self):
        sizes = self.model.source_vocabulary, self.model.target_vocabulary
        known = len(self.source.tokens), len(self.target.tokens)
        if sizes != known:
            raise ValueError(
                f"the model has {sizes} tokens, but the tokenizers {known}"
            )
        one_or_more(self.longest, "longest")

    def example(self) -> tuple[Any, ...]:
        """Returns a pair of one token each, for the model's `init`."""
        one, length = jnp.zeros((1, 1), int), jnp.ones(1, int)
        return one, length, one, length

    def translate(
        self,
        text: str | Sequence[str],
        *,
        beam: int = 4,
        length_penalty: float = 0.6,
        copy_unknown: bool = True,
        batch_size: int = 64,
        buckets: int = 1,
    ) -> str | list[str]:
        """Returns the translation of a text, or of each of several.

        Args:
          text: one, or a list.
          beam: how many hypotheses the beam search keeps; 1 takes the likeliest token
            each time: greedy decoding.
          length_penalty: the beam search's α; 0 favours short sentences.
          copy_unknown: whether an unknown word becomes the word of the source that the
            decoder attended to most. Else, and always without attention, the likeliest
            known word is written in its place.
          batch_size: how many texts are translated at once.
          buckets: groups of texts of like length that are translated together.

        Raises:
          ValueError: a text is blank, or a number is out of its range.
        """
        texts = [text] if isinstance(text, str) else list(text)
        not_blank(texts, "a sentence to translate")
        greedy = Sampling(temperature=0)
        strategy = greedy if beam == 1 else Beam(beam, length_penalty)
        copies = copy_unknown and self.model.attention != "none"
        order = {"batch_size": batch_size, "buckets": buckets}
        written = self._write(texts, strategy, copies, order)
        if any(UNK in tokens for tokens in written):
            written = self._copy_unknown(texts, written, order)
        results = [self.target.detokenize(tokens) for tokens in written]
        return results[0] if isinstance(text, str) else results

    def attention_weights(
        self,
        texts: Sequence[str],
        written: Sequence[str | Sequence[str]],
        *,
        batch_size: int = 64,
        buckets: int = 1,
    ) -> list[np.ndarray]:
        """Returns how much each written token attended to each token of its source.

        Args:
          texts: the sources.
          written: their translations, as texts or as lists of tokens.
          batch_size: as in `translate`.
          buckets: as in `translate`.

        Returns:
          For each text [T + 1, S + 1], `<EOS>` counted on both sides; rows sum to 1.
        """
        encode = self.target.vocabulary.encode
        tokens = [self.target.tokenize(w) if isinstance(w, str) else w for w in written]
        pairs = [
            Pair(self.source.encode(text), encode(row))
            for text, row in zip(texts, tokens, strict=True)
        ]

        order = batch_size, buckets
        return attention_weights(self.model, self.variables, pairs, *order)

    def encode(self, pairs: Sequence[tuple[str, str]]) -> list[Pair]:
        """Returns sentences and their translations as integers."""
        return [Pair(self.source.encode(s), self.target.encode(t)) for s, t in pairs]

    def _write(
        self, texts: list[str], strategy: Any, copies: bool, order: dict[str, int]
    ) -> list[list[str]]:
        vocabulary = self.target.vocabulary
        rules = Rules(forbidden=() if copies else (vocabulary.unk,))
        options = self.model, strategy, self.longest, vocabulary.eos, rules
        write = functools.partial(_generate, *options, self.variables)
        sources = [self.source.encode(text) for text in texts]
        rows = Batches(sources, **order).map_rows(write)
        return [vocabulary.decode(row) for row in rows]

    def _copy_unknown(
        self, texts: list[str], written: list[list[str]], order: dict[str, int]
    ) -> list[list[str]]:
        weights = self.attention_weights(texts, written, **order)
        return [
            replace_unknown(tokens, row, self.source.tokenize(text))
            for tokens, row, text in zip(written, weights, texts, strict=True)
        ]


@by_rows(static=5)
def _generate(
    model: Any,
    strategy: Any,
    length: int,
    eos_id: int,
    rules: Rules,
    variables: Any,
    batch: Batch,
) -> jax.Array:
    apply = functools.partial(model.apply, variables)
    hypotheses = generate(
        functools.partial(apply, method="step"),
        apply(*batch, method="initial_carry"),
        jnp.full(len(batch.lengths), BOS),
        strategy,
        length=length,
        eos_id=eos_id,
        rules=rules,
    )
    return hypotheses.tokens[:, 0]
