"""Which genomes are learned from and which never seen, and how labels are scored."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.dna.records import Genome
from seqjax.data import DataError
from seqjax.metrics import F1, Matthews, Mean
from seqjax.predict.nucleotides import MARKS, STRAND

FOLDS = 10  # with more genomes than this, a tenth of them is held out
SHORTEST = 30  # bases of a genome to learn from


class Division(NamedTuple):
    """Genomes, or stretches of them."""

    train: list[Genome]  # stretches to learn from
    valid: list[Genome]  # a tenth of each of the same genomes, to choose by
    test: list[Genome]  # whole genomes that are never seen
    known: list[Genome]  # the others, whole


class Scores(NamedTuple):
    """How good labels are, as counts that merge."""

    coding: Matthews  # coding or not
    strands: Matthews  # not coding, coding, coding on the other strand
    f1: F1  # of coding bases
    right: Mean  # share of bases whose mark is right

    def merge(self, other: "Scores") -> "Scores":
        """Returns the scores over both."""
        return Scores(*(a.merge(b) for a, b in zip(self, other, strict=True)))


def divide(genomes: Sequence[Genome], seed: int, name: str) -> Division:
    """Holds whole genomes out, and a stretch of each other one.

    Genome number `seed` is held out, counted round and round; of more than ten, every
    tenth. The stretches are a tenth long, at a random place.

    Args:
      genomes: at least two.
      seed: of the choice.
      name: of the data, for errors.

    Raises:
      DataError: there is one genome alone, or one that is too short, or the genomes to
        learn from have one kind of base alone.
    """
    folds = min(len(genomes), FOLDS)
    if folds < 2:
        raise DataError(
            f"{name}: {len(genomes)} genome; two or more are needed, one never seen"
        )
    rng = np.random.default_rng(seed)
    parts = Division([], [], [], [])
    for i, genome in enumerate(genomes):
        if i % folds == seed % folds:
            parts.test.append(genome)
            continue
        length = len(genome.codes)
        if length < SHORTEST:
            raise DataError(
                f"{name}: {genome.name} has {length} bases; {SHORTEST} or more are "
                f"needed to learn from"
            )
        parts.known.append(genome)
        size = length // 10
        start = int(rng.integers(length - size + 1))
        parts.valid.append(cut(genome, start, start + size))
        ends = ((0, start), (start + size, length))
        parts.train.extend(cut(genome, a, b) for a, b in ends if b > a)
    seen = {bool(label) for genome in parts.train for label in genome.labels}
    if len(seen) < 2:
        raise DataError(f"{name}: all bases to learn from are of one kind")
    return parts


def cut(genome: Genome, start: int, end: int) -> Genome:
    """A stretch of a genome."""
    name = f"{genome.name} {start + 1} to {end}"
    return Genome(name, genome.codes[start:end], genome.labels[start:end])


def marks_of(genome: Genome) -> np.ndarray:
    """The mark of each base: 0 not coding, 1 coding, 2 on the other strand, [T]."""
    return STRAND[genome.labels]


def score(genomes: Sequence[Genome], marks: Sequence[np.ndarray]) -> Scores:
    """Compares marks with those of genomes."""
    total = None
    for genome, guess in zip(genomes, marks, strict=True):
        gold = marks_of(genome)
        coding, taken = gold > 0, guess > 0
        one = Scores(
            Matthews.of(coding, taken, 2),
            Matthews.of(gold, guess, len(MARKS)),
            F1(int(np.sum(coding & taken)), int(taken.sum()), int(coding.sum())),
            Mean(float(np.sum(gold == guess)), float(len(gold))),
        )
        total = total.merge(one) if total else one
    assert total is not None, "there is a genome"
    return total


def numbers(scores: Scores) -> dict[str, Any]:
    """The scores as numbers by name."""
    return {
        "matthews": scores.coding.result(),
        "matthews_strands": scores.strands.result(),
        "f1": scores.f1.result(),
        "accuracy": float(scores.right.result()),
    }
