"""The pitch of a voice, by autocorrelation: after how long a sound repeats itself.

Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound". The autocorrelation of a windowed frame is
divided by that of the window, so that a sound which repeats itself wholly after τ has
r(τ) = 1, whether its fundamental is among its harmonics or not.
"""

import numpy as np

VOICED = 0.45  # the least r(τ) of a voice, Boersma's
OCTAVE = 0.02  # what r(τ) must gain to move the pitch down an octave
FINER = 4  # a sample's parts between which r(τ) is computed, of a band-limited sound
BLOCK = 256  # frames that are looked at together
FEWEST = 0.1  # the least share of frames with a pitch, for a sound to have one


def pitch_track(
    samples: np.ndarray, rate: int, low: float = 75.0, high: float = 400.0
) -> np.ndarray:
    """Estimates the pitch of each frame, a hundredth of a second from the next.

    A frame is as long as three periods of the lowest pitch.

    Args:
      samples: [N].
      rate: samples a second.
      low: the lowest pitch, in hertz.
      high: the highest.

    Returns:
      [T] in hertz, NaN where a frame does not repeat itself; T = 0 if the sound is
      shorter than a frame.

    Raises:
      ValueError: the range is empty, or reaches beyond a quarter of the rate.
    """
    if not 0 < low < high <= rate / 4:
        raise ValueError(
            f"pitches must lie between 0 and a quarter of the rate, {rate / 4:g} Hz: "
            f"low={low:g}, high={high:g}"
        )
    window, hop = round(3 * rate / low), max(round(rate / 100), 1)
    samples = np.asarray(samples, float)
    if len(samples) < window:
        return np.zeros(0)
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    blocks = (frames[i : i + BLOCK] for i in range(0, len(frames), BLOCK))
    return np.concatenate([_of_frames(block, rate, low, high) for block in blocks])


def median_pitch(
    samples: np.ndarray, rate: int, low: float = 75.0, high: float = 400.0
) -> float:
    """Returns the median of a sound's pitch in hertz, NaN where it has none.

    Args:
      samples: as in `pitch_track`, as are the others.
      rate: as there.
      low: as there.
      high: as there.
    """
    hertz = pitch_track(samples, rate, low, high)
    voiced = hertz[np.isfinite(hertz)]
    is_enough = len(voiced) > 0 and len(voiced) >= FEWEST * len(hertz)
    return float(np.median(voiced)) if is_enough else float("nan")


def _of_frames(frames: np.ndarray, rate: int, low: float, high: float) -> np.ndarray:
    rate *= FINER
    lags = np.arange(int(rate / high), int(rate / low) + 2)
    r = autocorrelation(frames, FINER)[:, lags]
    before, here, after = r[:, :-2], r[:, 1:-1], r[:, 2:]
    is_peak = (here >= before) & (here > after)
    curve = np.where(is_peak, before - 2 * here + after, -1.0)
    shift = np.where(is_peak, (before - after) / (2 * curve), 0)
    height = here - (before - after) * shift / 4  # of the parabola through the three
    hertz = rate / (lags[1:-1] + shift)
    strength = np.where(is_peak, height + OCTAVE * np.log2(hertz / low), -np.inf)
    best = np.arange(len(frames)), np.argmax(strength, axis=1)
    is_voiced = is_peak[best] & (height[best] >= VOICED)
    return np.where(is_voiced, hertz[best], np.nan)


def autocorrelation(frames: np.ndarray, finer: int = 1) -> np.ndarray:
    """Returns r(τ) of frames less their mean, under a Hann window: Boersma's eq. 9.

    Args:
      frames: [T, window].
      finer: τ is a multiple of this part of a sample.

    Returns:
      [T, finer · (window // 2)], r(0) = 1; zeros where a frame is constant.
    """
    window = frames.shape[1]
    hann = np.sin(np.pi * (np.arange(window) + 0.5) / window) ** 2
    frames = (frames - frames.mean(axis=1, keepdims=True)) * hann
    count = finer * (window // 2)
    r, own = (_correlate(each, finer)[:, :count] for each in (frames, hann[None]))
    energy = r[:, :1]
    is_sound = energy > 1e-12
    return np.where(is_sound, r / np.where(is_sound, energy, 1), 0) * own[0, 0] / own


def _correlate(frames: np.ndarray, finer: int) -> np.ndarray:
    size = 2 ** (2 * frames.shape[1] - 1).bit_length()
    power = np.abs(np.fft.rfft(frames, size)) ** 2
    if finer > 1:  # the last stood for one frequency, and now stands for two
        power[:, -1] /= 2
    return np.fft.irfft(power, finer * size)
