"""The folder of a run: its name, what may be begun in it, who may write to it."""

import atexit
import contextlib
import datetime
import hashlib
import pathlib
import re
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from experiments.shared.begun import (
    difference,
    flags_of,
    is_only_begun,
    read_flags,
    refuse_begun,
    refuse_lost,
)
from experiments.shared.errors import UsageError, remember
from seqjax import train
from seqjax.train import processes


def run_folder(options: Any, task: str) -> pathlib.Path:
    """The folder of --workdir, or a new one below runs/; see `processes.folder`."""
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    return processes.folder(options.workdir or f"runs/{task}-{stamp}")


_held = contextlib.ExitStack()
atexit.register(_held.close)


def open_folder(folder: pathlib.Path) -> None:
    """Makes a folder, and keeps other processes out of it until this one ends.

    Raises:
      UsageError: it cannot be made, or another process has it.
    """
    try:
        _held.enter_context(train.locked(folder))
    except OSError as error:
        where, why = error.filename or folder, error.strerror or error
        raise UsageError(f"--workdir: {where}: {why}") from None
    except train.CheckpointError as error:
        raise UsageError(f"--workdir: {error}") from None
    remember(folder)


def open_for_several(folder: pathlib.Path, names: Iterable[str], options: Any) -> None:
    """Opens a folder for several runs, after each has been found able to begin.

    Args:
      folder: that holds theirs.
      names: of their folders in it.
      options: the values of the flags.

    Raises:
      UsageError: it holds runs that are not to go on, or cannot be made.
      CheckpointError: the checkpoints of one are gone.
    """
    refuse_begun(folder, getattr(options, "resume", False))
    for name in names:
        refuse_lost(folder / name, _interval(options))
    open_folder(folder)


def folder_name(variant: str) -> str:
    """The folder of one of several cells or seeds, such as lstm_coupled_True."""
    return re.sub(r"\W+", "_", variant).strip("_")


def data_digest(source: Any) -> str:
    """A digest of examples, by which a run that is resumed knows its data."""

    def of_array(array: np.ndarray) -> str:  # whose own repr leaves numbers out
        content = f"{array.dtype}{array.shape}".encode() + array.tobytes()
        return hashlib.sha256(content).hexdigest()

    with np.printoptions(override_repr=of_array):
        return hashlib.sha256(repr(source).encode()).hexdigest()


def check_folder(folder: pathlib.Path, options: Any, digest: str) -> None:
    """Refuses a folder that holds another run, or one that cannot go on like this.

    Raises:
      UsageError: names the flag.
      CheckpointError: its checkpoints are gone.
    """
    refuse_lost(folder, _interval(options))
    resume = getattr(options, "resume", False)
    asked = flags_of(options.flagfile_text, digest)
    if not resume and is_only_begun(folder, asked):
        return
    refuse_begun(folder, resume)
    if not resume:
        return
    begun = read_flags(folder)
    if begun.data != digest:
        raise UsageError(
            f"--resume: the run in {folder} was begun with other data, or another "
            f"version of it"
        )
    if other := difference(begun, asked):
        raise UsageError(f"--workdir: the run in {folder} is another one: {other}")
    if (done := train.done_steps(folder)) > options.steps:
        raise UsageError(
            f"--steps: the run in {folder} has done {done} steps already, more than "
            f"{options.steps}"
        )
    steps = f"--steps={options.steps}"
    before = [line for line in begun.lines if line.startswith("--steps=")]
    if "cosine" in options.schedule and before != [steps]:
        warnings.warn(
            f"{steps}: the learning rate of --schedule={options.schedule} ends there "
            f"from now on, where the run was begun with {', '.join(before)}",
            stacklevel=2,
        )


def _interval(options: Any) -> int:
    """Steps between checkpoints, if the experiment has any."""
    return getattr(options, "checkpoint_every", 1)
