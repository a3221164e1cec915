"""What a network must beat: the most frequent mark, reading frames, their codons."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from experiments.dna.division import Division, marks_of, score
from experiments.dna.records import Genome
from seqjax.baselines import Ngram, best_ngram
from seqjax.data.nucleotides import reverse_complement
from seqjax.data.reading_frames import (
    STARTS,
    Frame,
    codons,
    ids,
    labels_of,
    open_frames,
)
from seqjax.predict.nucleotides import CODON, MARKS, SWAPPED

LENGTHS = (60, 90, 120, 150, 180, 210, 240, 300)  # of frames, to try
OVERLAPS = (15, 30, 60, 120)  # bases that a frame may share with better ones, to try
RATIOS = (-10, -5, -2, 0, 2, 5, 10, 20)  # nats by which a frame is a gene, to try
SHORTEST = 60  # bases of the frames whose codons are read
ORDERS = (1, 2, 3)  # of n-grams of codons, to try

FRAMES = "longest reading frames"
CODONS = "n-gram of codons"

Marker = Callable[[Genome], np.ndarray]


def majority(parts: Division) -> Marker:
    """All bases get the most frequent mark of those to learn from."""
    counts = sum(np.bincount(marks_of(g), minlength=len(MARKS)) for g in parts.train)
    most = int(np.argmax(counts))
    return lambda genome: np.full(len(genome.codes), most)


def longest_frames(parts: Division) -> Marker:
    """The longest open reading frames are taken for genes, one after the other."""

    def candidates(genome: Genome) -> list[tuple[float, Frame]]:
        frames = open_frames(genome.codes, min(LENGTHS))
        return [(frame.end - frame.start, frame) for frame in frames]

    return _best(candidates, parts, LENGTHS)


def codon_ngram(parts: Division) -> Marker:
    """Open reading frames whose codons are more like those of genes than of others.

    Two n-grams of codons, one of genes, one of open reading frames that are none, give
    each frame a ratio; it begins where the ratio from there on is largest. Frames are
    taken for genes one after the other, from the largest ratio down. The orders are
    chosen on the stretches to choose by.
    """
    genes, others = (
        best_ngram(*(list(_spelled(part, kind)) for part in parts[:2]), 64, ORDERS)
        for kind in (True, False)
    )

    def candidates(genome: Genome) -> list[tuple[float, Frame]]:
        return [_begun(*one, genes, others) for one in _read(genome)]

    return _best(candidates, parts, RATIOS)


def _best(candidates: Callable, parts: Division, least: Sequence[int]) -> Marker:
    """Takes frames by their values, from the largest down to the least that is allowed.

    The least value and the overlap that is allowed are those that label the known
    genomes best.
    """

    def ranked(genome: Genome) -> list[tuple[float, Frame]]:
        return sorted(candidates(genome), reverse=True)

    def mark(genome: Genome, frames, lowest: int, overlap: int) -> np.ndarray:
        better = (frame for value, frame in frames if value >= lowest)
        return labels_of(better, len(genome.codes), overlap)

    known = [(genome, ranked(genome)) for genome in parts.known]

    def goodness(choice: tuple[int, int]) -> float:
        marks = [mark(genome, frames, *choice) for genome, frames in known]
        return score([genome for genome, _ in known], marks).coding.result()

    best = max(((a, b) for a in least for b in OVERLAPS), key=goodness)
    return lambda genome: mark(genome, ranked(genome), *best)


def _read(genome: Genome) -> Iterator[tuple[Frame, np.ndarray]]:
    """The open reading frames whose letters are known, and their codons."""
    strands = [codons(genome.codes), codons(reverse_complement(genome.codes))]
    for frame in open_frames(genome.codes, SHORTEST):
        spelled = strands[frame.other][frame.start : frame.end : CODON]
        if spelled.min() >= 0:
            yield frame, spelled


def _spelled(genomes: Iterable[Genome], is_gene: bool) -> Iterator[np.ndarray]:
    """The codons of the reading frames that are genes, or of those that are none."""
    for genome in genomes:
        strands = genome.labels, SWAPPED[genome.labels[::-1]]
        for frame, spelled in _read(genome):
            label = strands[frame.other][frame.end - 2 * CODON]
            if (label == 1) == is_gene:
                yield spelled


def _begun(
    frame: Frame, spelled: np.ndarray, genes: Ngram, others: Ngram
) -> tuple[float, Frame]:
    """The ratio of a frame in nats, and the frame from its best start on."""
    each = genes.log_probs(spelled) - others.log_probs(spelled)
    behind = np.cumsum(each[::-1])[::-1]
    begins = np.flatnonzero(np.isin(spelled, ids(STARTS)))
    first = int(begins[np.argmax(behind[begins])])
    return float(behind[first]), frame._replace(start=frame.start + CODON * first)


BASELINES: dict[str, Callable[[Division], Marker]] = {
    "majority": majority,
    FRAMES: longest_frames,
    CODONS: codon_ngram,
}
