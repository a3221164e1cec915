"""Checkpoints: a sealed file for each, flushed to the disk before the one it follows.

A file holds the arrays and what is said about the run; its digest is verified when it
is read, and a damaged one is passed over for the one before it, with a warning.
"""

import contextlib
import pathlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from seqjax import sealed
from seqjax.data.files import DataError
from seqjax.data.writing import flush, make_folder
from seqjax.sealed import Sealed

SUFFIX = ".safetensors"


class CheckpointError(RuntimeError):
    """A run cannot be resumed or begun; the message names the folder or the file."""


class Checkpoint(NamedTuple):
    """A sound checkpoint."""

    step: int
    about: dict[str, str]  # what was said of the run
    tree: Any  # the arrays; None where they were not asked for


class Checkpoints:
    """The checkpoints of one run.

    Args:
      folder: where they are; it is made when the first is written.
      keep: how many of the newest stay.
    """

    def __init__(self, folder: str | pathlib.Path, keep: int = 2):
        self.folder = pathlib.Path(folder).absolute()
        self._keep = keep

    def path(self, step: int) -> pathlib.Path:
        """Returns the file of a step."""
        return self.folder / f"{step}{SUFFIX}"

    def save(self, step: int, tree: Any, about: Mapping[str, str]) -> None:
        """Writes a tree of arrays and what is said of the run, under its step."""
        make_folder(self.folder)
        sealed.write(self.path(step), tree, about)
        for older in self.steps()[self._keep :]:
            self.path(older).unlink(missing_ok=True)

    def steps(self) -> list[int]:
        """Returns the steps that were saved, newest first."""
        names = [path.stem for path in self.folder.glob(f"*{SUFFIX}")]
        return sorted((int(name) for name in names if name.isdecimal()), reverse=True)

    def restore(self, like: Any, step: int | None = None) -> Checkpoint | None:
        """Reads the newest sound checkpoint; no file is changed.

        Args:
          like: a tree of the same structure, shapes and dtypes.
          step: of another checkpoint to read, which is sound.

        Returns:
          The checkpoint, or None where there is none.

        Raises:
          CheckpointError: there are checkpoints, but none is sound; or the newest sound
            one is of another tree, and the message says what differs.
        """
        found = (step, self.read(step)) if step else self.newest_sound(warnings.warn)
        if found is None:
            return None
        step, file = found
        try:
            return Checkpoint(step, file.text, sealed.restore(file, like))
        except DataError as error:
            raise CheckpointError(f"{error}: it is of another model") from None

    def newest(self) -> Checkpoint | None:
        """Returns the newest sound checkpoint, without its arrays or a warning."""
        found = self.newest_sound(lambda _: None)
        return Checkpoint(found[0], found[1].text, None) if found else None

    def sound(self) -> list[Checkpoint]:
        """Returns all that are sound, newest first, without their arrays.

        A warning says which are passed over.

        Raises:
          CheckpointError: there are checkpoints, but none is sound.
        """
        newest = self.newest_sound(warnings.warn)
        found = [Checkpoint(newest[0], newest[1].text, None)] if newest else []
        for step in self.steps():
            with contextlib.suppress(DataError):
                if found and step < found[0].step:
                    found.append(Checkpoint(step, self.read(step).text, None))
        return found

    def read(self, step: int) -> Sealed:
        """Reads the file of a step.

        Raises:
          DataError: it is missing or damaged, or the file of something else.
        """
        file = sealed.read(self.path(step))
        if file.text.get("step") != str(step):
            raise DataError(f"{file.path}: this is no checkpoint of step {step}")
        return file

    def delete_after(self, step: int) -> None:
        """Deletes the checkpoints of later steps, such as damaged ones."""
        later = [other for other in self.steps() if other > step]
        for other in later:
            self.path(other).unlink()
        if later:
            flush(self.folder)

    def newest_sound(self, warn: Callable[[str], None]) -> tuple[int, Sealed] | None:
        """Returns the newest sound checkpoint's step and file, or None.

        Args:
          warn: what to do with a sentence about each that is passed over.

        Raises:
          CheckpointError: there are checkpoints, but none is sound.
        """
        steps = self.steps()
        for step in steps:
            try:
                return step, self.read(step)
            except DataError as error:
                warn(f"passed over: {error}")
        if steps:
            raise CheckpointError(f"{self.folder}: no checkpoint is sound")
        return None


def newest_checkpoint(workdir: str | pathlib.Path) -> Checkpoint | None:
    """Returns what the newest sound checkpoint of a run says; no file is changed.

    Args:
      workdir: the folder that `fit` was given.

    Returns:
      Its step and what is said of the run, or None where there is no checkpoint.

    Raises:
      CheckpointError: there are checkpoints, but none is sound.
    """
    return Checkpoints(pathlib.Path(workdir) / "checkpoints").newest()


def done_steps(workdir: str | pathlib.Path) -> int:
    """Returns how many steps a run has done, as `newest_checkpoint` says; or 0."""
    found = newest_checkpoint(workdir)
    return found.step if found else 0
