"""The cases of the table, and those of any other shape by their names.

A case is named KIND/BxTxINxH/MODE, as in lstm/32x100x64x128/train: the batch, the
steps, the width of the input and the units of each direction of each layer. The input
of a language model is a token, so that its IN is the vocabulary.
"""

import fnmatch
import re

from experiments.speed.cases import GATES, KINDS, Case

SHAPES = [
    (1, 50, 27, 50),
    (32, 100, 64, 128),
    (16, 512, 64, 256),
    (20, 35, 650, 650),
    (64, 128, 256, 512),
]


def _both(kind: str, *shape: int) -> list[Case]:
    return [Case(kind, *shape, mode) for mode in KINDS[kind].modes]


CASES = [
    *(case for cell in GATES for shape in SHAPES for case in _both(cell, *shape)),
    *_both("bidirectional", 32, 100, 64, 128),
    *_both("stacked", 20, 35, 200, 200),
    *_both("ragged", 32, 200, 64, 128),
    *_both("streaming", 1, 100, 64, 128),
    *_both("language_model", 20, 35, 10_000, 200),  # Zaremba et al. (2014), small
]
QUICK = [case for i in (0, 1, 3) for case in _both("lstm", *SHAPES[i])]


def parse(name: str) -> Case:
    """The case of a name.

    Raises:
      ValueError: there is none; the message says which names there are.
    """
    match = re.fullmatch(r"(\w+)/(\d+)x(\d+)x(\d+)x(\d+)/(\w+)", name)
    if match:
        kind, *shape, mode = match.groups()
        B, T, n_in, H = map(int, shape)
        if kind in KINDS and mode in KINDS[kind].modes and min(B, T, n_in, H):
            return Case(kind, B, T, n_in, H, mode)
    known = ", ".join(f"{kind} ({' or '.join(k.modes)})" for kind, k in KINDS.items())
    raise ValueError(
        f"no case is named {name!r}: a name is KIND/BxTxINxH/MODE, as in "
        f"lstm/32x100x64x128/train, or a pattern such as 'gru/*', and the kinds with "
        f"their modes are {known}"
    )


def choose(patterns: list[str]) -> list[Case]:
    """The cases of the table that match a pattern, and those of other shapes by name.

    Raises:
      ValueError: a pattern fits none and names none.
    """
    chosen = {}
    for pattern in patterns:
        fitting = [case for case in CASES if fnmatch.fnmatch(case.name, pattern)]
        chosen |= dict.fromkeys(fitting or [parse(pattern)])
    return list(chosen)
