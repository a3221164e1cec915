"""What a model of chorales must beat: keys by themselves, and what was down stays down.

Each gives the probability of a key from counts in the training pieces, smoothed by as
many counts as the validation pieces like best.
"""

from collections.abc import Callable, Sequence

import numpy as np

from experiments.music.roll import Piece
from seqjax.data import Splits
from seqjax.metrics import Mean

SMOOTHING = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # counts of on, and of off
Rule = Callable[[np.ndarray], np.ndarray]  # frames before [N, keys] to P, likewise


def key_frequencies(pieces: Sequence[Piece], smoothing: float) -> Rule:
    """Each key is down as often as it was, whatever was before."""
    after = _pairs(pieces)[1]
    p = _share(after.sum(axis=0), len(after), smoothing)
    return lambda before: np.broadcast_to(p, before.shape)


def last_frame(pieces: Sequence[Piece], smoothing: float) -> Rule:
    """A key stays down, or goes down, with one probability each for all keys."""
    before, after = _pairs(pieces)
    stays = _share(after[before].sum(), before.sum(), smoothing)
    goes = _share(after[~before].sum(), (~before).sum(), smoothing)
    return lambda before: np.where(before, stays, goes)


def last_frame_of_each_key(pieces: Sequence[Piece], smoothing: float) -> Rule:
    """A key stays down, or goes down, with two probabilities of its own.

    They are smoothed towards those of `last_frame` and of `key_frequencies`.
    """
    before, after = _pairs(pieces)
    stays = _share(after[before].sum(), before.sum(), 0.0)
    goes = _share(after.sum(axis=0), len(after), smoothing)

    def share(then, prior):
        down, all_frames = (after & then).sum(axis=0), then.sum(axis=0)
        return (down + 2 * smoothing * prior) / (all_frames + 2 * smoothing)

    stay, go = share(before, stays), share(~before, goes)
    return lambda before: np.where(before, stay, go)


BASELINES = {
    "key frequencies": key_frequencies,
    "last frame again": last_frame,
    "last frame again, key by key": last_frame_of_each_key,
}


def scores(splits: Splits) -> dict[str, dict[str, float]]:
    """Nats a frame by the name of a baseline, {"valid": …, "test": …}."""
    found = {}
    for name, make in BASELINES.items():
        rules = [make(splits.train, smoothing) for smoothing in SMOOTHING]
        valid, best = min(
            ((nats(rule, splits.valid).result(), i) for i, rule in enumerate(rules))
        )
        test = nats(rules[best], splits.test).result()
        found[name] = {"valid": float(valid), "test": float(test)}
    return found


def nats(rule: Rule, pieces: Sequence[Piece]) -> Mean:
    """−log P a frame, over frames 2, …, T of all pieces."""
    before, after = _pairs(pieces)
    p = rule(before)
    return Mean(-np.log(np.where(after, p, 1 - p)).sum(), len(after))


def _pairs(pieces: Sequence[Piece]) -> tuple[np.ndarray, np.ndarray]:
    """All frames but a piece's last, and the frame after each: [N, keys]."""
    rolls = [piece.roll for piece in pieces]
    return (
        np.concatenate([roll[:-1] for roll in rolls]),
        np.concatenate([roll[1:] for roll in rolls]),
    )


def _share(part, whole, smoothing: float) -> np.ndarray:
    return (part + smoothing) / (whole + 2 * smoothing)
