"""Reading files; what is wrong with one is one sentence that names it.

A file is read whole, and what a pipe brings up to `PIPED` bytes; nothing else is read,
for a device may never end. What cannot fit into memory is refused before it is read.
"""

import codecs
import os
import pathlib
import select
import stat
from typing import Any

from seqjax import memory
from seqjax.data.quoting import shown

PIPED = 2**26  # bytes that are read of a pipe
PATIENCE = 30.0  # seconds for which a pipe may bring nothing
_ROW = 256  # bytes that a short line takes as an object of Python, beside its text
_CHARACTER = 5  # bytes that a character may take while it is read
_SMALL = 2**24  # bytes that fit anywhere


class DataError(ValueError):
    """Data that cannot be used; the message names the file, and the line if any."""


def read_bytes(path: str | pathlib.Path) -> bytes:
    """Reads a whole file, or a pipe of at most `PIPED` bytes.

    Raises:
      DataError: there is no such file, it cannot be read, it is a device, it is larger
        than the memory, or a pipe brings too much, or nothing for `PATIENCE` seconds.
    """
    try:
        with open(path, "rb", buffering=0, opener=_without_waiting) as file:
            found = os.fstat(file.fileno())
            if stat.S_ISREG(found.st_mode) and found.st_size:
                check_fits(found.st_size, path)
                return file.read()
            if stat.S_ISREG(found.st_mode) or stat.S_ISFIFO(found.st_mode):
                return _piped(file, path)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:  # a null character in the path
        if isinstance(error, DataError):
            raise
        raise DataError(f"{shown(str(path))}: {error}") from None
    except MemoryError:
        raise DataError(f"{path}: this file does not fit into memory") from None
    raise DataError(f"{path}: neither a file nor a pipe")


def check_fits(size: float, path: object, what: str = "it") -> None:
    """Raises DataError if something of a file is larger than the memory there is.

    Args:
      size: in bytes.
      path: the file, for the message.
      what: would take so many bytes.
    """
    if size > _SMALL and size > (free := memory.available()):
        raise DataError(
            f"{path}: {what} would take {memory.readable(size)} of memory, where "
            f"{memory.readable(free)} are free"
        )


def is_file(path: str | pathlib.Path) -> bool:
    """Whether a path is that of a file; of a name that cannot be, it is not."""
    return os.path.isfile(path)


def is_folder(path: str | pathlib.Path) -> bool:
    """Whether a path is that of a folder; of a name that cannot be, it is not."""
    return os.path.isdir(path)


def entries(folder: str | pathlib.Path) -> list[pathlib.Path]:
    """Returns what is in a folder, sorted.

    Raises:
      DataError: there is no such folder, or it cannot be looked into.
    """
    try:
        return sorted(pathlib.Path(folder).iterdir())
    except OSError as error:
        raise DataError(f"{folder}: {error.strerror or error}") from None


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
      DataError: it is not UTF-8, or holds a null character, which no text does. The
        message names the file and the line, and how to convert the file if its
        encoding can be guessed.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError:
        sentence = f"{path}, line {number}: not valid UTF-8"
        if encoding := _guess_encoding(line):
            sentence += (
                f"; if it is {encoding}, convert it: "
                f"iconv -f {encoding.lower()} -t utf-8 {path} > {path}.utf-8"
            )
        raise DataError(sentence) from None
    if "\0" in text:
        raise DataError(f"{path}, line {number}: a null character, so this is no text")
    return text


def decoded_lines(raw: bytes, path: object) -> list[str]:
    """Decodes UTF-8 text, and splits it at its line feeds alone.

    Args:
      raw: the bytes, of which a line feed at the end is left out.
      path: the file, for messages.

    Raises:
      DataError: as `decoded` does, or the lines would not fit into memory.
    """
    raw = raw.removesuffix(b"\n")
    count = 1 + raw.count(b"\n")
    check_fits(_CHARACTER * len(raw) + _ROW * count, path, f"its {count} lines")
    return [decoded(line, path, i) for i, line in enumerate(raw.split(b"\n"), 1)]


def numbered_lines(
    path: str | pathlib.Path, longest: int = 1000, strip: str | None = None
) -> list[tuple[int, str]]:
    """Reads the lines of UTF-8 text with their numbers.

    White space around a line is removed. Blank lines are among the results.

    Args:
      path: the file.
      longest: the largest number of characters in a line.
      strip: the characters to remove around a line, if not all white space.

    Returns:
      (number, line) of each line; the first number is 1.

    Raises:
      DataError: the file is missing, a directory or blank, or a line is not UTF-8 or
        too long.
    """
    lines = [line.strip(strip) for line in decoded_lines(read_text(path), path)]
    for number, line in enumerate(lines, 1):
        if len(line) > longest:
            raise DataError(
                f"{path}, line {number}: {len(line)} characters, where a line may have "
                f"{longest}"
            )
    if not any(map(str.strip, lines)):
        raise DataError(f"{path}: no example in it, only blank lines or nothing")
    return list(enumerate(lines, 1))


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


def _without_waiting(path: str, flags: int) -> int:
    """Opens a file; a pipe without a writer is no reason to wait."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _piped(file: Any, path: object) -> bytes:
    """Reads a pipe to its end, or a file whose size nobody knows (of /proc)."""
    content, wait = bytearray(), None
    if stat.S_ISFIFO(os.fstat(file.fileno()).st_mode) and hasattr(select, "poll"):
        wait = select.poll()
        wait.register(file, select.POLLIN)
    while True:
        if wait and not wait.poll(1000 * PATIENCE):
            raise DataError(f"{path}: a pipe that brings nothing for {PATIENCE:g} s")
        chunk = file.read(2**20)
        if not chunk:
            return bytes(content)
        content += chunk
        if len(content) > PIPED:
            raise DataError(
                f"{path}: a pipe may bring {memory.readable(PIPED)}; write more into a "
                f"file"
            )
