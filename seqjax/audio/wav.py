"""Sound files of 16-bit samples, by Python's own wave module."""

import os
import pathlib
import wave

import numpy as np


def write_wav(path: str | pathlib.Path, samples: np.ndarray, rate: int) -> None:
    """Writes one channel as 16-bit PCM, the file whole or not at all.

    Args:
      path: of the file.
      samples: floats [N] from −1 to 1.
      rate: samples a second.

    Raises:
      ValueError: the samples are not one row, or one is outside −1 … 1 or no number.
    """
    samples = np.asarray(samples)
    if samples.ndim != 1:
        raise ValueError(f"the samples must be [N], not {samples.shape}")
    if samples.size and not np.abs(samples).max() <= 1:
        raise ValueError("the samples must be numbers from −1 to 1")
    partial = pathlib.Path(f"{path}.partial")
    try:
        with wave.open(str(partial), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
