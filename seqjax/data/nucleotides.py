"""Bases as integers: the letters of IUPAC's code, and the other strand.

A letter that stands for several bases, such as R for A or G, is one of them with equal
shares (Cornish-Bowden, 1985, Nucleic Acids Research 13).
"""

from collections.abc import Sequence

import numpy as np

BASES = "ACGT"
MEANINGS = {  # in the order of the integers
    **{base: base for base in BASES},
    "R": "AG",
    "Y": "CT",
    "S": "CG",
    "W": "AT",
    "K": "GT",
    "M": "AC",
    "B": "CGT",
    "D": "AGT",
    "H": "ACT",
    "V": "ACG",
    "N": "ACGT",
}
LETTERS = "".join(MEANINGS)
UNKNOWN = LETTERS.index("N")
SHARES = np.array(  # [15, 4], of A, C, G and T in each letter
    [[(base in m) / len(m) for base in BASES] for m in MEANINGS.values()], np.float32
)
_CODE = {letter: code for code, letter in enumerate(LETTERS)} | {"U": 3}
_OTHER = dict(zip(BASES, BASES[::-1], strict=True))
_COMPLEMENT = np.array(
    [
        next(code for code, n in enumerate(MEANINGS.values()) if set(n) == set(paired))
        for paired in ([_OTHER[base] for base in m] for m in MEANINGS.values())
    ],
    np.int32,
)


def encode(text: str) -> np.ndarray:
    """Turns letters into integers [T], 0 to 3 for A, C, G and T.

    Small letters are as large ones, and U is T.

    Raises:
      ValueError: a letter is not in IUPAC's code; the message names it and its place.

    Example:
      >>> encode("acgun").tolist()
      [0, 1, 2, 3, 14]
    """
    codes = [_CODE.get(letter, -1) for letter in text.upper()]
    if -1 in codes:
        place = codes.index(-1)
        raise ValueError(
            f"{text[place]!r}, letter {place + 1}, is not in IUPAC's code for bases: "
            f"{LETTERS}, and U"
        )
    return np.array(codes, np.int32)


def decode(codes: Sequence[int] | np.ndarray) -> str:
    """Returns the letters of integers."""
    return "".join(LETTERS[code] for code in codes)


def reverse_complement(codes: np.ndarray) -> np.ndarray:
    """Returns the other strand as it is read: integers [T].

    Example:
      >>> decode(reverse_complement(encode("AACR")))
      'YGTT'
    """
    return _COMPLEMENT[codes][::-1]


def neighbourhoods(codes: np.ndarray, reach: int = 2) -> np.ndarray:
    """Returns each base with its neighbours on both sides, N beyond the ends.

    Args:
      codes: integers [T].
      reach: how many neighbours on a side.

    Returns:
      Integers [T, 2 · reach + 1].

    Example:
      >>> [decode(row) for row in neighbourhoods(encode("ACG"), 1)]
      ['NAC', 'ACG', 'CGN']
    """
    padded = np.pad(codes, reach, constant_values=UNKNOWN)
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
