"""Pieces that repeat each other, whatever their keys."""

from collections.abc import Sequence

import numpy as np

from experiments.music.roll import Piece

FIRST = 0x10000  # characters from here on stand for chords and steps


def groups_of(pieces: Sequence[Piece]) -> list[int]:
    """A number for each piece, equal for pieces of which one is a part of another.

    A piece is a part of another where all its frames follow each other in the other,
    all moved by one interval; frames of silence around it do not count.
    """
    codes: dict[tuple, str] = {}
    texts = [_as_text(piece.roll, codes) for piece in pieces]
    groups = list(range(len(pieces)))
    for i, part in enumerate(texts):
        for j, whole in enumerate(texts):
            if groups[i] != groups[j] and part in whole:
                old, new = sorted((groups[i], groups[j]), reverse=True)
                groups = [new if group == old else group for group in groups]
    return groups


def _as_text(roll: np.ndarray, codes: dict[tuple, str]) -> str:
    """A roll as text, the same in every key: chord, step, chord, …, step, chord.

    A chord is its keys counted from its lowest, a step is that from the lowest key
    before to the lowest key now.
    """
    sounding = np.flatnonzero(roll.any(axis=1))
    lowest = np.flatnonzero(roll[sounding[0]])[0]
    text = []
    for frame in roll[sounding[0] : sounding[-1] + 1]:
        keys = np.flatnonzero(frame)
        before, lowest = lowest, keys[0] if len(keys) else lowest
        text.append(_code(codes, ("step", int(lowest - before))))
        text.append(_code(codes, ("chord", *(keys - lowest).tolist())))
    return "".join(text[1:])


def _code(codes: dict[tuple, str], what: tuple) -> str:
    return codes.setdefault(what, chr(FIRST + len(codes)))
