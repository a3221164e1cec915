"""Data: files, tables of data sets, tokens, splits, and batches of ragged sequences.

A `Table` finds the examples, a `Tokenizer` or a `Vocabulary` turns each into integers,
and `Batches` pads them and fixes the order in which training sees them.
"""

from seqjax.data.batches import Batch, Batches
from seqjax.data.files import DataError, read_lines
from seqjax.data.lexicon import Lexicon
from seqjax.data.series import Variables, read_series, read_variables
from seqjax.data.splits import Splits, split
from seqjax.data.streams import Piece, Streams
from seqjax.data.table import Corpus, Dataset, Source, Table
from seqjax.data.tokenize import Tokenizer, split_words
from seqjax.data.vocabulary import Vocabulary

__all__ = [
    "Batch",
    "Batches",
    "Corpus",
    "DataError",
    "Dataset",
    "Lexicon",
    "Piece",
    "Source",
    "Splits",
    "Streams",
    "Table",
    "Tokenizer",
    "Variables",
    "Vocabulary",
    "read_lines",
    "read_series",
    "read_variables",
    "split",
    "split_words",
]
