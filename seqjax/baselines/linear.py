"""A linear rival: scikit-learn's logistic regression."""

from collections.abc import Sequence

import numpy as np

from seqjax.extras import library

PENALTIES = 0.01, 0.1, 1, 10, 100  # inverse strengths; the best is chosen


def logistic_regression(
    inputs: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
    penalties: Sequence[float] = PENALTIES,
    extra: str = "images",
) -> list[np.ndarray]:
    """Fits a logistic regression, each feature scaled to mean 0 and deviation 1.

    The penalty is that by which the validation part's labels are likeliest.

    Args:
      inputs: of the training, validation and test part, [N, F] each.
      labels: of each part, [N], from 0 on.
      penalties: inverse strengths of the penalty to choose from.
      extra: of seqjax, which brings the library.

    Returns:
      P of each class of the validation and of the test part, [N, classes] each.

    Raises:
      MissingLibrary: scikit-learn is not installed.
    """
    linear = library("sklearn.linear_model", extra)
    scaler = library("sklearn.preprocessing", extra).StandardScaler()
    train, *asked = [
        scaler.fit_transform(inputs[0]),
        *map(scaler.transform, inputs[1:]),
    ]
    best, found = np.inf, []
    for c in penalties:
        model = linear.LogisticRegression(C=c, max_iter=5000).fit(train, labels[0])
        shares = [model.predict_proba(part) for part in asked]
        right = shares[0][np.arange(len(shares[0])), labels[1]]
        if (nats := -np.mean(np.log(right + 1e-9))) < best:
            best, found = nats, shares
    return found
