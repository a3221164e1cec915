"""A model of vectors to ask: a vector for each step of a sequence of vectors."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.data.batches import Batch, Batches
from seqjax.predict.batched import apply, lengths_of, row_lengths


@dataclasses.dataclass(frozen=True, eq=False)
class VectorPredictor:
    """A trained model that reads vectors and gives a vector at each step.

    Attributes:
      model: a `Tagger` without `embed`; its logits are the outputs.
      in_features: the width of the inputs.
      variables: of the model.

    Example:
      >>> import seqjax
      >>> predictor = seqjax.load("runs/dynamics")  # doctest: +SKIP
      >>> predictor.predict([[1, -1, 1], [0, 0, 0], [0, 1, 0]])  # doctest: +SKIP
      array([[ 1., -1.,  1.], [ 1., -1.,  1.], [ 1.,  1.,  1.]], dtype=float32)
    """

    model: Any
    in_features: int
    variables: Any = None

    def example(self) -> tuple[Any, ...]:
        """Returns a sequence of one step, for the model's `init`."""
        return jnp.zeros((1, 1, self.in_features)), jnp.ones(1, int)

    def predict(self, sequence: Any) -> np.ndarray:
        """Returns the outputs [T, labels] for inputs [T, in].

        Raises:
          ValueError: the inputs have another width, or there is none.
        """
        sequence = np.asarray(sequence, float)
        if sequence.ndim != 2 or sequence.shape[1] != self.in_features:
            shape = f"[T, {self.in_features}]"
            raise ValueError(f"the inputs must be {shape}, not {sequence.shape}")
        return self.outputs(self.batches([sequence]))[0]

    def batches(self, sequences: Sequence[Any], batch_size: int = 64) -> Batches:
        """Returns sequences of vectors, each [length, in], for `outputs`."""
        arrays = [np.asarray(sequence, float) for sequence in sequences]
        return Batches(arrays, min(batch_size, len(arrays)))

    def outputs(self, batches: Batches) -> list[np.ndarray]:
        """Returns the outputs for each sequence, in their order: [length, labels]."""

        def function(batch: Batch) -> jax.Array:
            inputs = batch.values, row_lengths(batch.lengths)
            return apply(self.model, "__call__", self.variables, *inputs)

        pairs = zip(batches.map_rows(function), lengths_of(batches), strict=True)
        return [row[:length] for row, length in pairs]
