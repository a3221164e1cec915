"""Strings that are to be counted, and what may follow each of their prefixes.

aⁿbⁿ (Gers and Schmidhuber, 2001) and Dyck-1, balanced brackets of one kind, whose
depth nothing bounds (Suzgun et al., 2019). A network reads a start and then the symbols
of a string, and says after each which symbols may come next: the prefix alone tells.
A string is right where the whole set is right after every symbol of it. So a network
has to know when the count is back at zero, after up to n symbols up and n down. Weiss,
Goldberg and Yahav (2018) show that an LSTM and an Elman of ReLUs can count without
bound, and that a GRU and an Elman of tanh, whose states are bounded, cannot.
"""

import numpy as np

SYMBOLS = ("open", "close", "end")  # a and b are opened and closed; end is start, too
OPEN, CLOSE, END = range(3)


def draw_anbn(
    rng: np.random.Generator, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lays out aⁿbⁿ for each n; nothing is random.

    Returns:
      Inputs and what may follow, float32 [B, 1 + 2 max n, 3], of the start and then of
      each symbol; and which steps belong to a string, bool [B, 1 + 2 max n].
    """
    del rng
    place = np.arange(2 * sizes.max())
    opens = place < sizes[:, None]
    count = _counts(opens, sizes)
    may_open = np.concatenate([np.ones((len(sizes), 1), bool), opens], axis=1)
    return _laid_out(opens, may_open, sizes, count)


def draw_dyck(
    rng: np.random.Generator, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draws one of all balanced strings of n pairs of brackets, for each n.

    By the cycle lemma: of the turns of a shuffle of n up and n + 1 down exactly one
    stays at zero or above until its last step.

    Returns:
      As `draw_anbn`.
    """
    longest = 2 * int(sizes.max())
    opens = np.zeros((len(sizes), longest), bool)
    for row, n in zip(opens, sizes.tolist(), strict=True):
        shuffled = rng.permutation(np.repeat([1, -1], [n, n + 1]))
        begin = int(np.argmin(np.cumsum(shuffled))) + 1
        row[: 2 * n] = np.roll(shuffled, -begin)[:-1] > 0
    may_open = np.ones((len(sizes), longest + 1), bool)
    return _laid_out(opens, may_open, sizes, _counts(opens, sizes))


def _counts(opens: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """What is open after the start and after each symbol, [B, 1 + T]."""
    within = np.arange(opens.shape[1]) < 2 * sizes[:, None]
    ups = np.where(opens, 1, -1) * within
    return np.pad(np.cumsum(ups, axis=1), [(0, 0), (1, 0)])


def counts_of(inputs: np.ndarray) -> np.ndarray:
    """What is open after each step of inputs [..., T, 3], integers [..., T]."""
    return np.cumsum(inputs[..., OPEN] - inputs[..., CLOSE], axis=-1).astype(int)


def _laid_out(
    opens: np.ndarray, may_open: np.ndarray, sizes: np.ndarray, count: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, what may follow, and which steps are of a string."""
    mask = np.arange(count.shape[1]) <= 2 * sizes[:, None]
    first = np.full((len(sizes), 1), END)
    read = np.concatenate([first, np.where(opens, OPEN, CLOSE)], axis=1)
    inputs = np.eye(3, dtype=np.float32)[read] * mask[..., None]
    begun = np.arange(count.shape[1]) > 0
    follows = np.stack([may_open, count > 0, (count == 0) & begun], axis=-1)
    return inputs, (follows & mask[..., None]).astype(np.float32), mask
