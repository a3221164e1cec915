"""What a run goes on with, and what its bits depend on."""

import pathlib
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax

from seqjax.train import lockstep
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
        "lockstep": str(lockstep.count()),  # runs
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
    config: TrainConfig,
) -> tuple[tuple[Any, Any], Mark]:
    """Returns the newest sound checkpoint's state and best, and changes no file.

    Of runs in lockstep it is the newest that all of them have, so that each goes on in
    the company that it would have been in, and ends with the same bits.

    Args:
      checkpoints: of the run.
      begin: the state and the best of a new run.
      resume: whether there may be checkpoints.
      about: the `circumstances` of now; a warning says where others are stored.
      config: of the run.

    Returns:
      The state and the best, and how far metrics.jsonl had come with them.

    Raises:
      CheckpointError: there are checkpoints, though there may be none; none is sound,
        or the newest is of another model.
    """
    if not resume and checkpoints.steps():
        raise CheckpointError(
            f"{checkpoints.folder} belongs to another run; resume it, or name "
            f"another folder"
        )
    step = _shared(checkpoints, config) if lockstep.count() > 1 else None
    found = None if step == 0 else checkpoints.restore(as_tree(*begin), step)
    if found is None:
        return begin, EMPTY
    for name in circumstances(TrainConfig(1)):
        if found.about.get(name, about[name]) != about[name]:
            warnings.warn(
                f"{name}: {found.about.get(name)} until now, {about[name]} from now "
                f"on: the run goes on to rounding as it would have, not bit by bit",
                stacklevel=3,
            )
    tree = found.tree
    return (tree["state"], tree["best"]), Mark.parse(found.about["metrics"])


class _Offer(NamedTuple):
    """Where a run can go on from."""

    newest: int
    steps: set[int]  # all of them
    stopped: bool  # whether a signal has had the newest written


def _shared(checkpoints: Checkpoints, config: TrainConfig) -> int:
    """Returns the step that all runs in lockstep go on from, or this run's newest.

    A process may be killed between two runs' saves; then one goes back to where the
    others are. That is never farther than to the checkpoint before the newest, or to
    the beginning if that is the first.
    """
    found = checkpoints.sound()
    newest = found[0].step if found else 0
    if newest > config.steps:  # which `fit` refuses
        return newest
    steps = {one.step for one in found}
    if newest <= config.checkpoint_every:
        steps.add(0)
    stopped = bool(found and found[0].about.get("signal"))
    offers = lockstep.from_all(_Offer(newest, steps, stopped))
    shared = set.intersection(*(offer.steps for offer in offers))
    at = sorted({offer.newest for offer in offers})
    # Where a signal has stopped each by itself, to go back would be to get nowhere.
    if len(at) > 1 and (not shared or all(offer.stopped for offer in offers)):
        warnings.warn(
            f"the runs side by side are at steps {', '.join(map(str, at))}: they go on "
            f"to rounding as they would have, not bit by bit",
            stacklevel=1,
        )
        return newest
    return max(shared)


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
