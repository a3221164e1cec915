"""A season, shocks that fade, and gaps: a series whose best forecast is known.

y⟨t⟩ = p⟨t mod 12⟩ + u⟨t⟩ and u⟨t⟩ = φ u⟨t−1⟩ + ε⟨t⟩ with ε⟨t⟩ ~ N(0, 1). If the last
value was seen k steps ago, then y⟨t+h⟩ is normal about p + φ^(k+h) u⟨t−k⟩ with the
variance (1 − φ^2(k+h)) / (1 − φ²), whatever was seen before.
"""

import numpy as np

from seqjax.metrics import naive_error

STEPS, HORIZON, FADING, MISSING = 1200, 6, 0.85, 0.2
SEASON = 12


def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws a series [1200, 1], NaN where it is missing, and its season [12]."""
    rng = np.random.default_rng(seed)
    profile = 20 + rng.normal(0, 2, SEASON)
    left, values = rng.normal() / np.sqrt(1 - FADING**2), []
    for step in range(STEPS):
        values.append(profile[step % SEASON] + left)
        left = FADING * left + rng.normal()
    values = np.where(rng.random(STEPS) < MISSING, np.nan, values)
    return values[:, None], profile


def deviations(values: np.ndarray) -> np.ndarray:
    """The deviation of each of the next steps given those up to each, [T, H]."""
    steps, seen = np.arange(len(values)), ~np.isnan(values[:, 0])
    ago = steps - np.maximum.accumulate(np.where(seen, steps, 0))
    ahead = ago[:, None] + 1 + np.arange(HORIZON)
    return np.sqrt((1 - FADING ** (2 * ahead)) / (1 - FADING**2))


def best_error(values: np.ndarray, choose: int, test: int) -> float:
    """The mean absolute scaled error that the best forecast can expect on the test."""
    origins = np.arange(test, len(values) - HORIZON)
    later = values[origins[:, None] + 1 + np.arange(HORIZON), 0]
    errors = np.sqrt(2 / np.pi) * deviations(values)[origins]
    unit = naive_error(values[:choose], SEASON)[0]
    return float(np.mean(errors[~np.isnan(later)]) / unit)
