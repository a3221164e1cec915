"""What a recogniser hears: log-mel energies and cepstra, computed from samples by JAX.

A window of samples slides over the sound; the power of its spectrum is summed in bands
that are equally wide to the ear (mel), in decibels. Their cosine transform, the
cepstrum, parts the shape of the mouth (first coefficients) from the pitch (the rest):
Davis and Mermelstein (1980), section II.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array
SILENCE = 1e-10  # the least energy of a band, −100 dB


def frames(samples: Array, window: int, hop: int) -> Array:
    """Cuts sound into overlapping windows.

    Args:
      samples: [*batch, N], N at least `window`.
      window: samples of a frame.
      hop: samples from one frame to the next.

    Returns:
      [*batch, T, window], T = 1 + (N − window) // hop.
    """
    starts = jnp.arange(0, samples.shape[-1] - window + 1, hop)
    return samples[..., starts[:, None] + jnp.arange(window)]


def power_spectrum(windows: Array, fft: int) -> Array:
    """Returns |X[k]|² of the discrete Fourier transform.

    By Parseval's theorem Σ x² = (1 / fft) Σ_k |X[k]|², where all but the first and,
    for an even `fft`, the last of the returned values stand for two equal ones.

    Args:
      windows: [*batch, window], filled up with zeros to `fft`.
      fft: at least `window`.

    Returns:
      [*batch, fft // 2 + 1].
    """
    return jnp.abs(jnp.fft.rfft(windows, fft)) ** 2


def hz_to_mel(hz: np.ndarray) -> np.ndarray:
    """Turns frequencies into Slaney's (1998) mel: linear to 1,000 Hz, then log."""
    hz = np.asarray(hz, float)
    above = 15 + 27 * np.log(np.maximum(hz, 1e-9) / 1000) / np.log(6.4)
    return np.where(hz < 1000, 3 * hz / 200, above)


def mel_to_hz(mel: np.ndarray) -> np.ndarray:
    """Turns mel back into frequencies, in hertz."""
    mel = np.asarray(mel, float)
    return np.where(mel < 15, 200 * mel / 3, 1000 * 6.4 ** ((mel - 15) / 27))


@dataclasses.dataclass(frozen=True)
class LogMel:
    """Energies in mel bands, in decibels.

    Attributes:
      rate: samples a second.
      window: samples of a frame.
      hop: samples from one frame to the next.
      bands: of the mel scale: triangles whose area in hertz is 1.
      low: where the first band begins, in hertz.
      high: where the last ends, in hertz; half of the rate if 0.
      centered: frame t stands around sample t · hop, with zeros beyond the ends; else
        it begins there, and only whole frames are taken.
      dynamic_range: what is more decibels than this below a sound's loudest band is
        lifted to there; 0 leaves all. The loudest is known at the end alone, so this
        cannot be streamed.

    Raises:
      ValueError: a number is out of its range.
    """

    rate: int = 16000
    window: int = 400
    hop: int = 160
    bands: int = 40
    low: float = 0.0
    high: float = 0.0
    centered: bool = False
    dynamic_range: float = 0.0

    def __post_init__(self):
        for name in ("rate", "window", "hop", "bands"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1: {getattr(self, name)}")
        if not 0 <= self.low < self.highest <= self.rate / 2:
            raise ValueError(
                f"the bands must lie between 0 and half of the rate, {self.rate / 2} "
                f"Hz: low={self.low}, high={self.high}"
            )

    @property
    def features(self) -> int:
        """The width of a frame's features."""
        return self.bands

    @property
    def highest(self) -> float:
        """Where the last band ends, in hertz."""
        return self.high or self.rate / 2

    @property
    def streams(self) -> bool:
        """Whether a frame depends on its own window alone."""
        return not (self.centered or self.dynamic_range)

    def length(self, samples: int) -> int:
        """Returns how many frames so many samples give."""
        reach = samples + 2 * (self.window // 2) * self.centered - self.window
        return max(1 + reach // self.hop, 0)

    def __call__(self, samples: Array) -> Array:
        """Computes the energies.

        Args:
          samples: [*batch, N], in −1 … 1, at least one frame.

        Returns:
          [*batch, T, bands], in decibels.
        """
        if self.centered:
            ends = [(0, 0)] * (samples.ndim - 1) + [(self.window // 2,) * 2]
            samples = jnp.pad(samples, ends)
        windows = frames(samples, self.window, self.hop) * self._hann(samples.dtype)
        power = power_spectrum(windows, self.window)
        energies = power @ jnp.asarray(self.filters(), power.dtype)
        decibels = 10 * jnp.log10(jnp.maximum(energies, SILENCE))
        if not self.dynamic_range:
            return decibels
        loudest = jnp.max(decibels, axis=(-2, -1), keepdims=True)
        return jnp.maximum(decibels, loudest - self.dynamic_range)

    def filters(self) -> np.ndarray:
        """Returns each band's weight of each frequency: [window // 2 + 1, bands]."""
        hz = np.arange(self.window // 2 + 1) * self.rate / self.window
        low, high = hz_to_mel(np.array([self.low, self.highest]))
        edges = mel_to_hz(np.linspace(low, high, self.bands + 2))
        rising = (hz[:, None] - edges[:-2]) / np.diff(edges)[:-1]
        falling = (edges[2:] - hz[:, None]) / np.diff(edges)[1:]
        triangles = np.maximum(np.minimum(rising, falling), 0)
        return triangles * 2 / (edges[2:] - edges[:-2])

    def _hann(self, dtype) -> Array:
        turn = 2 * np.pi * np.arange(self.window) / self.window
        return jnp.asarray((1 - np.cos(turn)) / 2, dtype)


@dataclasses.dataclass(frozen=True)
class MFCC:
    """Mel-frequency cepstral coefficients: the cosine transform of log-mel energies.

    c_k = s_k Σ_n m_n cos(π k (n + ½) / bands), with s_0 = √(1 / bands) and else
    s_k = √(2 / bands).

    Attributes:
      mel: the energies.
      coefficients: how many are kept, from c_0, the loudness, on.

    Raises:
      ValueError: there are not so many.
    """

    mel: LogMel = LogMel()
    coefficients: int = 13

    def __post_init__(self):
        if not 1 <= self.coefficients <= self.mel.bands:
            raise ValueError(
                f"of {self.mel.bands} bands there are 1 to {self.mel.bands} "
                f"coefficients, not {self.coefficients}"
            )

    @property
    def features(self) -> int:
        """The width of a frame's features."""
        return self.coefficients

    @property
    def rate(self) -> int:
        """Samples a second."""
        return self.mel.rate

    @property
    def hop(self) -> int:
        """Samples from one frame to the next."""
        return self.mel.hop

    @property
    def window(self) -> int:
        """Samples of a frame."""
        return self.mel.window

    @property
    def streams(self) -> bool:
        """Whether a frame depends on its own window alone."""
        return self.mel.streams

    def length(self, samples: int) -> int:
        """Returns how many frames so many samples give."""
        return self.mel.length(samples)

    def __call__(self, samples: Array) -> Array:
        """Computes the coefficients: [*batch, T, coefficients] from [*batch, N]."""
        energies = self.mel(samples)
        return energies @ jnp.asarray(self.cosines(), energies.dtype)

    def cosines(self) -> np.ndarray:
        """Returns the transform, with orthonormal columns: [bands, coefficients]."""
        bands = self.mel.bands
        n, k = np.arange(bands)[:, None], np.arange(self.coefficients)
        scale = np.sqrt(np.where(k == 0, 1, 2) / bands)
        return scale * np.cos(np.pi * k * (n + 0.5) / bands)


def deltas(features: Array, reach: int = 2) -> Array:
    """Returns how fast features change: the slope of a line through nearby frames.

    d⟨t⟩ = Σ_n n (f⟨t+n⟩ − f⟨t−n⟩) / (2 Σ_n n²), n = 1 … reach, with the first and the
    last frame repeated beyond the ends: Young et al. (2006), The HTK Book, eq. 5.16.

    Args:
      features: [*batch, T, F].
      reach: frames on each side.

    Returns:
      Like `features`, per frame.
    """
    time = features.shape[-2]
    ends = [(0, 0)] * (features.ndim - 2) + [(reach, reach), (0, 0)]
    padded = jnp.pad(features, ends, mode="edge")

    def shifted(n):
        return padded[..., reach + n : reach + n + time, :]

    n = np.arange(1, reach + 1)
    return sum((k * (shifted(k) - shifted(-k)) for k in n), 0 * features) / (
        2 * np.sum(n**2)
    )
