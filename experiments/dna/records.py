"""Genomes with a label for every base, of GenBank files and of FASTA with labels."""

import io
import pathlib
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqjax.data.files import DataError, decoded_lines, entries, is_folder, read_text
from seqjax.data.nucleotides import encode, reverse_complement
from seqjax.data.parsing import whole_number
from seqjax.data.quoting import listed, reason, shown
from seqjax.extras import library
from seqjax.predict.nucleotides import CODON, MARKS

ENDINGS = (".gb", ".gbk", ".gbff", ".genbank", ".fa", ".fasta", ".fna")
MOST = 100  # CDS that a base may be in, in the mean
_LABELS = re.escape(MARKS)
_RECORD = re.compile(rf"([^{_LABELS}]*)([{_LABELS}]*)")
_LOCUS = re.compile(r"LOCUS\s+\S+\s+(\d+) (?:bp|BP)")


class Genome(NamedTuple):
    """A sequence and what each of its bases is."""

    name: str
    codes: np.ndarray  # [T], of seqjax.data.nucleotides
    labels: np.ndarray  # [T], 0 to 6, of seqjax.predict.nucleotides


def read_genomes(path: str | pathlib.Path) -> list[Genome]:
    """Reads the annotated genomes of a file, or of a folder's files.

    Equal sequences, and those that are another's other strand, come once.

    Raises:
      DataError: as `parse` does; or the folder holds no file of a known ending; or a
        FASTA record has no labels.
    """
    genomes, seen, files = [], set(), [pathlib.Path(path)]
    if is_folder(path):
        files = [p for p in entries(path) if p.suffix.lower() in ENDINGS]
    if not files:
        raise DataError(f"{path}: no file in it ends in {', '.join(ENDINGS)}")
    for file in files:
        for genome in parse(read_text(file), file):
            if genome.labels is None:
                raise DataError(
                    f"{file}: {listed([genome.name])} has no labels: a record needs as "
                    f"many of {', '.join(MARKS)} behind its bases"
                )
            if genome.codes.tobytes() not in seen:
                strands = genome.codes, reverse_complement(genome.codes)
                seen |= {codes.tobytes() for codes in strands}
                genomes.append(genome)
    return genomes


def parse(raw: bytes, name: object) -> list[Any]:
    """Returns the genomes in a file's bytes, without labels where FASTA has none.

    Args:
      raw: the bytes of a GenBank file or of a FASTA file.
      name: stands in errors.

    Raises:
      DataError: the file is of neither kind, was cut short, or contradicts itself, or
        a letter is not of IUPAC's code. The message names the line if there is one.
      MissingLibrary: biopython is not installed.
    """
    lines = decoded_lines(raw, name)
    first = next((line for line in lines if line.strip()), "")
    if not first:
        raise DataError(f"{name}: there is nothing in it")
    if first.startswith("LOCUS"):
        return list(_genbank(lines, name))
    if first.startswith(">"):
        return list(_fasta(lines, name))
    raise DataError(
        f"{name}: neither GenBank, which begins with LOCUS, nor FASTA, which begins "
        f"with >"
    )


def _genbank(lines: Sequence[str], name: object) -> Iterator[Genome]:
    last = max(i for i, line in enumerate(lines) if line.strip())
    if lines[last].rstrip() != "//":
        raise DataError(
            f"{name}, line {last + 1}: the file was cut short: GenBank ends with //"
        )
    said = [m[1] for line in lines if (m := _LOCUS.match(line))]
    records = _parsed(lines, name, "genbank")
    if not records or len(said) != len(records):
        raise DataError(f"{name}: a LOCUS line does not say how many bp there are")
    for record, bases in zip(records, said, strict=True):
        where = f"{name}: {listed([record.id])}"
        length = whole_number(bases, where, "what LOCUS says")
        try:
            text = str(record.seq)
        except ValueError:  # undefined, for there is no ORIGIN
            text = ""
        if len(text) != length:
            raise DataError(
                f"{where} has {len(text)} bases, where its LOCUS line says {length}; "
                f"was it cut short?"
            )
        codes = _codes(text, lines, where, name)
        yield Genome(record.id, codes, _labels(record, where))


