"""Counts of n-grams with their discounts, for contexts of every length.

What is counted, and how the discounts are estimated, is said in `ngram`.
"""

from typing import NamedTuple

import numpy as np

# Instead of a sort, which is slower, a table has a place for each possible key, if
# these are at most so many times the keys.
TABLE = 16


class Level(NamedTuple):
    """The counts of all contexts of one length.

    There are C different contexts and G different n-grams. A context is known by its
    index in `contexts`, an n-gram by its index in `grams`. Both arrays hold sorted
    integer keys, so that a binary search finds an index.
    """

    contexts: np.ndarray  # [C] keys: shorter context's index · (V + 1) + oldest token
    grams: np.ndarray  # [G] keys: context's index · V + token
    counts: np.ndarray  # [G]
    discounts: np.ndarray  # [G], before scaling
    kept: np.ndarray  # [G], the counts minus the scaled discounts
    passed_on: np.ndarray  # [C], the sum of the scaled discounts
    total: np.ndarray  # [C], the sum of the counts


def windows(sequences, order: int, size: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Returns every token of the sequences beside the n − 1 tokens before it.

    Args:
      sequences: integers [length] each.
      order: n.
      size: V.

    Returns:
      The tokens [N]. For each context length 0 … n − 1, the oldest token [N] of the
      context that stands before each of them; the empty context has none, and zeros
      stand for it. The number V stands for what is before the start of a sequence.

    Raises:
      ValueError: a token is outside 0 … V − 1.
    """
    sequences, start = list(sequences), np.full(order - 1, size)
    parts = [part for sequence in sequences for part in (start, sequence)]
    flat = np.concatenate([start[:0], *parts]).astype(np.int64)
    # One array holds all sequences, each behind n − 1 starts, so that a context never
    # reaches into the sequence before. `at` is where the tokens are in it: those of
    # the k-th sequence are k · (n − 1) places further than without the starts.
    starts = np.repeat(np.arange(1, len(sequences) + 1), [len(s) for s in sequences])
    at = np.arange(len(starts)) + starts * (order - 1)
    tokens = flat[at]
    if tokens.size and not 0 <= tokens.min() <= tokens.max() < size:
        raise ValueError(f"tokens must be in 0 … {size - 1}")
    return tokens, [np.zeros_like(tokens), *(flat[at - j] for j in range(1, order))]


def find(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Returns the indices of `wanted` in sorted keys, −1 where it is not among them.

    No key is negative, so that a negative `wanted` is never among them.
    """
    at = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)


class Counter:
    """Counts n-grams of every order at once, since the orders share what they count.

    Args:
      tokens: from `windows`.
      history: from `windows`, for the highest order.
      size: V.
    """

    def __init__(self, tokens: np.ndarray, history: list[np.ndarray], size: int):
        self._history, self._size = history, size
        self._contexts, self._grams = _keys(tokens, history, size)
        self._shorter: dict[int, Level] = {}

    def levels(self, order: int) -> tuple[Level, ...]:
        """Returns the counts for contexts of length 0 … n − 1, as far as there are any.

        The longest context's are frequencies. A shorter one's count one position for
        each different n-gram of the level above, which is one for each different token
        before the shorter n-gram; and all positions whose context begins with a start,
        before which there is no token to tell apart.

        Args:
          order: n, at most that of the history.
        """
        longest = min(order, len(self._grams)) - 1
        shorter = [self._continuations(length) for length in range(longest)]
        return *shorter, self._level(longest, self._grams[longest] >= 0)

    def _continuations(self, length: int) -> Level:
        if length not in self._shorter:
            counted = self._history[length] == self._size
            counted[_first_places(self._grams[length + 1])] = True
            counted &= self._grams[length] >= 0
            self._shorter[length] = self._level(length, counted)
        return self._shorter[length]

    def _level(self, length: int, counted: np.ndarray) -> Level:
        return _level(self._contexts[length], self._grams[length][counted], self._size)


def _keys(
    tokens: np.ndarray, history: list[np.ndarray], size: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Returns, for each context length, the contexts' keys and the n-grams' keys.

    Returns:
      The different contexts, sorted, [C] for each length; and the n-gram at each
      position, [N] for each length, negative where its context would reach past the
      start of the sequence.
    """
    ids, contexts, grams = np.zeros_like(tokens), [], []
    # From short contexts to long ones, since a context's key holds the index of the
    # context that is shorter by its oldest token. So one integer is enough for an
    # n-gram of any length, where a key of all its tokens would overflow at V ** n.
    for older in history:
        if not (ids >= 0).any():  # no sequence is that long
            break
        different, ids = _different(ids * (size + 1) + older)
        contexts.append(different)
        grams.append(ids * size + tokens)
        ids = np.where(older == size, -1, ids)  # no context reaches past a start
    return contexts, grams


def _fits(keys: np.ndarray) -> bool:
    """Whether a table with a place for each possible key is small beside the keys."""
    return bool(keys.max(initial=0) < TABLE * max(len(keys), 1))


def _different(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the different keys from 0 on, sorted, and of each key the index there."""
    if not _fits(keys):
        different = np.unique(keys[keys >= 0])
        return different, find(different, keys)
    seen = np.zeros(keys.max(initial=0) + 1, bool)
    seen[keys[keys >= 0]] = True
    return np.flatnonzero(seen), np.where(keys >= 0, (np.cumsum(seen) - 1)[keys], -1)


def _first_places(keys: np.ndarray) -> np.ndarray:
    """Returns where each different key is first; those below 0 need not be told."""
    if not _fits(keys):
        return np.unique(keys, return_index=True)[1]
    places = np.flatnonzero(keys >= 0)[::-1]
    first = np.full(keys.max(initial=0) + 1, -1)
    first[keys[places]] = places  # of equal keys the last one is kept
    return first[first >= 0]


def _counts(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the different keys, none of them negative, sorted, and how many each."""
    if not _fits(keys):
        return np.unique(keys, return_counts=True)
    counts = np.bincount(keys)
    different = np.flatnonzero(counts)
    return different, counts[different]


def _level(contexts: np.ndarray, grams: np.ndarray, size: int) -> Level:
    """Counts n-grams, which may occur repeatedly, and estimates their discounts."""
    grams, counts = _counts(grams)
    n = np.bincount(counts, minlength=5)[1:5]  # how many n-grams occur 1, 2, 3, 4 times
    discounts = np.full(3, 0.5)
    if n.all():
        # Chen and Goodman's estimate: D_k = k − (k + 1) Y n_{k+1} / n_k for k = 1, 2, 3
        y, k = n[0] / (n[0] + 2 * n[1]), np.arange(1, 4)
        discounts = np.clip(k - (k + 1) * y * n[1:] / n[:-1], 0.01, k)
    discounts = discounts[counts.clip(max=3) - 1]
    total = np.bincount(grams // size, counts)
    level = Level(contexts, grams, counts, discounts, counts, total, total)
    return discount(level, 1.0, size)


def discount(level: Level, scale: float, size: int) -> Level:
    """Returns the level with its discounts multiplied by `scale`, V being `size`."""
    discounts = np.minimum(scale * level.discounts, level.counts)
    passed_on = np.bincount(level.grams // size, discounts)
    return level._replace(kept=level.counts - discounts, passed_on=passed_on)
