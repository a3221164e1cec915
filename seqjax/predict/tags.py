"""A tagger to ask: the tag of each word of a sentence."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from seqjax.data.batches import Batch, Batches
from seqjax.data.lexicon import Lexicon
from seqjax.data.tokenize import split_words
from seqjax.metrics import as_iob2
from seqjax.predict.batched import (
    apply,
    example_of_words,
    lengths_of,
    row_lengths,
)


@dataclasses.dataclass(frozen=True, eq=False)
class TagPredictor:
    """A trained tagger of words.

    Attributes:
      model: a `Tagger` that reads `Words`. With two labels it may have a single logit,
        that of the second label.
      lexicon: turns words into integers.
      labels: the tags, in the order of the model's labels.
      variables: of the model.

    Example:
      >>> import seqjax
      >>> predictor = seqjax.load("runs/conll")  # doctest: +SKIP
      >>> predictor.tag("Yesterday, Harry Potter met Hermione.")  # doctest: +SKIP
      [('Yesterday', 'O'), (',', 'O'), ('Harry', 'B-PER'), ('Potter', 'I-PER'), …]
    """

    model: Any
    lexicon: Lexicon
    labels: tuple[str, ...]
    variables: Any = None

    def __post_init__(self):
        logits, named = self.model.labels, len(self.labels)
        if logits != named and (logits, named) != (1, 2):
            raise ValueError(f"the model has {logits} labels, but {named} are named")

    def example(self) -> tuple[Any, ...]:
        """Returns a sentence of one word, for the model's `init`."""
        return example_of_words()

    def tag(self, sentence: str | Sequence[str]) -> list[tuple[str, str]]:
        """Returns each word of a sentence and its tag, in IOB2 where tags are of IOB.

        Args:
          sentence: a text, which is split into words, or a list of words.

        Raises:
          ValueError: there is no word.
        """
        words = split_words(sentence) if isinstance(sentence, str) else list(sentence)
        if not words:
            raise ValueError("there is no word to tag; give a sentence")
        (tags,) = self.tags(self.batches([words]))
        return list(zip(words, as_iob2(tags), strict=True))

    def batches(
        self,
        sentences: Sequence[Sequence[str]],
        batch_size: int = 64,
        buckets: int = 1,
    ) -> Batches:
        """Returns sentences, each a list of words, encoded for `tags`."""
        encoded = [self.lexicon.encode(words) for words in sentences]
        return Batches(encoded, batch_size, buckets=buckets)

    def tags(self, batches: Batches) -> list[tuple[str, ...]]:
        """Returns the likeliest tags of each sentence, in their order."""
        rows = self._rows(batches, "tag")
        return [tuple(self.labels[i] for i in row.tolist()) for row in rows]

    def probabilities(self, batches: Batches) -> list[np.ndarray]:
        """Returns P of each label at each word of each sentence: [length, labels]."""
        rows = self._rows(batches, "probabilities")
        if self.model.labels > 1:
            return rows
        return [np.concatenate([1 - row, row], axis=-1) for row in rows]

    def _rows(self, batches: Batches, method: str) -> list[np.ndarray]:
        def function(batch: Batch) -> jax.Array:
            lengths = row_lengths(batch.lengths)
            return apply(self.model, method, self.variables, batch.values, lengths)

        pairs = zip(batches.map_rows(function), lengths_of(batches), strict=True)
        return [row[:length] for row, length in pairs]
