"""Lists of names, and the process that invents some."""

import pathlib

import numpy as np

from experiments.names.process import NameProcess, markov_names
from seqjax.data import (
    Corpus,
    DataError,
    Dataset,
    Source,
    Table,
    Vocabulary,
    read_lines,
)

__all__ = ["TABLE", "NameProcess", "make_corpus", "markov_names"]


def make_corpus(source: Source, seed: int) -> Corpus:
    """Splits names at random into eight tenths, a tenth and a tenth.

    Args:
      source: names; equal ones count once, so that none stands on two sides.
      seed: of the split.

    Raises:
      DataError: there are fewer than ten names.
    """
    names = sorted(set(source.examples))
    tenth = len(names) // 10
    if not tenth:
        raise DataError(
            f"{source.name}: {len(names)} names are too few; give 10 or more"
        )
    vocabulary = Vocabulary.build(names)
    order = np.random.default_rng(seed).permutation(len(names))
    splits = order[2 * tenth :], order[tenth : 2 * tenth], order[:tenth]
    encoded = ([vocabulary.encode(names[i]) for i in split] for split in splits)
    return Corpus(source, vocabulary, *encoded)


def _dinosaurs() -> tuple[list[str], None]:
    return read_lines(pathlib.Path(__file__).with_name("dinosaurs.txt")), None


def _synthetic() -> tuple[list[str], float]:
    return markov_names(seed=0, count=3000)


TABLE = Table(
    format="A text file of your own, one name a line.",
    read=read_lines,
    datasets=(
        Dataset(
            name="dinosaurs",
            load=_dinosaurs,
            licence="facts; the list they were compiled from is under the WTFPL",
            origin="npm package dinosaurs 1.2.1: 1325 names, less 7 duplicates",
            description="1318 names of dinosaur genera in the letters a to z.",
        ),
        Dataset(
            name="synthetic",
            load=_synthetic,
            licence="none needed: generated",
            origin="experiments.names.data.markov_names(seed=0, count=3000)",
            description="3000 names drawn from a process whose entropy is known, in "
            "nats per character, the end counted as one.",
        ),
    ),
)
