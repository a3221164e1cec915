"""Training: one loop for every experiment."""

from seqjax.train.checkpoints import CheckpointError, Checkpoints
from seqjax.train.devices import spread, use_every_core
from seqjax.train.loop import Interrupted, NonFinite, Task, TrainResult, fit
from seqjax.train.optimizer import OPTIMIZERS, SCHEDULES, Times, make_optimizer

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "CheckpointError",
    "Checkpoints",
    "TrainResult",
    "Interrupted",
    "NonFinite",
    "Task",
    "Times",
    "fit",
    "make_optimizer",
    "spread",
    "use_every_core",
]
