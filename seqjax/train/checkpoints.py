"""Checkpoints: Orbax, behind one class, with a digest of every array.

Orbax writes to a temporary folder and renames it into place whole. It loads a
flipped bit without complaint, so a SHA-256 of each array is stored and verified, and
a damaged checkpoint is passed over for the one before it, with a warning.
"""

import functools
import hashlib
import pathlib
import warnings
from typing import Any

import jax
import numpy as np


class CheckpointError(RuntimeError):
    """A run cannot be resumed or begun; the message names the folder."""


class Checkpoints:
    """The checkpoints of one run, as a context.

    Args:
      folder: where they are; it is made if it does not exist.
      keep: how many of the newest stay.
    """

    def __init__(self, folder: str | pathlib.Path, keep: int = 2):
        self.folder = pathlib.Path(folder).absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._keep = keep

    @functools.cached_property
    def _manager(self) -> Any:
        """Orbax's manager, made when there is something to write or to read."""
        ocp = _orbax()
        options = ocp.CheckpointManagerOptions(
            max_to_keep=self._keep,
            enable_async_checkpointing=False,
            create=False,
            multiprocessing_options=_alone(),
        )
        return ocp.CheckpointManager(self.folder, options=options)

    def save(self, step: int, tree: Any) -> None:
        """Writes a tree of arrays under its step."""
        ocp = _orbax()
        digests = _digests(tree)
        tree = jax.tree.map(np.asarray, tree) if jax.process_count() > 1 else tree
        items = ocp.args.Composite(
            tree=ocp.args.StandardSave(tree), digests=ocp.args.JsonSave(digests)
        )
        self._manager.save(step, args=items)

    def steps(self) -> list[int]:
        """Returns the steps that were saved, newest first."""
        if "_manager" not in vars(self) and not any(self.folder.iterdir()):
            return []
        return sorted(self._manager.all_steps(), reverse=True)

    def restore(self, like: Any) -> Any | None:
        """Reads the newest sound checkpoint; no file is changed.

        Args:
          like: a tree of the same structure, shapes and dtypes.

        Returns:
          The tree, or None where there is no checkpoint.

        Raises:
          CheckpointError: there are checkpoints, but none is sound and like `like`.
        """
        for step in self.steps():
            try:
                return self._read(step, like)
            except Exception as error:  # Orbax raises many kinds
                reason = (str(error).splitlines() or [repr(error)])[0]
                path = self.folder / str(step)
                warnings.warn(f"passed over {path}: {reason}", stacklevel=2)
        if self.steps():
            raise CheckpointError(
                f"{self.folder}: no checkpoint is sound and of this model's shape"
            )
        return None

    def delete_after(self, step: int) -> None:
        """Deletes the checkpoints of later steps, such as damaged ones."""
        for later in self.steps():
            if later > step:
                self._manager.delete(later)

    def newest_sound_step(self) -> int | None:
        """Returns the step of the newest sound checkpoint of any shape, or None."""
        for step in self.steps():
            try:
                tree, stored = self._load(step, self._shapes(step))
            except Exception:  # as in `restore`
                continue
            # Without the classes of the tree the names of its leaves are others.
            if sorted(stored.values()) == sorted(_digests(tree).values()):
                return step
        return None

    def _shapes(self, step: int) -> Any:
        """Returns what a checkpoint says it holds, to be read on the first device."""
        from etils import epath  # Orbax's own paths

        ocp = _orbax()
        folder = epath.Path(self.folder / str(step) / "tree")
        place = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
        return jax.tree.map(
            lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=place),
            ocp.StandardCheckpointHandler().metadata(folder).tree,
        )

    def _load(self, step: int, abstract: Any) -> tuple[Any, dict[str, str]]:
        """Returns the tree and the digests that were stored with it."""
        ocp = _orbax()
        items = ocp.args.Composite(
            tree=ocp.args.StandardRestore(abstract), digests=ocp.args.JsonRestore()
        )
        restored = self._manager.restore(step, args=items)
        return restored["tree"], restored["digests"]

    def _read(self, step: int, like: Any) -> Any:
        abstract = jax.tree.map(_orbax().utils.to_shape_dtype_struct, like)
        tree, stored = self._load(step, abstract)
        actual = _digests(tree)
        for name, digest in stored.items():
            if actual.get(name) != digest:
                raise ValueError(f"the digest of {name} does not match")
        return tree

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *_) -> None:
        if "_manager" in vars(self):
            self._manager.close()


def done_steps(workdir: str | pathlib.Path) -> int:
    """Returns how many steps a run has done; no file is changed.

    Args:
      workdir: the folder that `fit` was given.

    Returns:
      The step of the newest sound checkpoint, or 0 where there is no checkpoint.

    Raises:
      CheckpointError: there are checkpoints, but none is sound.
    """
    folder = pathlib.Path(workdir) / "checkpoints"
    if not folder.is_dir():
        return 0
    with Checkpoints(folder) as checkpoints:
        step = checkpoints.newest_sound_step()
        if step is None and checkpoints.steps():
            raise CheckpointError(f"{folder}: no checkpoint is sound")
    return step or 0


def _orbax() -> Any:
    """Imports Orbax, which takes half a second, when something is written or read."""
    import orbax.checkpoint

    return orbax.checkpoint


def _alone() -> Any:
    """Makes Orbax wait for no other process: the first alone writes and reads."""
    ocp = _orbax()
    if jax.process_count() == 1:
        return ocp.options.MultiprocessingOptions()
    return ocp.options.MultiprocessingOptions(
        primary_host=0, active_processes={0}, barrier_sync_key_prefix="first"
    )


def _digests(tree: Any) -> dict[str, str]:
    """Returns the SHA-256 of each array by its path in the tree."""

    def digest(leaf):
        return hashlib.sha256(np.asarray(leaf).tobytes()).hexdigest()

    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path): digest(leaf) for path, leaf in leaves}
