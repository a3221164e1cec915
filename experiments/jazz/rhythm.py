"""The durations of the process: half a bar holds one of a few rhythms."""

import functools

import numpy as np

from experiments.jazz.forms import LONG, RHYTHMS

AGAIN, STAYS, LONG_AT_END = 0.35, 2.0, 6.0


@functools.lru_cache(None)
def next_durations(
    genre: str, before: tuple, old: tuple, half: tuple[int, ...], ends: bool
) -> tuple[tuple[int, ...], np.ndarray]:
    """Returns the durations that may come next, and P of each.

    A rhythm is drawn when half a bar begins; while it goes on, the rhythms that begin
    like it are still possible, in proportion.

    Args:
      genre: of `FORMS`.
      before: the rhythm of the half bar before; empty at the beginning.
      old: that of a bar before.
      half: what stands in this half bar already.
      ends: whether a phrase ends with it.
    """
    names = list(RHYTHMS)
    p = np.array([float(RHYTHMS[name][genre]) for name in names])
    p *= [LONG_AT_END if ends and name in LONG else 1 for name in names]
    p *= [STAYS if name == before else 1 for name in names]
    p /= p.sum()
    if old:
        repeated = np.array([name == old for name in names])
        p = (1 - AGAIN) * p + AGAIN * repeated
    following: dict[int, float] = {}
    for name, share in zip(names, p, strict=True):
        if name[: len(half)] == half:
            duration = name[len(half)]
            following[duration] = following.get(duration, 0) + share
    shares = np.array(list(following.values()))
    return tuple(following), shares / shares.sum()
