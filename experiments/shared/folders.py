"""The folder of a run: its name, what may be begun in it, its files."""

import datetime
import hashlib
import pathlib
import re
from typing import Any

import numpy as np

from experiments.shared.errors import UsageError
from seqjax import train
from seqjax.data.files import whole_file
from seqjax.train import processes


def run_folder(options: Any, task: str) -> pathlib.Path:
    """The folder of --workdir, or a new one below runs/; see `processes.folder`."""
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    return processes.folder(options.workdir or f"runs/{task}-{stamp}")


def folder_name(variant: str) -> str:
    """The folder of one of several cells or seeds, such as lstm_coupled_True."""
    return re.sub(r"\W+", "_", variant).strip("_")


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a file whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def data_digest(source: Any) -> str:
    """A digest of examples, by which a run that is resumed knows its data."""

    def of_array(array: np.ndarray) -> str:  # whose own repr leaves numbers out
        content = f"{array.dtype}{array.shape}".encode() + array.tobytes()
        return hashlib.sha256(content).hexdigest()

    with np.printoptions(override_repr=of_array):
        return hashlib.sha256(repr(source).encode()).hexdigest() + "\n"


def check_folder(folder: pathlib.Path, options: Any, digest: str) -> None:
    """Refuses a folder that holds another run, or one that cannot go on like this.

    Raises:
      UsageError: names the flag.
    """
    resume = getattr(options, "resume", False)
    if not resume and (folder / "flags.txt").exists():
        raise UsageError(
            f"--workdir: {folder} holds a run already; go on with it by --resume, or "
            f"name another folder"
        )
    stored = folder / "data.sha256"
    if resume and stored.exists() and stored.read_text() != digest:
        raise UsageError(
            f"--resume: the run in {folder} was begun with other data, or another "
            f"version of it"
        )
    if resume and (done := train.done_steps(folder)) > options.steps:
        raise UsageError(
            f"--steps: the run in {folder} has done {done} steps already, more than "
            f"{options.steps}"
        )
