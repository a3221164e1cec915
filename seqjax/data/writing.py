"""Writing files whole or not at all, and on the disk before they count."""

import contextlib
import errno
import os
import pathlib
from collections.abc import Iterator


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
