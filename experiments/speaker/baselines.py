"""Baselines: the most frequent label, and a logistic regression on mean features."""

from collections.abc import Sequence

import numpy as np

from experiments.speaker.measures import nats
from seqjax.extras import library

PENALTIES = 0.01, 0.1, 1, 10, 100  # inverse strengths; the best is chosen


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
    linear = library("sklearn.linear_model", "sound")
    scaler = library("sklearn.preprocessing", "sound").StandardScaler()
    means = [np.array([x.mean(axis=0) for x in part]) for part in inputs]
    train, *asked = [scaler.fit_transform(means[0]), *map(scaler.transform, means[1:])]
    best, found = np.inf, []
    for c in PENALTIES:
        model = linear.LogisticRegression(C=c, max_iter=5000).fit(train, labels[0])
        shares = [model.predict_proba(part) for part in asked]
        if (value := nats(shares[0], labels[1])) < best:
            best, found = value, shares
    return found
