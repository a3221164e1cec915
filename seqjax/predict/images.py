"""A classifier of images to ask: what is in a picture?"""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from seqjax.data.batches import Batches
from seqjax.data.images import Scan, read_image
from seqjax.predict.batched import check_classes, class_probabilities

Image = str | pathlib.Path | np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class ImageClassPredictor:
    """A trained classifier of grey images.

    Attributes:
      model: a `Classifier` that reads vectors, or a `FeedForward` network.
      scan: how an image becomes a sequence.
      classes: names, in the order of the model's logits.
      variables: of the model.

    Example:
      >>> import seqjax
      >>> predictor = seqjax.load("runs/digits")  # doctest: +SKIP
      >>> predictor.classify("seven.png")  # doctest: +SKIP
      {'0': 0.0, '1': 0.01, …, '7': 0.98, '8': 0.0, '9': 0.01}
    """

    model: Any
    scan: Scan
    classes: tuple[str, ...]
    variables: Any = None

    def __post_init__(self):
        check_classes(self.model, self.classes)

    def example(self) -> tuple[Any, ...]:
        """Returns a blank image of the usual size, for `init`."""
        blank = self.scan.stand(jnp.zeros((1, self.scan.height, self.scan.width)))
        steps = self.scan.steps(blank)
        return steps, jnp.full(1, steps.shape[1])

    def classify(
        self, image: Image | Sequence[Image]
    ) -> dict[str, float] | list[dict[str, float]]:
        """Returns P of each class of an image, or of each of several.

        Args:
          image: a path of a file, or grey values [H, W] from 0 to 255; or a list of
            them. They must be as the images to learn from were: those of MNIST are
            bright on black.

        Raises:
          DataError: a file cannot be used.
          ValueError: an image has a size that the model cannot read.
        """
        is_one = isinstance(image, Image)
        images = [image] if isinstance(image, Image) else image
        inputs = [self.inputs(each) for each in images]
        rows = self.probabilities(self.batches(inputs))
        rated = [dict(zip(self.classes, row.tolist(), strict=True)) for row in rows]
        return rated[0] if is_one else rated

    def inputs(self, image: Image) -> np.ndarray:
        """Returns what the model reads of an image, [T, features]."""
        read = read_image(image) if isinstance(image, str | pathlib.Path) else image
        if reason := self.scan.refused(np.shape(read)):
            raise ValueError(reason)
        return self.scan.steps(self.scan.stand(np.asarray(read, np.float32) / 255))

    def batches(
        self, inputs: Sequence[np.ndarray], batch_size: int = 64, buckets: int = 1
    ) -> Batches:
        """Returns inputs, each [T, features], batched for `probabilities`."""
        return Batches(inputs, min(batch_size, len(inputs)), buckets=buckets)

    def probabilities(self, batches: Batches) -> np.ndarray:
        """Returns P of each class of each image, in their order: [N, classes]."""
        return class_probabilities(self.model, self.variables, batches)
