"""How well labels are told by their probabilities."""

import numpy as np


def share_right(shares: np.ndarray, gold: np.ndarray) -> float:
    """How many of P [N, classes] are highest at the label [N]."""
    return float(np.mean(shares.argmax(axis=1) == gold))


def nats(shares: np.ndarray, gold: np.ndarray) -> float:
    """The mean of −log P of the label [N] by P [N, classes]."""
    right = shares[np.arange(len(shares)), gold]
    return -float(np.mean(np.log(right + 1e-9)))
