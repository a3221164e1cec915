"""A classifier of videos to ask: what is done in these frames?"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from seqjax.data.batches import Batches
from seqjax.predict.batched import check_classes, class_probabilities

FASTER = 5.0  # what changes from frame to frame is small beside where things are


@dataclasses.dataclass(frozen=True, eq=False)
class VideoClassPredictor:
    """A trained classifier of videos, or of other sequences of frames.

    Attributes:
      model: a `Classifier`.
      frame: the shape of a frame: (H, W, C) of pixels, (F,) of points.
      classes: names, in the order of the model's logits.
      mean: what is taken from each number of a frame, or from all.
      std: by which what is left is divided.
      differences: whether the change since the frame before stands beside each frame
        of points.
      variables: of the model.

    Example:
      >>> import seqjax
      >>> predictor = seqjax.load("runs/hands")  # doctest: +SKIP
      >>> predictor.classify([[0.8, 0.4], [0.7, 0.4], [0.6, 0.4]])  # doctest: +SKIP
      {'circle': 0.02, 'horizontal swing': 0.97, …}
    """

    model: Any
    frame: tuple[int, ...]
    classes: tuple[str, ...]
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    differences: bool = False
    variables: Any = None

    def __post_init__(self):
        check_classes(self.model, self.classes)

    def example(self) -> tuple[Any, ...]:
        """Returns a video of one frame, for `init`."""
        return jnp.asarray(self.inputs(np.zeros((1, *self.frame))))[None], jnp.ones(1)

    def classify(self, frames: Any) -> dict[str, float]:
        """Returns P of each class of a video.

        Args:
          frames: [T, *frame], of the kind that the model learned from; pixels are 0 to
            1. One frame is enough.

        Raises:
          ValueError: there is none, or frames have another shape.
        """
        batches = self.batches([self.inputs(frames)])
        (row,) = self.probabilities(batches)
        return dict(zip(self.classes, row.tolist(), strict=True))

    def inputs(self, frames: Any) -> np.ndarray:
        """Returns what the model reads of a video.

        Raises:
          ValueError: as `classify`.
        """
        frames = np.asarray(frames, np.float32)
        if not len(frames) or frames.shape[1:] != self.frame:
            shape = ", ".join(map(str, self.frame))
            raise ValueError(f"frames must be [T, {shape}], not {frames.shape}")
        mean, std = (np.array(a, np.float32) for a in (self.mean, self.std))
        frames = (frames - mean) / std
        if not self.differences:
            return frames
        changes = np.diff(frames, axis=0, prepend=frames[:1])
        return np.concatenate([frames, FASTER * changes], axis=-1)

    def batches(
        self, inputs: Sequence[np.ndarray], batch_size: int = 64, buckets: int = 1
    ) -> Batches:
        """Returns inputs of videos, batched for `probabilities`."""
        return Batches(inputs, min(batch_size, len(inputs)), buckets=buckets)

    def probabilities(self, batches: Batches) -> np.ndarray:
        """Returns P of each class of each video, in their order: [N, classes]."""
        return class_probabilities(self.model, self.variables, batches)
