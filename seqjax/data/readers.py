"""Readers of standard file formats; a bad file ends in one sentence naming it."""

import codecs
import pathlib


class DataError(ValueError):
    """Data that cannot be used; the message names the file, and the line if any."""


def read_bytes(path: str | pathlib.Path) -> bytes:
    """Reads a whole file.

    Raises:
      DataError: there is no such file, or it cannot be read.
    """
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:  # a null character in the path
        raise DataError(f"{path!r}: {error}") from None


def decoded(line: bytes, path: object, number: int) -> str:
    """A line of UTF-8 text.

    Raises:
      DataError: it is not; the message names the file and the line.
    """
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise DataError(f"{path}, line {number}: not valid UTF-8 text") from None


def read_lines(path: str | pathlib.Path, longest: int = 1000) -> list[str]:
    """Reads UTF-8 text with one example a line.

    White space round an example is stripped, blank lines are skipped, and a byte
    order mark is no part of the first example.

    Args:
      path: the file.
      longest: the most characters an example may have.

    Returns:
      The examples in the file's order, at least one.

    Raises:
      DataError: the file is missing, a directory or empty, or a line is not UTF-8
        or too long.
    """
    raw = read_bytes(path).removeprefix(codecs.BOM_UTF8)
    examples = []
    for number, line in enumerate(raw.split(b"\n"), 1):
        example = decoded(line, path, number).strip()
        if len(example) > longest:
            raise DataError(
                f"{path}, line {number}: {len(example)} characters, where a line "
                f"may have {longest}"
            )
        if example:
            examples.append(example)
    if not examples:
        raise DataError(f"{path}: no example in it, only blank lines or nothing")
    return examples
