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


def read_text(path: str | pathlib.Path) -> bytes:
    """Reads a text file's bytes, without a byte order mark.

    Raises:
      DataError: as `read_bytes` does.
    """
    return read_bytes(path).removeprefix(codecs.BOM_UTF8)


def decoded(line: bytes, path: object, number: int) -> str:
    """A line of UTF-8 text.

    Raises:
      DataError: it is not; the message names the file and the line.
    """
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise DataError(f"{path}, line {number}: not valid UTF-8 text") from None


def numbered_lines(
    path: str | pathlib.Path, longest: int = 1000
) -> list[tuple[int, str]]:
    """Reads UTF-8 text: each line with its number, stripped, blank ones among them.

    Args:
      path: the file.
      longest: the most characters a line may have.

    Raises:
      DataError: the file is missing, a directory or blank, or a line is not UTF-8 or
        too long.
    """
    lines, raws = [], read_text(path).removesuffix(b"\n").split(b"\n")
    for number, raw in enumerate(raws, 1):
        line = decoded(raw, path, number).strip()
        if len(line) > longest:
            raise DataError(
                f"{path}, line {number}: {len(line)} characters, where a line may have "
                f"{longest}"
            )
        lines.append((number, line))
    if not any(line for _, line in lines):
        raise DataError(f"{path}: no example in it, only blank lines or nothing")
    return lines


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
      DataError: as `numbered_lines` does.
    """
    return [line for _, line in numbered_lines(path, longest) if line]
