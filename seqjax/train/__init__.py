"""Training: one loop for every experiment."""

from seqjax.devices import data_parallel, use_every_core
from seqjax.train.averaging import averaged, with_average
from seqjax.train.checkpoints import (
    SUFFIX,
    Checkpoint,
    CheckpointError,
    Checkpoints,
    done_steps,
    newest_checkpoint,
)
from seqjax.train.compilation_cache import use_compilation_cache
from seqjax.train.locking import locked
from seqjax.train.lockstep import in_lockstep
from seqjax.train.loop import fit
from seqjax.train.nonfinite import NonFinite
from seqjax.train.optimizer import (
    OPTIMIZERS,
    SCHEDULES,
    Times,
    make_optimizer,
)
from seqjax.train.processes import PeerLost
from seqjax.train.resuming import refuse_lost
from seqjax.train.signals import Interrupted
from seqjax.train.task import Task, TrainConfig, TrainResult
from seqjax.train.truncation import truncated_loss

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "SUFFIX",
    "Checkpoint",
    "CheckpointError",
    "Checkpoints",
    "Interrupted",
    "NonFinite",
    "PeerLost",
    "Task",
    "Times",
    "TrainConfig",
    "TrainResult",
    "averaged",
    "data_parallel",
    "done_steps",
    "fit",
    "in_lockstep",
    "locked",
    "make_optimizer",
    "newest_checkpoint",
    "refuse_lost",
    "truncated_loss",
    "use_compilation_cache",
    "use_every_core",
    "with_average",
]
