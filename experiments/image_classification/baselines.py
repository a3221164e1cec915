"""Rivals that see all pixels at once: the most frequent class, the nearest mean,
logistic regression."""

from collections.abc import Sequence

import numpy as np

from seqjax.baselines import logistic_regression

PENALTIES = 1e-3, 1e-2  # inverse strengths


def baselines(
    inputs: Sequence[Sequence[np.ndarray]], labels: Sequence[np.ndarray]
) -> dict[str, float]:
    """The share of held-out images that each rival tells.

    Args:
      inputs: steps of the images of each part, [T, features] each. Where not all are of
        one length, their means over the steps stand for them.
      labels: of each part, [N].
    """
    ragged = len({x.shape for part in inputs for x in part}) > 1
    flat = [
        np.array([x.mean(axis=0) if ragged else x.ravel() for x in part])
        for part in inputs
    ]
    shares = logistic_regression(flat, labels, PENALTIES)[1]
    most = np.bincount(labels[0]).argmax()
    return {
        "logistic regression": float(np.mean(shares.argmax(axis=1) == labels[2])),
        "nearest mean": float(np.mean(nearest_mean(flat, labels) == labels[2])),
        "most frequent class": float(np.mean(labels[2] == most)),
    }


def nearest_mean(
    flat: Sequence[np.ndarray], labels: Sequence[np.ndarray]
) -> np.ndarray:
    """For each held-out image the class whose mean image is nearest, [N]."""
    classes = np.unique(labels[0])
    means = np.array([flat[0][labels[0] == c].mean(axis=0) for c in classes])
    squares = ((flat[2][:, None] - means) ** 2).sum(axis=-1)
    return classes[squares.argmin(axis=1)]
