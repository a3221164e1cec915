"""Reading text files; what is wrong with a file is one sentence that names it."""

import codecs
import contextlib
import errno
import os
import pathlib
from collections.abc import Iterator


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


@contextlib.contextmanager
def whole_file(path: str | pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a path to write to, and puts what was written in the place of a file.

    If writing fails, the file stays as it was, and nothing else is left. Content and
    name are on the disk when the context ends, whatever happens to the power.

    Args:
      path: of the file.
    """
    path = pathlib.Path(path)
    partial = path.with_name(f"{path.name}.partial")
    try:
        yield partial
        flush(partial)
        os.replace(partial, path)
        flush(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: str | pathlib.Path, text: str) -> None:
    """Writes a file of UTF-8 text as `whole_file` does."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def make_folder(path: str | pathlib.Path) -> None:
    """Makes a folder and those above it where they are missing, on the disk too."""
    path = pathlib.Path(path).absolute()
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        flush(folder.parent)


def flush(path: pathlib.Path) -> None:
    """Waits until the content of a file, or the names in a folder, are on the disk."""
    if os.name == "nt" and path.is_dir():  # which cannot be opened there
        return
    file = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # no such thing there
            raise
    finally:
        os.close(file)


def read_text(path: str | pathlib.Path) -> bytes:
    """Reads the bytes of a text file, without a byte order mark.

    They are not decoded yet, so that `decoded` can name the line that is wrong.

    Raises:
      DataError: as `read_bytes` does.
    """
    return read_bytes(path).removeprefix(codecs.BOM_UTF8)


def decoded(line: bytes, path: object, number: int) -> str:
    """Decodes a line of UTF-8 text.

    Args:
      line: the bytes.
      path: the file, for the message.
      number: the line's number, for the message.

    Raises:
      DataError: it is not UTF-8. The message names the file and the line, and how to
        convert the file if its encoding can be guessed.
    """
    try:
        return line.decode()
    except UnicodeDecodeError:
        sentence = f"{path}, line {number}: not valid UTF-8"
        if encoding := _guess_encoding(line):
            sentence += (
                f"; if it is {encoding}, convert it: "
                f"iconv -f {encoding.lower()} -t utf-8 {path} > {path}.utf-8"
            )
        raise DataError(sentence) from None


def numbered_lines(
    path: str | pathlib.Path, longest: int = 1000
) -> list[tuple[int, str]]:
    """Reads the lines of UTF-8 text with their numbers.

    White space around a line is removed. Blank lines are among the results.

    Args:
      path: the file.
      longest: the largest number of characters in a line.

    Returns:
      (number, line) of each line; the first number is 1.

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
    """Reads UTF-8 text with one example on each line.

    White space around an example is removed, and blank lines are skipped.

    Args:
      path: the file.
      longest: the largest number of characters in an example.

    Returns:
      The examples in the file's order, at least one.

    Raises:
      DataError: as `numbered_lines` does.
    """
    return [line for _, line in numbered_lines(path, longest) if line]


def _guess_encoding(line: bytes) -> str | None:
    """Names the encoding that a line which is not UTF-8 may have, or None.

    UTF-16 begins with its byte order mark. Nearly any bytes are Windows-1252, but only
    in text are all of them characters to be printed; so is every Latin-1 text.
    """
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    try:
        text = line.decode("cp1252")
    except UnicodeDecodeError:
        return None
    printable = all(c.isprintable() or c.isspace() for c in text)
    return "Windows-1252" if printable else None
