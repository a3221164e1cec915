"""Checkpoints: Orbax, behind one class, with a digest of every array.

Orbax writes to a temporary folder and renames it into place whole. It loads a
flipped bit without complaint, so a SHA-256 of each array is stored and verified, and
a damaged checkpoint is passed over for the one before it, with a warning.
"""

import hashlib
import pathlib
import warnings
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp


class CheckpointError(RuntimeError):
    """A run cannot be resumed; the message names the folder."""


class Checkpoints:
    """The checkpoints of one run, a context manager; the newest `keep` stay."""

    def __init__(self, folder: str | pathlib.Path, keep: int = 2):
        options = ocp.CheckpointManagerOptions(
            max_to_keep=keep, enable_async_checkpointing=False
        )
        self.folder = pathlib.Path(folder).absolute()
        self._manager = ocp.CheckpointManager(self.folder, options=options)

    def save(self, step: int, tree: Any) -> None:
        """Writes a tree of arrays under its step."""
        items = ocp.args.Composite(
            tree=ocp.args.StandardSave(tree), digests=ocp.args.JsonSave(_digests(tree))
        )
        self._manager.save(step, args=items)

    def steps(self) -> list[int]:
        """The steps that were saved, newest first."""
        return sorted(self._manager.all_steps(), reverse=True)

    def restore(self, like: Any) -> Any | None:
        """Reads the newest sound checkpoint, and removes the damaged ones after it.

        Args:
          like: a tree of the same structure, shapes and dtypes.

        Returns:
          The tree, or None where there is no checkpoint.

        Raises:
          CheckpointError: there are checkpoints, but none is sound or like `like`.
        """
        damaged = []
        for step in self.steps():
            try:
                tree = self._read(step, like)
            except Exception as error:  # Orbax raises many kinds
                reason = str(error).splitlines()[0]
                path = self.folder / str(step)
                warnings.warn(f"passed over {path}: {reason}", stacklevel=2)
                damaged.append(step)
                continue
            for later in damaged:
                self._manager.delete(later)
            return tree
        if damaged:
            raise CheckpointError(
                f"{self.folder}: no checkpoint is sound and of this model's shape"
            )
        return None

    def _read(self, step: int, like: Any) -> Any:
        abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, like)
        items = ocp.args.Composite(
            tree=ocp.args.StandardRestore(abstract), digests=ocp.args.JsonRestore()
        )
        restored = self._manager.restore(step, args=items)
        found = _digests(restored["tree"])
        for name, digest in restored["digests"].items():
            if found.get(name) != digest:
                raise ValueError(f"the digest of {name} does not match")
        return restored["tree"]

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *_) -> None:
        self._manager.close()


def _digests(tree: Any) -> dict[str, str]:
    def digest(leaf):
        return hashlib.sha256(np.asarray(leaf).tobytes()).hexdigest()

    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path): digest(leaf) for path, leaf in leaves}
