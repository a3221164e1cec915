"""A simple forecast for others to correct: waves over a calendar, and smoothing.

A network that is to learn a level, a season and their slow changes from one short
series loses to exponential smoothing, which is given them. Here it is given them as
well, and learns what is left, as in Smyl (2020), "A hybrid method of exponential
smoothing and recurrent neural networks for time series forecasting".
"""

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Anchor:
    """Forecasts v̂⟨t+h⟩ = w⟨t+h⟩ + s⟨t+h−m⌈h/m⌉⟩ of what was smoothed up to t.

    s⟨t⟩ = s⟨t−m⟩ + g (v⟨t⟩ − w⟨t⟩ − s⟨t−m⟩), and s⟨t⟩ = s⟨t−m⟩ where v⟨t⟩ is missing:
    with m = 1 it is a level, with m a season's steps it is a seasonal profile, with
    g = 1 it is what the naive forecasts repeat. w⟨t⟩ = Σ_k a_k sin 2πf_k t + b_k cos
    2πf_k t is fixed.

    Attributes:
      period: m, in steps; 0 makes s the mean.
      weight: g, from 0 to 1.
      mean: s before anything was seen, [V].
      frequencies: f_k in waves a step, [K].
      waves: a and then b, [2K, V].
    """

    period: int
    weight: float
    mean: tuple[float, ...]
    frequencies: tuple[float, ...] = ()
    waves: tuple[tuple[float, ...], ...] = ()

    def calendar(self, steps: np.ndarray) -> np.ndarray:
        """Returns w at steps [...]: [..., V]."""
        if not self.frequencies:
            return np.zeros((*np.shape(steps), len(self.mean)))
        return waves_at(steps, self.frequencies) @ np.array(self.waves)

    def forecasts(self, values: np.ndarray, horizon: int, start: int = 0) -> np.ndarray:
        """Returns the forecasts from each step of a series.

        Args:
          values: [T, V], NaN where there is none.
          horizon: H.
          start: the step of the first value.

        Returns:
          [T, H, V]; entry (t, h) is of step t + 1 + h and knows values up to t.
        """
        steps, ahead = np.arange(len(values)), np.arange(horizon)
        later = steps[:, None] + 1 + ahead
        calendar = self.calendar(start + later)
        if not self.period:
            return calendar + np.array(self.mean)
        smooth = self._smooth(values - self.calendar(start + steps))
        last = steps[:, None] + 1 - self.period + ahead % self.period
        known = last >= 0
        level = np.where(known[..., None], smooth[np.where(known, last, 0)], self.mean)
        return calendar + level

    def _smooth(self, values: np.ndarray) -> np.ndarray:
        """s after each step, [T, V]; the first value of a phase is taken as it is."""
        mean = np.broadcast_to(self.mean, (self.period, values.shape[1]))
        state, seen, rows = mean, np.zeros(mean.shape, bool), []
        for begin in range(0, len(values), self.period):
            block = values[begin : begin + self.period]
            n, known = len(block), ~np.isnan(block)
            weight = np.where(seen[:n], self.weight, 1.0)
            change = weight * (np.where(known, block, 0) - state[:n])
            rows.append(state[:n] + np.where(known, change, 0))
            if n == self.period:
                state, seen = rows[-1], seen | known
        return np.concatenate(rows)


def waves_at(steps: np.ndarray, frequencies: Sequence[float]) -> np.ndarray:
    """Returns the sines and then the cosines of frequencies at steps: [..., 2K]."""
    angles = 2 * np.pi * np.asarray(steps)[..., None] * np.asarray(frequencies)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=-1)


def fit_waves(values: np.ndarray, frequencies: Sequence[float]) -> np.ndarray:
    """Returns the weights [2K, V] of waves beside a straight line, by least squares.

    Args:
      values: [T, V], NaN where there is none.
      frequencies: K of them; so small a penalty is on their weights that it matters
        only where two of them are alike.
    """
    steps = np.arange(len(values))
    line = np.stack([np.ones(len(steps)), steps / len(steps)], axis=1)
    terms = np.hstack([line, waves_at(steps, frequencies)])
    weights = []
    for column in values.T:
        known = ~np.isnan(column)
        x, y = terms[known], column[known]
        penalty = 1e-6 * len(x) * np.eye(terms.shape[1])
        weights.append(np.linalg.solve(x.T @ x + penalty, x.T @ y)[2:])
    return np.stack(weights, axis=1)


def last_known(values: np.ndarray) -> np.ndarray:
    """Returns values [T, ...] whose gaps hold the value before them.

    A gap at the beginning holds the first value there is, and one without any 0.
    """
    known = ~np.isnan(values)
    steps = np.arange(len(values)).reshape(-1, *(1,) * (values.ndim - 1))
    last = np.maximum.accumulate(np.where(known, steps, -1), axis=0)
    at = np.where(last < 0, known.argmax(axis=0), last)
    return np.nan_to_num(np.take_along_axis(values, at, 0))
