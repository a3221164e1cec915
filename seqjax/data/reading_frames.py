"""Open reading frames: stretches of codons from a start to a stop, on both strands."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from seqjax.data.nucleotides import encode, reverse_complement

CODON = 3  # bases
STARTS = ("ATG", "GTG", "TTG")  # those of bacteria, and of their phages
STOPS = ("TAA", "TAG", "TGA")


class Frame(NamedTuple):
    """An open reading frame."""

    start: int  # the first base, counted along its own strand
    end: int  # the place after its stop, likewise
    other: bool  # whether it is on the other strand


def codons(codes: np.ndarray) -> np.ndarray:
    """Returns the codon that begins at each base: [T − 2], 0 to 63, −1 if unknown."""
    count = max(len(codes) - CODON + 1, 0)
    a, b, c = (codes[i : i + count].astype(int) for i in range(CODON))
    known = (a < 4) & (b < 4) & (c < 4)
    return np.where(known, 16 * a + 4 * b + c, -1)


def open_frames(
    codes: np.ndarray, shortest: int = 30, partial: bool = False
) -> list[Frame]:
    """Finds open reading frames, each from the first start behind the stop before it.

    Args:
      codes: integers [T].
      shortest: bases, with the stop.
      partial: whether frames count that run over the ends of the sequence, so that
        their start or stop is not seen.
    """
    found = []
    for other in (False, True):
        strand = codons(reverse_complement(codes) if other else codes)
        starts, stops = (np.isin(strand, ids(names)) for names in (STARTS, STOPS))
        for phase in range(min(CODON, len(strand))):
            ends = np.flatnonzero(stops[phase::CODON])
            begins = np.flatnonzero(starts[phase::CODON])
            firsts, lasts = np.concatenate([[0], ends + 1]), ends
            if partial:
                begins = np.union1d(begins, 0)
                lasts = np.concatenate([ends, [len(stops[phase::CODON]) - 1]])
            places = np.searchsorted(begins, firsts)
            for last, place in zip(lasts, places, strict=False):
                first = begins[place] if place < len(begins) else last + 1
                if CODON * (last + 1 - first) >= max(shortest, CODON):
                    span = phase + CODON * first, phase + CODON * (last + 1)
                    found.append(Frame(int(span[0]), int(span[1]), other))
    return found


def ids(names: Iterable[str]) -> list[int]:
    """The integers of codons by their letters."""
    return [int(codons(encode(name))[0]) for name in names]


def span(frame: Frame, length: int) -> slice:
    """The bases of a frame along the strand that is read, of a sequence of a length."""
    if frame.other:
        return slice(length - frame.end, length - frame.start)
    return slice(frame.start, frame.end)


def labels_of(frames: Iterable[Frame], length: int, overlap: int) -> np.ndarray:
    """Labels bases by frames, the first of which stand before the others: marks [T].

    Args:
      frames: in their order of preference.
      length: T.
      overlap: how many of a frame's bases may be labelled already; one with more is
        left out.
    """
    marks = np.zeros(length, int)
    for frame in frames:
        bases = marks[span(frame, length)]
        if np.count_nonzero(bases) <= overlap:
            bases[bases == 0] = 1 + frame.other
    return marks


def lengths_around(codes: np.ndarray, shortest: int = 30) -> np.ndarray:
    """Returns how long the open reading frames are that a base is part of.

    Args:
      codes: integers [T].
      shortest: bases of the frames that count.

    Returns:
      [T, 6]: log₂(length / shortest) of the frame in which the base is the first,
      second and third of a codon, then the same on the other strand; 0 where there is
      no such frame. Frames over the ends of the sequence count.
    """
    logs = np.zeros((2, len(codes), CODON), np.float32)
    for frame in open_frames(codes, shortest, partial=True):
        length = frame.end - frame.start
        for place in range(CODON):
            bases = logs[int(frame.other), frame.start + place : frame.end : CODON]
            bases[:, place] = np.log2(length / shortest)
    return np.concatenate([logs[0], logs[1, ::-1]], axis=1)
