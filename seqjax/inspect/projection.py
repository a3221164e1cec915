"""States of many numbers, seen along the few directions in which they differ most."""

from typing import NamedTuple

import numpy as np


class Projection(NamedTuple):
    """The first principal components of some states."""

    mean: np.ndarray  # [n]
    axes: np.ndarray  # [k, n], orthonormal
    shares: np.ndarray  # [k], of the variance, the largest first

    def project(self, states: np.ndarray) -> np.ndarray:
        """Returns the coordinates [..., k] of states [..., n]."""
        return (np.asarray(states) - self.mean) @ self.axes.T


def principal_components(states: np.ndarray, count: int = 2) -> Projection:
    """Returns the directions along which states differ most.

    Args:
      states: [..., n], such as those of `trajectories`.
      count: k, how many directions, at most n.

    Returns:
      The mean, the directions, and the share of the variance along each. A direction
      points to where its largest entry is positive.

    Raises:
      ValueError: there are fewer than two states, or `count` is not in 1 … n.
    """
    rows = np.asarray(states, float).reshape(-1, np.shape(states)[-1])
    if len(rows) < 2:
        raise ValueError(f"principal components need two states, not {len(rows)}")
    if not 1 <= count <= rows.shape[1]:
        raise ValueError(f"count must be in 1 … {rows.shape[1]}, not {count}")
    mean = rows.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov((rows - mean).T).reshape((len(mean),) * 2))
    axes = axes.T[::-1][:count]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], axis=1)
    shares = variances[::-1][:count] / max(variances.sum(), np.finfo(float).tiny)
    return Projection(mean, axes * np.sign(largest), shares)
