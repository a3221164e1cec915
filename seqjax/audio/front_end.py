"""From samples to what a model reads: features, normalised, with deltas, stacked."""

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, get_args

import jax
import numpy as np

from seqjax.audio.features import MFCC, LogMel, deltas
from seqjax.audio.given import Given

Array = jax.Array
Normalize = Literal["utterance", "corpus", "none"]


@dataclasses.dataclass(frozen=True)
class FrontEnd:
    """How sound becomes a model's inputs.

    Attributes:
      extract: features of frames; `Given` if they were computed elsewhere.
      normalize: what each feature's mean becomes 0, and its standard deviation 1, over:
        an "utterance", which takes away the microphone but needs its end; a "corpus",
        whose `mean` and `std` stand here; or "none".
      order: of the deltas put beside the features: 2 has those of the deltas too.
      stack: how many neighbouring frames become one step; those left over at the end
        are dropped.
      mean: of each feature.
      std: of each feature.

    Raises:
      ValueError: a field is out of its range.
    """

    extract: MFCC | LogMel | Given = LogMel()
    normalize: Normalize = "utterance"
    order: int = 0
    stack: int = 1
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def __post_init__(self):
        if self.normalize not in get_args(Normalize):
            raise ValueError(
                f"normalize must be one of {get_args(Normalize)}: {self.normalize!r}"
            )
        if self.order < 0 or self.stack < 1:
            raise ValueError(
                f"order must be 0 or more and stack 1 or more: {self.order}, "
                f"{self.stack}"
            )

    @property
    def features(self) -> int:
        """The width of a step's inputs."""
        return self.extract.features * (1 + self.order) * self.stack

    @property
    def streams(self) -> bool:
        """Whether steps can be computed before the sound has ended."""
        whole = self.normalize == "utterance" or self.order
        return self.extract.streams and not whole

    @property
    def seconds(self) -> float:
        """How far one step is from the next."""
        return self.extract.hop * self.stack / self.extract.rate

    def fit(self, corpus: Sequence[np.ndarray]) -> "FrontEnd":
        """Returns this with the mean and the standard deviation of frames [T, F]."""
        every = np.concatenate(list(corpus)).astype(float)
        mean, std = every.mean(axis=0), every.std(axis=0)
        return dataclasses.replace(
            self, mean=tuple(mean.tolist()), std=tuple(std.tolist())
        )

    def frames(self, samples: np.ndarray) -> np.ndarray:
        """Extracts the features of a sound [N]: [T, F], T = 0 if it is too short."""
        time = self.extract.length(len(samples))
        if not time:
            return np.zeros((0, self.extract.features), np.float32)
        size = _round_up(max(len(samples), self.extract.window))
        padded = np.zeros(size, np.float32)
        padded[: len(samples)] = samples
        return np.asarray(_extract(self.extract, padded))[:time]

    def inputs(self, frames: np.ndarray) -> np.ndarray:
        """Turns features [T, F] into a model's inputs [T // stack, features]."""
        frames = np.asarray(frames, np.float32)
        if self.normalize == "utterance" and len(frames):
            mean, std = frames.mean(axis=0), frames.std(axis=0)
            frames = (frames - mean) / np.maximum(std, 1e-5)
        if self.normalize == "corpus":
            mean, std = (np.asarray(a, np.float32) for a in (self.mean, self.std))
            frames = (frames - mean) / np.maximum(std, 1e-5)
        parts = [frames]
        for _ in range(self.order if len(frames) else 0):
            parts.append(slopes(parts[-1]))
        if not len(frames):
            parts *= 1 + self.order
        joined = np.concatenate(parts, axis=1)
        steps = len(joined) // self.stack
        return joined[: steps * self.stack].reshape(steps, self.features)

    def follow(self, pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yields the inputs that each further piece of a sound gives.

        Args:
          pieces: samples [N], of any lengths.

        Raises:
          ValueError: the inputs depend on what comes later.
        """
        if not self.streams:
            raise ValueError(
                "these inputs need the whole sound: deltas, centred frames, a range of "
                "decibels or the mean of an utterance look ahead"
            )
        hop, window = self.extract.hop, self.extract.window
        samples = np.zeros(0, np.float32)
        frames = np.zeros((0, self.extract.features), np.float32)
        for piece in pieces:
            samples = np.concatenate([samples, np.asarray(piece, np.float32)])
            if count := self.extract.length(len(samples)):
                new = self.frames(samples[: (count - 1) * hop + window])
                frames, samples = np.concatenate([frames, new]), samples[count * hop :]
            used = len(frames) // self.stack * self.stack
            yield self.inputs(frames[:used])
            frames = frames[used:]

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Turns a sound [N] into a model's inputs [T, features]."""
        return self.inputs(self.frames(samples))


def slopes(frames: np.ndarray) -> np.ndarray:
    """Returns `deltas` of frames [T, F] as a NumPy array."""
    size = _round_up(len(frames))
    padded = np.concatenate([frames, np.repeat(frames[-1:], size - len(frames), 0)])
    return np.asarray(_deltas(padded))[: len(frames)]


_deltas = jax.jit(deltas)


@functools.partial(jax.jit, static_argnums=0)
def _extract(extract: MFCC | LogMel | Given, samples: Array) -> Array:
    return extract(samples)


def _round_up(size: int) -> int:
    """Returns one of few sizes that is as large, so that few programs are compiled."""
    step = max(2 ** (max(size - 1, 1).bit_length() - 3), 1)
    return -(-size // step) * step
