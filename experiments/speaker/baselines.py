"""Baselines: the most frequent label, and a logistic regression on mean features."""

from collections.abc import Sequence

import numpy as np

from seqjax import baselines


def majority(labels: np.ndarray) -> int:
    """The most frequent of labels [N]."""
    return int(np.bincount(labels).argmax())


def logistic_regression(
    inputs: Sequence[Sequence[np.ndarray]], labels: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """scikit-learn's logistic regression on the mean of a sound's features over time.

    The penalty is that by which the validation part's labels are likeliest.

    Args:
      inputs: of each part, sounds [T, features].
      labels: of each part, [N], from 0 on.

    Returns:
      P of each class of the validation and of the test part, [N, classes] each.
    """
    means = [np.array([x.mean(axis=0) for x in part]) for part in inputs]
    return baselines.logistic_regression(means, labels, extra="sound")
