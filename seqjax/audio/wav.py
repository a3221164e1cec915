"""WAV files: read as numbers in −1 … 1 at the rate that is asked for, and written."""

import fractions
import io
import pathlib
import warnings
import wave
from typing import NamedTuple

import numpy as np

from seqjax.data.files import DataError, read_bytes
from seqjax.data.quoting import reason
from seqjax.data.writing import whole_file
from seqjax.extras import library

SLOWEST, FASTEST = 1000, 768_000  # samples a second, of what is sound


_CUT = "this WAV file ends before its header says"


class Sound(NamedTuple):
    """One channel of sound."""

    samples: np.ndarray  # [N] float32, in −1 … 1
    rate: int  # samples a second
    notes: tuple[str, ...] = ()  # what was done to the file's own samples, in sentences


def read_wav(path: str | pathlib.Path, rate: int | None = None) -> Sound:
    """Reads a WAV file of 8, 16, 24 or 32 bits, or of floating point.

    Several channels are averaged, and another rate is converted, by a polyphase filter.

    Args:
      path: the file.
      rate: samples a second; that of the file if None.

    Raises:
      DataError: it cannot be read, is no WAV file, ends before its header says, or has
        no samples, or all of them are equal.
    """
    own_rate, raw = _read(path)
    notes = []
    if raw.ndim == 2 and raw.shape[1] > 1:
        notes.append(f"{path}: its {raw.shape[1]} channels are averaged")
    if not raw.size:
        raise DataError(f"{path}: this file has no samples")
    with np.errstate(over="ignore", invalid="ignore"):
        samples = _as_float(raw).reshape(len(raw), -1).mean(axis=1)
    if not np.all(np.isfinite(samples)):
        raise DataError(f"{path}: a sample is not finite")
    if np.all(samples == samples[0]):
        raise DataError(f"{path}: this file is silent: all of its samples are equal")
    if rate is not None and rate != own_rate:
        notes.append(f"{path}: its {own_rate} samples a second are converted to {rate}")
        samples = resample(samples, own_rate, rate)
    rate = own_rate if rate is None else rate
    return Sound(samples.astype(np.float32), rate, tuple(notes))


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
    with whole_file(path) as partial, wave.open(str(partial), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())


def resample(samples: np.ndarray, before: int, after: int) -> np.ndarray:
    """Converts samples [N] from one rate to another: [⌈N · after / before⌉].

    Rates without a common divisor, such as 44,101 and 16,000, are taken for the nearest
    whose ratio has no larger denominator than 2,000, so that the filter stays short.
    """
    ratio = fractions.Fraction(after, before).limit_denominator(2000)
    signal = library("scipy.signal", "sound")  # slow to import
    return signal.resample_poly(samples, ratio.numerator, ratio.denominator)


def _read(path: str | pathlib.Path) -> tuple[int, np.ndarray]:
    content = read_bytes(path)
    if not content:
        raise DataError(f"{path}: this file is empty")
    wavfile = library("scipy.io.wavfile", "sound")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", wavfile.WavFileWarning)
        try:
            rate, raw = wavfile.read(io.BytesIO(content))
        except (ValueError, EOFError, KeyError, IndexError, SyntaxError) as error:
            said = reason(error)
            if said.startswith("buffer size"):  # a sample is cut in the middle
                raise DataError(f"{path}: {_CUT}") from None
            raise DataError(f"{path}: no WAV file that can be read: {said}") from None
        except Exception as error:  # struct.error and others, from a damaged header
            said = f"its header is damaged ({type(error).__name__})"
            raise DataError(f"{path}: no WAV file that can be read: {said}") from None
    if any("prematurely" in str(warning.message) for warning in seen):
        raise DataError(f"{path}: {_CUT}")
    if not SLOWEST <= rate <= FASTEST:
        raise DataError(f"{path}: a rate of {rate} samples a second is impossible")
    return rate, raw


def _as_float(raw: np.ndarray) -> np.ndarray:
    if raw.dtype == np.uint8:  # 8 bits have no sign
        return (raw.astype(np.float32) - 128) / 128
    if raw.dtype.kind == "i":
        return raw.astype(np.float32) / -float(np.iinfo(raw.dtype).min)
    return raw.astype(np.float32)
