"""A tagger of bases to ask: which bases of a sequence are coding, on which strand?"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.data.batches import Batch, Batches
from seqjax.data.nucleotides import encode, neighbourhoods, reverse_complement
from seqjax.data.reading_frames import CODON, lengths_around
from seqjax.decode.genes import whole_genes
from seqjax.models.codons import Bases
from seqjax.predict.batched import apply, not_blank, row_lengths

MARKS = ".+-"  # not coding, coding on the strand that is read, on the other one
STRAND = np.array([0, 1, 1, 1, 2, 2, 2])  # the mark of each label
SWAPPED = np.array([0, 4, 5, 6, 1, 2, 3])  # each label as the other strand has it


class Piece(NamedTuple):
    """What a row of a batch is read from."""

    sequence: int  # its number
    other: int  # 1 on the other strand
    phase: int  # the base at which the steps begin
    start: int  # the first step that is labelled
    end: int  # the place after the last one


class Reads(NamedTuple):
    """Sequences as a model reads them."""

    batches: Batches
    pieces: tuple[Piece, ...]  # of each row
    lengths: tuple[int, ...]  # bases of each sequence


@dataclasses.dataclass(frozen=True, eq=False)
class NucleotidePredictor:
    """A trained labeller of bases.

    A label is 0 where a base is not coding, 1 to 3 where it is the first to third base
    of a codon, and 4 to 6 where it is that on the other strand. A step of the model is
    a codon's length, and labels its middle base: a sequence is read three times, from
    its first, second and third base on, so that each base is the middle of a step. The
    other strand is read likewise, and P is the mean of both strands', so that the
    labels of a sequence are exactly those of its other strand.

    Attributes:
      model: a `Tagger` of seven labels that reads `Bases`.
      longest: the steps that are read in one piece; a longer sequence is cut.
      margin: steps that pieces read beyond each of their ends, and do not label.
      genes: whether labels are those of whole genes (see `seqjax.decode.genes`), or
        the likeliest at each base.
      variables: of the model.

    Example:
      >>> import seqjax
      >>> genes = seqjax.load("runs/dna")  # doctest: +SKIP
      >>> genes.label("AGCCCCTGTGAGGAACTAG")  # doctest: +SKIP
      '...................'
    """

    model: Any
    longest: int = 8192
    margin: int = 512
    genes: bool = True
    variables: Any = None

    def __post_init__(self):
        if self.model.labels != len(STRAND):
            raise ValueError(f"{len(STRAND)} labels are known, not {self.model.labels}")
        if self.longest < 1 or self.margin < 0:
            raise ValueError(
                f"pieces of {self.longest} steps with margins of {self.margin}: give 1 "
                f"step or more, and no negative margin"
            )

    def example(self) -> tuple[Any, ...]:
        """Returns a sequence of one step, for the model's `init`."""
        bases = Bases(jnp.zeros((1, 1, 5), int), jnp.zeros((1, 1, 2 * CODON)))
        return bases, jnp.ones(1, int)

    def label(self, text: str) -> str:
        """Returns a mark for each letter: "." not coding, "+" or "-" the strand.

        Args:
          text: letters of IUPAC's code for bases.

        Raises:
          ValueError: the text is blank, or has another letter.
        """
        not_blank([text], "letters of bases")
        codes = [encode(text)]
        (marks,) = self.marks(codes, self.probabilities(self.reads(codes)))
        return "".join(MARKS[mark] for mark in marks)

    def shares(self, text: str) -> np.ndarray:
        """Returns P of each of the three marks at each letter: [T, 3].

        Raises:
          ValueError: as `label` does.
        """
        not_blank([text], "letters of bases")
        reads = self.reads([encode(text)])
        return by_strand(self.probabilities(reads)[0])

    def reads(
        self, sequences: Sequence[np.ndarray], batch_size: int = 24, buckets: int = 1
    ) -> Reads:
        """Returns sequences, integers [T] each, encoded for `probabilities`."""
        lengths = tuple(len(codes) for codes in sequences)
        pieces = tuple(self._pieces(lengths))
        strands = [(bases_of(s), bases_of(reverse_complement(s))) for s in sequences]
        rows = []
        for i, other, phase, start, end in pieces:
            first = max(start - self.margin, 0)
            steps = (array[phase::CODON] for array in strands[i][other])
            rows.append(Bases(*(array[first : end + self.margin] for array in steps)))
        size = min(batch_size, len(rows))
        return Reads(Batches(rows, size, buckets=buckets), pieces, lengths)

    def probabilities(self, reads: Reads) -> list[np.ndarray]:
        """Returns P of each label at each base of each sequence: [T, 7]."""

        def function(batch: Batch) -> jax.Array:
            lengths = row_lengths(batch.lengths)
            arguments = self.variables, batch.values, lengths
            return apply(self.model, "probabilities", *arguments)

        both = [np.zeros((2, length, len(STRAND))) for length in reads.lengths]
        rows = reads.batches.map_rows(function)
        for (i, other, phase, start, end), row in zip(reads.pieces, rows, strict=True):
            first = start - max(start - self.margin, 0)
            steps = both[i][other, phase::CODON]
            steps[start:end] = row[first : first + end - start]
        return [0.5 * (p[0] + p[1, ::-1][:, SWAPPED]) for p in both]

    def marks(
        self, sequences: Sequence[np.ndarray], probabilities: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """Returns the best mark of each base of each sequence, places in `MARKS`, [T].

        Args:
          sequences: integers [T] each.
          probabilities: of each, as `probabilities` gives them.
        """
        pairs = zip(sequences, probabilities, strict=True)
        if self.genes:
            return [STRAND[whole_genes(codes, p)] for codes, p in pairs]
        return [by_strand(p).argmax(axis=1) for _, p in pairs]

    def _pieces(self, lengths: Sequence[int]) -> Iterator[Piece]:
        """The sequence, strand, phase, first step and end of each piece."""
        for i, length in enumerate(lengths):
            for other in range(2):
                for phase in range(min(CODON, length)):
                    steps = len(range(phase, length, CODON))
                    for start in range(0, steps, self.longest):
                        end = min(start + self.longest, steps)
                        yield Piece(i, other, phase, start, end)


def bases_of(codes: np.ndarray) -> Bases:
    """Returns a sequence's bases as a model reads them: arrays [T, ...].

    Args:
      codes: integers [T].
    """
    return Bases(neighbourhoods(codes), lengths_around(codes))


def by_strand(probabilities: np.ndarray) -> np.ndarray:
    """Sums P of the seven labels [T, 7] to that of the three marks [T, 3]."""
    return np.stack(
        [probabilities[:, STRAND == mark].sum(axis=1) for mark in range(3)], axis=1
    )
