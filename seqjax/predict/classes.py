"""A classifier to ask: how likely is each class of a text?"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from seqjax.data.batches import Batches
from seqjax.data.lexicon import Lexicon
from seqjax.data.tokenize import Tokenizer, split_words
from seqjax.predict.batched import (
    check_classes,
    class_probabilities,
    example_of_words,
    not_blank,
)

NO_WORD = "?"  # what is read of a text without words


@dataclasses.dataclass(frozen=True, eq=False)
class ClassPredictor:
    """A trained classifier of texts.

    Attributes:
      model: a `Classifier` that reads `Words` or tokens, as the codec makes them. With
        two classes it may have a single logit, that of the second class.
      codec: turns texts into integers.
      classes: names or numbers, in the order of the model's logits.
      longest: how many words or tokens of a text are read.
      variables: of the model.

    Example:
      >>> import seqjax
      >>> predictor = seqjax.load("runs/vader")  # doctest: +SKIP
      >>> predictor.classify("There is nothing to like here.")  # doctest: +SKIP
      {1: 0.41, 2: 0.36, 3: 0.14, 4: 0.06, 5: 0.03}
      >>> predictor.rate("There is nothing to like here.")  # doctest: +SKIP
      1.94
    """

    model: Any
    codec: Lexicon | Tokenizer
    classes: tuple[Any, ...]
    longest: int = 200
    variables: Any = None

    def __post_init__(self):
        check_classes(self.model, self.classes)
        if self.longest < 1:
            raise ValueError(f"longest must be at least 1, not {self.longest}")

    def example(self) -> tuple[Any, ...]:
        """Returns a text of one word, for the model's `init`."""
        if isinstance(self.codec, Lexicon):
            return example_of_words()
        return jnp.zeros((1, 1), int), jnp.ones(1, int)

    def classify(self, text: str) -> dict[Any, float]:
        """Returns P of each class of a text.

        Raises:
          ValueError: the text is blank.
        """
        return dict(zip(self.classes, self._classify(text).tolist(), strict=True))

    def rate(self, text: str) -> float:
        """Returns the mean of the classes, which are numbers, weighted by P of each.

        Raises:
          ValueError: the text is blank, or the classes are no numbers.
        """
        if not all(isinstance(value, int | float) for value in self.classes):
            raise ValueError(f"the classes {self.classes} are no numbers: use classify")
        return float(self._classify(text) @ np.array(self.classes))

    def encode(self, text: str) -> Any:
        """Returns a text as the model reads it, cut after `longest` words or tokens.

        Raises:
          ValueError: a tokenizer finds no token in it; a lexicon reads "?" instead.
        """
        if isinstance(self.codec, Lexicon):
            return self.codec.encode(split_words(text)[: self.longest] or [NO_WORD])
        ids = self.codec.encode(text, eos=False)[: self.longest]
        if not len(ids):
            raise ValueError(f"there is no token in the text {text!r}")
        return ids

    def batches(
        self, texts: Sequence[str], batch_size: int = 64, buckets: int = 1
    ) -> Batches:
        """Returns texts, encoded for `probabilities`."""
        encoded = [self.encode(text) for text in texts]
        return Batches(encoded, batch_size, buckets=buckets)

    def probabilities(self, batches: Batches) -> np.ndarray:
        """Returns P of each class of each text, in their order: [N, classes]."""
        return class_probabilities(self.model, self.variables, batches)

    def _classify(self, text: str) -> np.ndarray:
        not_blank([text], "a text to classify")
        return self.probabilities(self.batches([text], batch_size=1))[0]
