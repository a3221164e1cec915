"""A power cut: what was written but not flushed is lost or torn, renames are kept."""

import contextlib
import os
import pathlib
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple
from unittest import mock

import jax
import numpy as np
import training

from seqjax.train import Checkpoints, done_steps
from seqjax.train.log import Log

STEPS = 40


class Cuts(NamedTuple):
    """What became of a run after each power cut."""

    cut: int  # how many there were
    lost: list[str]  # cuts after which a flushed checkpoint was not there, or not sound
    different: list[str]  # cuts after which the run did not go on as it would have


class Disk:
    """What is on a disk, as far as it is known from what was flushed.

    Attributes:
      images: of a folder, at each moment at which something was written: the newest
        checkpoint that was then said to be saved, and the files' contents.
    """

    def __init__(self, folder: pathlib.Path, rng: np.random.Generator):
        self.images: list[tuple[int, dict[pathlib.Path, bytes]]] = []
        self._folder, self._rng = folder, rng
        self._flushed: dict[int, bytes] = {}
        self._saved = 0

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Takes an image before and after each flush, rename, and line of metrics."""
        fsync, replace, write, save = os.fsync, os.replace, Log.write, Checkpoints.save

        def flushing(file: int) -> None:
            self._take()
            fsync(file)
            path = pathlib.Path(os.readlink(f"/proc/self/fd/{file}"))
            if path.is_file():
                self._flushed[path.stat().st_ino] = path.read_bytes()
            self._take()

        def renaming(source: Any, target: Any) -> None:
            self._take()
            replace(source, target)
            self._take()

        def writing(log: Log, step: int, **numbers: float) -> None:
            write(log, step, **numbers)
            self._take()

        def saving(checkpoints: Checkpoints, step: int, *arguments: Any) -> None:
            save(checkpoints, step, *arguments)
            self._saved = step

        patched = mock.patch.object
        with (
            patched(os, "fsync", flushing),
            patched(os, "replace", renaming),
            patched(Log, "write", writing),
            patched(Checkpoints, "save", saving),
        ):
            yield

    def _take(self) -> None:
        paths = [path for path in self._folder.rglob("*") if path.is_file()]
        image = {path.relative_to(self._folder): self._kept(path) for path in paths}
        self.images.append((self._saved, image))

    def _kept(self, path: pathlib.Path) -> bytes:
        """What a cut leaves of a file: what was flushed, and of the rest some."""
        content = path.read_bytes()
        flushed = self._flushed.get(path.stat().st_ino, b"")
        if content == flushed:
            return content
        start = len(flushed) if content.startswith(flushed) else 0
        end = int(self._rng.integers(start, len(content) + 1))
        rest = content[start:end]
        return content[:start] + (
            rest if self._rng.random() < 0.5 else bytes(len(rest))
        )


def cut(seed: int, times: int, folder: pathlib.Path) -> Cuts:
    """Trains a small task, and goes on from what random power cuts have left.

    Args:
      seed: of the moments, and of what is torn.
      times: how many cuts; each is of the run itself or of one that went on.
      folder: an empty one.
    """
    rng = np.random.default_rng(seed)
    whole, images = _watched(folder / "whole", rng, resume=False)
    lost, different = [], []
    for number in range(times):
        saved, image = images[rng.integers(len(images))]
        run = folder / str(number)
        for path, content in image.items():
            (run / path).parent.mkdir(parents=True, exist_ok=True)
            (run / path).write_bytes(content)
        if done_steps(run) < saved:
            lost.append(f"{number}: {done_steps(run)} steps, where {saved} were saved")
        with warnings.catch_warnings():  # that a run begins anew
            warnings.simplefilter("ignore")
            result, more = _watched(run, rng, resume=True)
        images.extend(more)
        alike = jax.tree.map(np.array_equal, result.params, whole.params)
        if not all(jax.tree.leaves(alike)) or result.history != whole.history:
            different.append(f"{number}: after {saved} steps")
    return Cuts(times, lost, different)


def _watched(folder: pathlib.Path, rng: np.random.Generator, resume: bool):
    disk = Disk(folder, rng)
    folder.mkdir(exist_ok=True)
    for path in folder.rglob("*"):  # the machine has begun anew: all of it is flushed
        if path.is_file():
            disk._flushed[path.stat().st_ino] = path.read_bytes()
    disk._saved = done_steps(folder)
    with disk.watched():
        result = training.run(folder, STEPS, resume=resume)
    return result, disk.images
