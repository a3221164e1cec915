"""A classifier of sound to ask: who speaks, or what kind of voice, in a WAV file?"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from seqjax.audio import FrontEnd
from seqjax.data.batches import Batches
from seqjax.predict.batched import check_classes, class_probabilities
from seqjax.predict.hearing import (
    Sounds,
    batches_of_sounds,
    example_of_sound,
    inputs_of,
    is_one,
    one_or_several,
)


@dataclasses.dataclass(frozen=True, eq=False)
class SoundClassPredictor:
    """A trained classifier of sounds.

    Attributes:
      model: a `Classifier` that reads vectors.
      front: turns sound into the model's inputs.
      classes: names, in the order of the model's logits.
      variables: of the model.

    Example:
      >>> import seqjax
      >>> predictor = seqjax.load("runs/gender")  # doctest: +SKIP
      >>> predictor.classify("anna.wav")  # doctest: +SKIP
      {'female': 0.98, 'male': 0.02}
    """

    model: Any
    front: FrontEnd
    classes: tuple[str, ...]
    variables: Any = None

    def __post_init__(self):
        check_classes(self.model, self.classes)

    def example(self) -> tuple[Any, ...]:
        """Returns a sound of one step, for `init`."""
        return example_of_sound(self.front)

    def classify(
        self, sound: Sounds | Sequence[Sounds]
    ) -> dict[str, float] | list[dict[str, float]]:
        """Returns P of each class of a sound, or of each of several.

        Args:
          sound: a path of a WAV file, a `Sound`, or a list of them.

        Raises:
          DataError: a file cannot be used.
          ValueError: a sound is too short, or has another rate.
        """
        inputs = [self.inputs(each) for each in one_or_several(sound)]
        rows = self.probabilities(self.batches(inputs))
        rated = [dict(zip(self.classes, row.tolist(), strict=True)) for row in rows]
        return rated[0] if is_one(sound) else rated

    def inputs(self, sound: Sounds) -> np.ndarray:
        """Returns what the model reads of a sound, [T, features]."""
        return inputs_of(self.front, sound)

    def batches(
        self, inputs: Sequence[np.ndarray], batch_size: int = 64, buckets: int = 1
    ) -> Batches:
        """Returns inputs, each [T, features], batched for `probabilities`."""
        return batches_of_sounds(inputs, batch_size, buckets)

    def probabilities(self, batches: Batches) -> np.ndarray:
        """Returns P of each class of each sound, in their order: [N, classes]."""
        return class_probabilities(self.model, self.variables, batches)
