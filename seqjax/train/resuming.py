"""What a run goes on with, and what its bits depend on."""

import pathlib
import warnings
from collections.abc import Mapping
from typing import Any

import jax

from seqjax.train.checkpoints import CheckpointError, Checkpoints
from seqjax.train.log import EMPTY, Mark, last_step
from seqjax.train.task import TrainConfig
from seqjax.version import __version__


def circumstances(config: TrainConfig) -> dict[str, str]:
    """Returns what a run's bits depend on beside its own settings."""
    alone = jax.process_count()  # a device each
    return {
        "devices": str(jax.device_count() if config.spread else alone),
        "mesh": str(config.mesh),
        "platform": jax.default_backend(),
        "jax": jax.__version__,
        "seqjax": __version__,
    }


def as_tree(state: Any, best: Any) -> dict[str, Any]:
    """Returns what a checkpoint holds, by names that a reader of the file sees."""
    return {"state": state, "best": best}


def restore(
    checkpoints: Checkpoints,
    begin: tuple[Any, Any],
    resume: bool,
    about: Mapping[str, str],
) -> tuple[tuple[Any, Any], Mark]:
    """Returns the newest sound checkpoint's state and best, and changes no file.

    Args:
      checkpoints: of the run.
      begin: the state and the best of a new run.
      resume: whether there may be checkpoints.
      about: the `circumstances` of now; a warning says where others are stored.

    Returns:
      The state and the best, and how far metrics.jsonl had come with them.

    Raises:
      CheckpointError: there are checkpoints, though there may be none; none is sound,
        or the newest is of another model.
    """
    if not resume:
        if checkpoints.steps():
            raise CheckpointError(
                f"{checkpoints.folder} belongs to another run; resume it, or name "
                f"another folder"
            )
        return begin, EMPTY
    found = checkpoints.restore(as_tree(*begin))
    if found is None:
        return begin, EMPTY
    for name in circumstances(TrainConfig(1)):
        if found.about.get(name) != about[name]:
            warnings.warn(
                f"{name}: {found.about.get(name)} until now, {about[name]} from now "
                f"on: the run goes on to rounding as it would have, not bit by bit",
                stacklevel=3,
            )
    tree = found.tree
    return (tree["state"], tree["best"]), Mark.parse(found.about["metrics"])


def refuse_lost(workdir: str | pathlib.Path, checkpoint_every: int) -> int:
    """Refuses to begin anew a run whose checkpoints are gone, since its log would be.

    A line beyond the first checkpoint is written once that is on the disk.

    Args:
      workdir: the folder that `fit` is given.
      checkpoint_every: steps between checkpoints.

    Returns:
      How many steps are done anew, where the run was stopped before its first
      checkpoint.

    Raises:
      CheckpointError: metrics.jsonl has such a line, and there is no checkpoint.
    """
    folder = pathlib.Path(workdir)
    if Checkpoints(folder / "checkpoints").steps():
        return 0
    done = last_step(folder / "metrics.jsonl")
    if done > checkpoint_every:
        raise CheckpointError(
            f"{folder}: its checkpoints are gone, though metrics.jsonl has {done} "
            f"steps; put them back, name another folder, or delete metrics.jsonl to "
            f"begin anew"
        )
    return done
