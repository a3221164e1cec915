"""A model of piano rolls to ask: how likely is a roll, what comes next, how it goes on.

A roll is bool [T, keys]: which keys are down in each frame. The model reads frame t and
predicts frame t + 1, each key by itself given all frames up to t:
P(x⟨2⟩, …, x⟨T⟩ | x⟨1⟩) = ∏_t ∏_k P(x⟨t⟩[k] | x⟨1⟩, …, x⟨t−1⟩).
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from seqjax.data.batches import Batch, Batches
from seqjax.metrics import Mean
from seqjax.predict.batched import apply, lengths_of, one_or_more


class NextFrame(NamedTuple):
    """A roll as a model reads it: all frames but the last, and the frame after each."""

    inputs: np.ndarray  # [T − 1, keys], 0.0 or 1.0
    targets: np.ndarray  # [T − 1, keys], 0 or 1

    @classmethod
    def of(cls, roll: Any) -> "NextFrame":
        """Takes a roll [T, keys] of at least two frames."""
        roll = np.asarray(roll)
        return cls(roll[:-1].astype(np.float32), roll[1:].astype(np.int32))


@dataclasses.dataclass(frozen=True, eq=False)
class RollPredictor:
    """A trained model of the next frame of a piano roll.

    Attributes:
      model: a `Tagger` of `several` labels without `embed`, which are the keys.
      frames: in a quarter note, by which a roll is written as notes.
      variables: of the model.

    Example:
      >>> import seqjax
      >>> predictor = seqjax.load("runs/chorales")  # doctest: +SKIP
      >>> predictor.nll(roll)  # nats a frame  # doctest: +SKIP
      8.34
      >>> predictor.sample(roll[:8], 32, seed=1).shape  # doctest: +SKIP
      (40, 88)
    """

    model: Any
    frames: int = 1
    variables: Any = None

    def __post_init__(self):
        if not self.model.several:
            raise ValueError("keys are several labels: use Tagger(…, several=True)")

    def example(self) -> tuple[Any, ...]:
        """Returns a roll of one frame, for the model's `init`."""
        return jnp.zeros((1, 1, self.model.labels)), jnp.ones(1, int)

    def nll(self, roll: Any) -> float:
        """Returns −log P of the frames of a roll after its first, in nats a frame.

        Raises:
          ValueError: the roll has another number of keys, or fewer than two frames.
        """
        return float(self.nats(self.batches([self._checked(roll, 2)])).result())

    def next(self, roll: Any) -> np.ndarray:
        """Returns P that each key is down in the frame after a roll, [keys].

        Raises:
          ValueError: the roll has another number of keys, or no frame.
        """
        roll = jnp.asarray(self._checked(roll, 1), jnp.float32)[None]
        one = roll, jnp.array([roll.shape[1]])
        return np.asarray(apply(self.model, "probabilities", self.variables, *one))[
            0, -1
        ]

    def sample(
        self,
        roll: Any,
        length: int = 64,
        *,
        temperature: float = 1.0,
        seed: int | jax.Array = 0,
    ) -> np.ndarray:
        """Returns a roll that begins with a given one and goes on as the model would.

        Args:
          roll: what it begins with, [T, keys].
          length: how many frames are drawn.
          temperature: divides the logits; 0 presses the keys that are likelier down
            than up.
          seed: the same seed (or key of `jax.random`) draws the same frames.

        Returns:
          bool [T + length, keys].

        Raises:
          ValueError: a number is out of its range, or the roll as in `next`.
        """
        if temperature < 0:
            raise ValueError(f"temperature must be 0 or more: {temperature}")
        roll = self._checked(roll, 1)
        key = jax.random.key(seed) if isinstance(seed, int) else seed
        count = one_or_more(length, "length")
        begin = jnp.asarray(roll, jnp.float32)
        drawn = _sample(self.model, count, self.variables, begin, temperature, key)
        return np.concatenate([roll, np.asarray(drawn)])

    def batches(self, rolls: Sequence[Any], batch_size: int = 64) -> Batches:
        """Returns rolls of two frames or more, for `nats` and `probabilities`."""
        return Batches(list(map(NextFrame.of, rolls)), min(batch_size, len(rolls)))

    def nats(self, batches: Batches) -> Mean:
        """Returns −log P a frame: the sum over keys, in the mean over frames 2, …, T.

        The mean is over all frames of all rolls, so that a long roll weighs more than a
        short one, and the first frame of each, which is read alone, is not counted.
        """

        def nats(batch: Batch) -> Mean:
            lengths = batch.lengths.inputs
            total = apply(self.model, "loss", self.variables, *batch.values, lengths)
            return Mean(total.total, lengths.sum())

        return batches.mean(nats)

    def probabilities(self, batches: Batches) -> list[np.ndarray]:
        """Returns P of each key in frames 2, …, T of each roll: [T − 1, keys]."""

        def function(batch: Batch) -> jax.Array:
            inputs = batch.values.inputs, batch.lengths.inputs
            return apply(self.model, "probabilities", self.variables, *inputs)

        pairs = zip(batches.map_rows(function), lengths_of(batches), strict=True)
        return [row[:length] for row, length in pairs]

    def _checked(self, roll: Any, fewest: int) -> np.ndarray:
        """Returns a roll as bool, if it has as many keys and frames as it needs."""
        roll = np.asarray(roll)
        shape, keys = roll.shape, self.model.labels
        if roll.ndim != 2 or shape[1] != keys or shape[0] < fewest:
            raise ValueError(
                f"a roll must be [T, {keys}] with T at least {fewest}, not {shape}"
            )
        return roll.astype(bool)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _sample(
    model: Any, length: int, variables: Any, roll: Any, temperature: Any, key: Any
) -> jax.Array:
    """Draws frames [length, keys] after those of a roll [T, keys]."""
    step = functools.partial(model.apply, variables, method="step")

    def read(carry, frame):
        carry, logits = step(carry, frame[None])
        return carry, logits[0]

    def draw(state, key):
        carry, logits = state
        # log(u / (1 − u)) is logistic: logits exceed it with probability σ(logits).
        noise = temperature * jax.random.logistic(key, logits.shape)
        frame = logits > noise
        return read(carry, frame.astype(logits.dtype)), frame

    carry = model.apply(variables, 1, method="initial_carry")
    carry, logits = lax.scan(read, carry, roll)
    keys = jax.random.split(key, length)
    return lax.scan(draw, (carry, logits[-1]), keys)[1]
