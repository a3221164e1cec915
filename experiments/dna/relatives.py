"""The labels of a relative: what the same letters are in a genome that is known."""

from collections.abc import Sequence

import numpy as np

from experiments.dna.baselines import Marker
from experiments.dna.records import Genome
from seqjax.data.nucleotides import reverse_complement
from seqjax.predict.nucleotides import STRAND, SWAPPED

WIDTHS = (31, 25, 21, 17, 15, 13, 11, 9, 7, 5, 3)  # letters looked up, odd


def words(codes: np.ndarray, width: int) -> np.ndarray:
    """Returns the letters around each base as one integer; −1 where one is unknown.

    Args:
      codes: integers [T].
      width: how many letters, odd and below 32.

    Returns:
      Integers [T]; beyond the ends letters are unknown.
    """
    padded = np.pad(codes.astype(np.int64), width // 2, constant_values=4)
    total = np.zeros(len(codes), np.int64)
    known = np.ones(len(codes), bool)
    for i in range(width):
        letter = padded[i : i + len(codes)]
        known &= letter < 4
        total = 4 * total + np.minimum(letter, 3)
    return np.where(known, total, -1)


def nearest_relative(genomes: Sequence[Genome]) -> Marker:
    """Each base gets the mark that it has most often in known genomes.

    That is, between the same letters on either strand: as many as are found there.
    """
    codes = [g.codes for g in genomes] + [reverse_complement(g.codes) for g in genomes]
    labels = [g.labels for g in genomes] + [SWAPPED[g.labels[::-1]] for g in genomes]
    marks = STRAND[np.concatenate(labels)]
    tables = {}
    for width in WIDTHS:
        every = np.concatenate([words(strand, width) for strand in codes])
        names, place = np.unique(every, return_inverse=True)
        counts = np.zeros((len(names), 3), int)
        np.add.at(counts, (place, marks), 1)
        tables[width] = names, counts.argmax(axis=1)
    most = int(np.bincount(marks).argmax())

    def mark(genome: Genome) -> np.ndarray:
        found = np.full(len(genome.codes), -1)
        for width, (names, best) in tables.items():
            asked = words(genome.codes, width)
            place = np.minimum(np.searchsorted(names, asked), len(names) - 1)
            hit = (names[place] == asked) & (asked >= 0) & (found < 0)
            found[hit] = best[place[hit]]
        return np.where(found < 0, most, found)

    return mark


def is_new(genome: Genome, known: Sequence[Genome], width: int = 15) -> np.ndarray:
    """Says which bases are in no stretch of letters that a known genome has too: [T].

    Args:
      genome: of the bases.
      known: genomes, both strands of which count.
      width: how many letters the stretch has, odd.
    """
    strands = [g.codes for g in known] + [reverse_complement(g.codes) for g in known]
    there = np.unique(np.concatenate([words(codes, width) for codes in strands]))
    asked = words(genome.codes, width)
    hit = np.isin(asked, there[there >= 0])
    return np.convolve(hit, np.ones(width), "same") == 0
