"""Errors of real-valued predictions, over what there was to predict."""

from typing import NamedTuple

import numpy as np

from seqjax.metrics.mean import Mean


class Moments(NamedTuple):
    """Count, mean and squared deviations of numbers, which merge: Chan et al. (1979).

    Example:
      >>> a, b = Moments.of([1.0, 5.0]), Moments.of([3.0, 9.0, 2.0])
      >>> print(a.merge(b).variance(), np.var([1, 5, 3, 9, 2]))
      8.0 8.0
    """

    count: float
    mean: float
    squares: float  # Σ (y − ȳ)²

    @classmethod
    def of(cls, values: np.ndarray | list[float]) -> "Moments":
        """Returns the moments of all numbers of an array."""
        values = np.asarray(values, float)
        if not values.size:
            return cls(0.0, 0.0, 0.0)
        return cls(float(values.size), float(values.mean()), _squares(values))

    def merge(self, other: "Moments") -> "Moments":
        """Returns the moments of both."""
        count = self.count + other.count
        share = other.count / count if count else 0.0
        apart = other.mean - self.mean
        squares = self.squares + other.squares + apart**2 * self.count * share
        return Moments(count, self.mean + apart * share, squares)

    def variance(self) -> float:
        """Returns σ², or 0 where there is no number."""
        return self.squares / self.count if self.count else 0.0


class Nrmse(NamedTuple):
    """Root of the mean squared error over the variance of what is predicted.

    1 is the score of the mean. The variance may be that of a longer stretch than was
    predicted, as in Jaeger and Haas (2004), who divide by that of the whole signal.

    Example:
      >>> errors = [1.0, -1.0, 1.0, -1.0]
      >>> print(Nrmse.of(errors, [0.0, 4.0, 0.0, 4.0]).result())
      0.5
    """

    squared: Mean  # of the errors
    signal: Moments  # of what is right

    @classmethod
    def of(cls, errors: np.ndarray | list[float], signal: np.ndarray | list[float]):
        """Returns the score of errors [...] beside the numbers of a signal [...]."""
        squares = np.square(np.asarray(errors, float))
        return cls(Mean(float(squares.sum()), float(squares.size)), Moments.of(signal))

    def merge(self, other: "Nrmse") -> "Nrmse":
        """Returns the score over both."""
        return Nrmse(self.squared.merge(other.squared), self.signal.merge(other.signal))

    def result(self) -> float:
        """Returns the score; infinite for errors about a signal that is constant."""
        error, variance = float(self.squared.result()), self.signal.variance()
        if variance:
            return float(np.sqrt(error / variance))
        return np.inf if error else 0.0


def _squares(values: np.ndarray) -> float:
    return float(np.square(values - values.mean()).sum())
