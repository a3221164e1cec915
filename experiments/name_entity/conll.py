"""Sentences with a tag for each word, in the columns of the CoNLL shared tasks."""

import pathlib
from typing import NamedTuple

from seqjax.data.files import DataError, decoded_lines, is_folder, read_text
from seqjax.data.quoting import shown
from seqjax.data.splits import Splits, normalize, split
from seqjax.metrics import OUTSIDE, as_iob2

FILES = ("train.txt", "valid.txt", "test.txt")


class Tagged(NamedTuple):
    """A sentence; tags are O, B-TYPE, I-TYPE, every entity beginning with B: IOB2."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


def read_folder(path: str | pathlib.Path) -> Splits:
    """Reads train.txt, valid.txt and test.txt of a folder, or one file, cut at random.

    Documents of a file that marks them by -DOCSTART- stay together.

    Raises:
      DataError: as `read_conll` does.
    """
    folder = pathlib.Path(path)
    if is_folder(folder):
        return Splits(*(read_conll(folder / name) for name in FILES))
    numbers, sentences = zip(*parse(read_text(folder), path), strict=True)
    texts = [normalize(" ".join(sentence.words)) for sentence in sentences]
    try:
        return split(sentences, numbers if len(set(numbers)) > 2 else texts)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def read_conll(path: str | pathlib.Path) -> list[Tagged]:
    """Reads a file of one word a line, its tag in the last column.

    Columns are parted by white space; a blank line ends a sentence. Tags are IOB1, in
    which B parts neighbours only, or IOB2.

    Raises:
      DataError: the file is missing or has no sentence, or a line is not UTF-8, lacks
        a column, or has a tag of neither scheme.
    """
    return [sentence for _, sentence in parse(read_text(path), path)]


def parse(raw: bytes, name: object) -> list[tuple[int, Tagged]]:
    """The sentences in a file's bytes, each with its document's number.

    Args:
      raw: the bytes.
      name: stands in errors.
    """
    sentences, words, tags, columns, document = [], [], [], 0, 0
    for number, line in enumerate([*decoded_lines(raw, name), ""], 1):
        row = line.split()
        if row and row[0] != "-DOCSTART-":
            columns = columns or len(row)
            if len(row) < 2 or len(row) != columns:
                raise DataError(
                    f"{name}, line {number}: {len(row)} columns, where a word, its tag "
                    f"and what the first line has between them make {max(columns, 2)}"
                )
            words.append(row[0])
            tags.append(_checked(row[-1], name, number))
            continue
        if words:
            sentences.append((document, Tagged(tuple(words), as_iob2(tags))))
            words, tags = [], []
        document += bool(row)
    if not sentences:
        raise DataError(f"{name}: no sentence in it")
    return sentences


def _checked(tag: str, name: object, number: int) -> str:
    if tag != OUTSIDE and not (tag[:2] in ("B-", "I-") and len(tag) > 2):
        raise DataError(
            f"{name}, line {number}: {shown(tag)} is no tag of IOB1 or IOB2: O, "
            f"B-TYPE, I-TYPE"
        )
    return tag
