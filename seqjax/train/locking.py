"""One process at a time in the folder of a run."""

import contextlib
import pathlib
from collections.abc import Iterator

import filelock

from seqjax.data.writing import make_folder
from seqjax.train.checkpoints import CheckpointError


@contextlib.contextmanager
def locked(folder: str | pathlib.Path) -> Iterator[None]:
    """Keeps other processes and threads out of a folder, by the file .lock in it.

    The system gives the lock back when the process ends, however it does. A thread that
    has it may take it again.

    Args:
      folder: made if it is missing.

    Raises:
      CheckpointError: another has it.
    """
    make_folder(folder)
    lock = filelock.FileLock(
        pathlib.Path(folder).absolute() / ".lock",
        blocking=False,
        is_singleton=True,  # so that it can be taken again
        preserve_lock_file=True,
    )
    try:
        lock.acquire()
    except filelock.Timeout:
        raise CheckpointError(
            f"{folder}: another process is training in this folder"
        ) from None
    try:
        yield
    finally:
        lock.release()
