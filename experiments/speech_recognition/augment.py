"""Other speakers, made of those there are: other vocal tracts, another pace, noise.

A vocal tract that is shorter by a factor has its resonances higher by it (Jaitly and
Hinton, 2013), which moves energies from band to band.
"""

import numpy as np

from seqjax.audio import MFCC, Given, LogMel
from seqjax.audio.features import hz_to_mel, mel_to_hz


def another_voice(
    frames: np.ndarray,
    extract: MFCC | LogMel | Given,
    rng: np.random.Generator,
    warp: float,
    stretch: float,
    noise: float,
    ceiling: float = 0.0,
) -> np.ndarray:
    """Changes features [T, F] as another speaker and another day would.

    Args:
      frames: features.
      extract: what made them; those that are `Given` are not warped.
      rng: of the changes.
      warp: resonances are moved by a factor of up to 1 ± this.
      stretch: and the pace by up to this.
      noise: standard deviation that is added, as a share of each feature's own.
      ceiling: as in `warping`.
    """
    pace = 1 + stretch * rng.uniform(-1, 1)
    frames = paced(frames, pace)
    if warp and not isinstance(extract, Given):
        frames = frames @ warping(extract, 1 + warp * rng.uniform(-1, 1), ceiling)
    if noise:
        level = noise * rng.random() * frames.std(axis=0)
        frames = frames + level * rng.normal(size=frames.shape)
    return frames.astype(np.float32)


def paced(frames: np.ndarray, factor: float) -> np.ndarray:
    """Stretches features [T, F] in time by a factor, between frames linearly."""
    time = len(frames)
    places = np.linspace(0, time - 1, max(round(time * factor), 1))
    left = np.floor(places).astype(int)
    right = np.minimum(left + 1, time - 1)
    share = (places - left)[:, None]
    return frames[left] * (1 - share) + frames[right] * share


def warping(extract: MFCC | LogMel, factor: float, ceiling: float = 0.0) -> np.ndarray:
    """Returns the matrix [F, F] that moves resonances from f to f / factor.

    Args:
      extract: what made the features.
      factor: above 1 lowers them.
      ceiling: where the sound ends, in hertz, and stays; it is approached linearly
        from four fifths of it on, as in Lee and Rose (1998). 0: the last band's end.
    """
    mel = extract.mel if isinstance(extract, MFCC) else extract
    top = ceiling or mel.highest
    knee = 0.8 * top / max(factor, 1.0)
    ends = hz_to_mel(np.array([mel.low, mel.highest]))
    centres = np.linspace(ends[0], ends[1], mel.bands + 2)[1:-1]
    hz = mel_to_hz(centres)
    turns = [0, knee, top, max(mel.highest, top) + 1]
    wanted = [0, knee * factor, top, turns[-1]]
    moved = hz_to_mel(np.interp(hz, turns, wanted))
    places = np.interp(moved, centres, np.arange(mel.bands))
    left = np.minimum(np.floor(places).astype(int), mel.bands - 2)
    share, band = places - left, np.arange(mel.bands)
    matrix = np.zeros((mel.bands, mel.bands))
    matrix[left, band] = 1 - share
    matrix[left + 1, band] += share
    if isinstance(extract, LogMel):
        return matrix
    cosines = extract.cosines()
    return cosines.T @ matrix @ cosines
