"""Data: readers, the dataset table, vocabularies, and batches of ragged sequences.

``load`` finds the examples, ``Vocabulary`` turns each into integers, and ``Batches``
pads them and fixes the order in which training sees them. All of it is NumPy.
"""

from seqjax.data.batches import Batch, Batches
from seqjax.data.datasets import DATASETS, Corpus, Dataset, Source, load
from seqjax.data.readers import DataError, read_lines
from seqjax.data.streams import Piece, Streams
from seqjax.data.synthetic import NameProcess, markov_names
from seqjax.data.vocabulary import Vocabulary

__all__ = [
    "DATASETS",
    "Batch",
    "Batches",
    "Corpus",
    "DataError",
    "Dataset",
    "NameProcess",
    "Piece",
    "Source",
    "Streams",
    "Vocabulary",
    "load",
    "markov_names",
    "read_lines",
]
