"""What is trained, how long, and what comes out of it."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Protocol

import jax
import optax

from seqjax.metrics import Mean

Array = jax.Array


class Data(Protocol):
    """Batches whose order is a function of the step; see `seqjax.data.Batches`."""

    def run_length(self, step: int, most: int) -> int:
        """Returns how many steps from `step` on have batches of one shape.

        Args:
          step: the first step.
          most: the largest number to return.
        """
        ...

    def stacked(self, step: int, count: int) -> Any:
        """Returns the batches of `count` steps from `step` on; leaves [count, ...]."""
        ...


class Task(NamedTuple):
    """What is trained.

    Attributes:
      loss: a function of (params, batch, key, recurrent_state) that returns
        (objective, tokens, recurrent_state): a `Mean` to minimise, the number of
        tokens it is about, and what the next step's loss receives.
      evaluate: a function from parameters to scores by name. The loop keeps the
        parameters whose first score is lowest.
      data: the batches. Each is split over the devices where that pays.
      optimizer: the update rule, from `make_optimizer`.
      trainable: a tree of booleans like the parameters. Where it is False, the
        gradient is zero and is not computed. None means that all are trained.
      recurrent_state: arrays that the first step's loss receives, such as the state
        of a layer that goes on in the next piece of a text.
      unit: the unit of the reported loss, such as "nats per letter".
      loss_per: what the reported loss is divided by: "token" divides the objective's
        total by the number of tokens, "sequence" by the objective's own weight.
    """

    loss: Callable[[Any, Any, Array, Any], tuple[Mean, Array, Any]]
    evaluate: Callable[[Any], dict[str, float]]
    data: Data
    optimizer: optax.GradientTransformation
    trainable: Any = None
    recurrent_state: Any = ()
    unit: str = ""
    loss_per: Literal["token", "sequence"] = "token"


class TrainConfig(NamedTuple):
    """How long to train, and what to do now and then.

    Attributes:
      steps: the number of steps in all, those before a resumption included.
      eval_every: steps between evaluations. There is one at the end, too.
      checkpoint_every: steps between checkpoints. There is one at the end, too.
      per_dispatch: the largest number of steps in one call of the compiled program.
      average: the decay β of an exponential moving average of the parameters, which
        is evaluated in their place; 0 for none. See `seqjax.train.averaging`.
      spread: whether each batch is split over the devices where that pays. Sums are
        then taken in another order, so results are equal bit by bit for equal numbers
        of devices alone. In 100 steps of `experiments.names` with 32 units, losses on
        two and on three cores were within 1.1e-7 and 2.1e-7 of those on one, gradient
        norms within 5.2e-7 and 9.7e-7. See `seqjax.devices`.
      mesh: over how many devices each batch is split in any case, counted over all
        processes; 0 leaves that to `spread`. Where a batch's rows cannot be shared
        equally, the last devices have fewer, and the result is the same.
      skip_nonfinite: how many steps in a row may have a loss or a gradient that is not
        finite. They change nothing and are counted, and one more stops the run.
    """

    steps: int
    eval_every: int = 100
    checkpoint_every: int = 500
    per_dispatch: int = 16
    average: float = 0.0
    spread: bool = True
    mesh: int = 0
    skip_nonfinite: int = 0


class TrainResult(NamedTuple):
    """A finished run."""

    params: Any  # the best ones
    step: int  # the step after which they were evaluated
    scores: dict[str, float]  # their evaluation
    history: list[dict[str, Any]]  # the lines of metrics.jsonl
    seconds: float  # of this call, compilation and evaluation included
    tokens_per_second: float  # of training alone, after compilation
    steps_run: int  # by this call; 0 where the run had been complete before


def check(task: Task, config: TrainConfig) -> None:
    """Refuses settings that no run can have.

    Raises:
      ValueError: a number is out of its range, or `loss_per` is unknown.
    """
    for name in ("eval_every", "checkpoint_every", "per_dispatch"):
        if getattr(config, name) < 1:
            raise ValueError(f"{name} must be at least 1, not {getattr(config, name)}")
    if config.steps < 0:
        raise ValueError(f"steps must be at least 0, not {config.steps}")
    for name in ("mesh", "skip_nonfinite"):
        if getattr(config, name) < 0:
            raise ValueError(f"{name} must be at least 0, not {getattr(config, name)}")
    if not 0 <= config.average < 1:
        raise ValueError(f"average must be in [0, 1), not {config.average}")
    if task.loss_per not in ("token", "sequence"):
        raise ValueError(
            f"loss_per must be 'token' or 'sequence', not {task.loss_per!r}"
        )
