"""What predictors that hear share: a sound, or its file, becomes a model's inputs."""

import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from seqjax.audio import FrontEnd, Sound, read_wav
from seqjax.data.batches import Batches

Sounds = str | pathlib.Path | Sound


class Spoken(NamedTuple):
    """A sound and its letters, as a recogniser reads them."""

    inputs: np.ndarray  # [T, features]
    letters: np.ndarray  # [L]; with `<EOS>` for a decoder that attends


def is_one(sound: Any) -> bool:
    """Whether this is a single sound rather than a list of them."""
    return isinstance(sound, str | pathlib.Path | Sound)


def one_or_several(sound: Sounds | Sequence[Sounds]) -> Sequence[Sounds]:
    """Returns a list of sounds as it is, and a single sound in a list."""
    return [sound] if isinstance(sound, str | pathlib.Path | Sound) else sound


def example_of_sound(front: FrontEnd) -> tuple[Any, ...]:
    """Returns a sound of one step and its length, for a model's `init`."""
    return jnp.zeros((1, 1, front.features)), jnp.ones(1, int)


def inputs_of(front: FrontEnd, sound: Sounds) -> np.ndarray:
    """Returns what a model reads of a sound, [T, features].

    Args:
      front: of the model.
      sound: a path of a WAV file, whose rate is converted, or a `Sound`.

    Raises:
      DataError: the file cannot be used.
      ValueError: the sound has another rate or is too short, or the front end's
        features were computed elsewhere.
    """
    rate = front.extract.rate
    if isinstance(sound, str | pathlib.Path):
        sound = read_wav(sound, rate)
    if sound.rate != rate:
        raise ValueError(
            f"the model hears {rate} samples a second, not {sound.rate}; read the "
            f"file by read_wav(path, {rate})"
        )
    inputs = front(sound.samples)
    if not len(inputs):
        least = front.extract.window / rate
        raise ValueError(f"a sound must have {least:g} seconds or more")
    return inputs


def batches_of_sounds(
    inputs: Sequence[np.ndarray], batch_size: int, buckets: int
) -> Batches:
    """Batches inputs, each [T, features], in no more rows than there are."""
    return Batches(inputs, min(batch_size, len(inputs)), buckets=buckets)
