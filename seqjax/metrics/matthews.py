"""The Matthews correlation of two labellings, as counts that merge."""

import math
from typing import NamedTuple

import numpy as np


class Matthews(NamedTuple):
    """The Matthews correlation coefficient of classes, as counts that add up.

    It is 1 where all labels are right, and 0 where they say nothing, as when all are
    the same, whatever the classes' shares: Matthews (1975); for more than two classes
    R_K of Gorodkin (2004).

    Example:
      >>> counts = Matthews.of([1, 1, 0, 1], [1, 1, 0, 0], classes=2)
      >>> print(round(counts.result(), 4))
      0.5774
    """

    counts: np.ndarray  # [K, K], how often class i (row) was taken for j (column)

    @classmethod
    def of(cls, gold, predicted, classes: int) -> "Matthews":
        """Counts labels.

        Args:
          gold: integers [N] below `classes`.
          predicted: as many.
          classes: K.

        Raises:
          ValueError: there are more of one than of the other, or one is no class.
        """
        gold, predicted = (np.asarray(labels, int) for labels in (gold, predicted))
        if gold.shape != predicted.shape or gold.ndim != 1:
            raise ValueError(
                f"labels must be as many as the gold ones, [N], not of shapes "
                f"{predicted.shape} and {gold.shape}"
            )
        both = np.concatenate([gold, predicted])
        if both.size and not 0 <= both.min() <= both.max() < classes:
            raise ValueError(f"labels must be in 0 … {classes - 1}")
        counts = np.bincount(classes * gold + predicted, minlength=classes**2)
        return cls(counts.reshape(classes, classes))

    def merge(self, other: "Matthews") -> "Matthews":
        """Returns the correlation over both."""
        return Matthews(self.counts + other.counts)

    def result(self) -> float:
        """Returns the coefficient, −1 to 1; 0 where all labels of a side are equal."""
        counts = np.asarray(self.counts, float)
        gold, predicted, total = counts.sum(axis=1), counts.sum(axis=0), counts.sum()
        together = np.trace(counts) * total - gold @ predicted
        apart = (total**2 - gold @ gold) * (total**2 - predicted @ predicted)
        return float(together / math.sqrt(apart)) if apart > 0 else 0.0