def _labels(record: Any, where: str) -> np.ndarray:
    """The label of each base, by the record's coding sequences (CDS).

    Where two overlap, the longer one stands.
    """
    labels, genes = np.zeros(len(record.seq), np.int32), []
    for feature in record.features:
        if feature.type == "CDS" and not {"pseudo", "pseudogene"} & {
            *feature.qualifiers
        }:
            if feature.location is None:
                raise DataError(f"{where}: the place of a CDS cannot be read")
            place = shown(feature.location)
            if feature.location.start < 0 or feature.location.end > len(labels):
                raise DataError(
                    f"{where}: the CDS at {place} lies beyond the sequence, which has "
                    f"{len(labels)} bases"
                )
            if len(feature.location) > len(labels):
                raise DataError(f"{where}: the CDS at {place} is longer than all bases")
            genes.append(feature)
    if not genes:
        raise DataError(f"{where}: no CDS in it, so that nothing says what is coding")
    if sum(len(gene.location) for gene in genes) > MOST * len(labels):
        raise DataError(f"{where}: a base is in more than {MOST} CDS in the mean")
    for feature in sorted(genes, key=lambda gene: len(gene.location)):
        begun = feature.qualifiers.get("codon_start", ["1"])[0]
        begun = whole_number(begun, where, "codon_start") - 1
        parts = [part for part in feature.location.parts if not part.ref]
        places = np.array([place for part in parts for place in part], int)
        ahead = np.concatenate([np.full(len(p), p.strand != -1) for p in parts])
        phase = (np.arange(len(places)) - begun) % CODON
        labels[places] = 1 + phase + np.where(ahead, 0, CODON)
    return labels


def _fasta(lines: Sequence[str], name: object) -> Iterator[Any]:
    for record in _parsed(lines, name, "fasta"):
        where = f"{name}: {listed([record.id or 'a record without a name'])}"
        text, marks = _text(record, lines, name), ""
        if match := _RECORD.fullmatch(text):
            text, marks = match.groups()
        codes = _codes(text, lines, where, name)
        if not len(codes):
            raise DataError(f"{where} has no bases")
        if marks and len(marks) != len(codes):
            raise DataError(f"{where} has {len(codes)} bases, but {len(marks)} labels")
        yield Genome(record.id, codes, from_marks(marks) if marks else None)


def _text(record: Any, lines: Sequence[str], name: object) -> str:
    try:
        return str(record.seq)
    except UnicodeDecodeError:
        odd = (i for i, line in enumerate(lines, 1) if not _bases(line).isascii())
        raise DataError(
            f"{name}, line {next(odd, 1)}: a letter that is not of ASCII"
        ) from None


def _parsed(lines: Sequence[str], name: object, kind: str) -> list[Any]:
    """What Biopython reads; what it warns of is checked here."""
    parser = library("Bio.SeqIO", "dna").parse
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return list(parser(io.StringIO("\n".join(lines)), kind))
    except Exception as error:  # of all kinds, for a file that is damaged
        raise DataError(f"{name}: this is not whole {kind}: {reason(error)}") from None


def _codes(text: str, lines: Sequence[str], where: str, name: object) -> np.ndarray:
    try:
        return encode(text)
    except ValueError as error:
        odd = str(error).split(",")[0].strip("'\"")
        shown = (i for i, line in enumerate(lines, 1) if odd in _bases(line))
        raise DataError(f"{name}, line {next(shown, 1)}: {error}") from None


def _bases(line: str) -> str:
    """What may be bases in a line of GenBank or FASTA."""
    numbered = re.fullmatch(r" *\d+ (.*)", line)
    if line.startswith(">") or (line[:1].isspace() and not numbered):
        return ""
    return numbered[1] if numbered else line


def from_marks(marks: str) -> np.ndarray:
    """Labels of a line of ".", "+" and "-": bases of a run are codons from its start.

    A run of "-" is read from its end. Genes that touch on a strand are one run.

    Example:
      >>> from_marks(".+++++--").tolist()
      [0, 1, 2, 3, 1, 2, 5, 4]
    """
    labels = []
    for run in re.finditer(r"\.+|\++|-+", marks):
        phase = np.arange(len(run[0])) % CODON
        each = {".": 0 * phase, "+": 1 + phase, "-": 4 + phase[::-1]}
        labels.append(each[run[0][0]])
    return np.concatenate([*labels, np.zeros(0, int)]).astype(np.int32)
