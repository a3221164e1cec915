"""The one training loop.

The random key of a step and its data are functions of the step's number, so a resumed
run repeats an uninterrupted one bit by bit on as many devices, and to rounding on any
other number. Nothing is written before it is certain that the run can go on.
"""

import contextlib
import math
import pathlib
import types
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from seqjax import devices
from seqjax.metrics import Mean
from seqjax.train import dispatch, lockstep, processes, skipping
from seqjax.train.averaging import averaged, with_average
from seqjax.train.checkpoints import CheckpointError, Checkpoints
from seqjax.train.locking import locked
from seqjax.train.log import Log, read, sound_part
from seqjax.train.nonfinite import NonFinite
from seqjax.train.progress import Clock, Progress
from seqjax.train.resuming import as_tree, circumstances, refuse_lost, restore
from seqjax.train.signals import Interrupted, Signals
from seqjax.train.step import State, StepMetrics, only_trainable
from seqjax.train.task import Task, TrainConfig, TrainResult, check

Array = jax.Array


class Best(NamedTuple):
    """The parameters that evaluated best."""

    score: Array  # [], infinite before the first evaluation
    step: Array  # []
    params: Any


class _Session(NamedTuple):
    """What the loop writes to and listens to."""

    about: dict[str, str]
    checkpoints: Checkpoints
    log: Log
    progress: Progress
    clock: Clock
    signals: Signals


def fit(
    task: Task,
    params: Any,
    workdir: str | pathlib.Path,
    key: Array,
    config: TrainConfig,
    *,
    resume: bool = False,
    quiet: bool = False,
    about: Mapping[str, str] = types.MappingProxyType({}),
) -> TrainResult:
    """Trains, evaluates, and keeps checkpoints and metrics in `workdir`.

    Args:
      task: what is trained.
      params: the parameters to begin with.
      workdir: the folder of metrics.jsonl and checkpoints/.
      key: the key of all random numbers of the run.
      config: how long to train, and what to do now and then.
      resume: whether to begin with the newest sound checkpoint in `workdir`, if there
        is one. If that has done all steps, no file is touched.
      quiet: whether to show no progress.
      about: what each checkpoint says of the run, beside its versions and devices.

    Returns:
      The best parameters, their scores, and the history.

    Raises:
      ValueError: a number of the config is out of its range.
      NonFinite: a loss, a gradient or a score was not finite. The last good checkpoint
        stays.
      CheckpointError: a new run would mix with an old one's checkpoints, or with the
        metrics of one whose checkpoints are gone; none of the checkpoints is sound or
        the newest is of another model; the run has done more steps than it is asked
        for; or another process trains in the folder.
      DataError: metrics.jsonl is not what the checkpoint has the digest of.
      Interrupted: a signal came. A checkpoint was written before.
      PeerLost: one of several processes that train together has ended.
    """
    check(task, config)
    workdir, clock = processes.folder(workdir), Clock()
    state, best, task = _prepare(task, params, config)
    with contextlib.ExitStack() as stack:
        stack.enter_context(processes.peers())
        signals = stack.enter_context(Signals())
        stack.enter_context(locked(workdir))
        checkpoints = Checkpoints(workdir / "checkpoints")
        if again := refuse_lost(workdir, config.checkpoint_every):
            warnings.warn(
                f"{workdir}: stopped at step {again}, before its first checkpoint; the "
                f"run begins anew",
                stacklevel=2,
            )
        about = {**about, **circumstances(config)}
        tree, mark = restore(checkpoints, (state, best), resume, about, config)
        state, best = processes.from_first(tree)
        done, steps = int(state.step), config.steps
        if done > steps:
            raise CheckpointError(
                f"{workdir}: the run has done {done} steps already; ask for at least "
                f"as many, not {steps}"
            )
        if done < steps:
            kept = sound_part(workdir / "metrics.jsonl", mark)
            checkpoints.delete_after(done)  # first, for they have marks farther on
            log = stack.enter_context(Log(workdir / "metrics.jsonl", kept))
            shown = Progress(steps, done, task.unit, quiet or not processes.is_first())
            progress = stack.enter_context(shown)
            session = _Session(about, checkpoints, log, progress, clock, signals)
            best = _train(task, key, state, best, config, session)
        else:  # the run may have stopped before it was evaluated here
            sound_part(workdir / "metrics.jsonl", mark)
            best, _ = _evaluate(task, state, best)
        _stop_if_asked(signals, steps)
        scores = task.evaluate(best.params)
        _stop_if_asked(signals, steps)
    lines = [line for line in read(workdir / "metrics.jsonl") if line["step"] <= steps]
    return TrainResult(
        best.params,
        int(best.step),
        scores,
        lines,
        clock.seconds(),
        clock.tokens_per_second,
        steps - done,
    )


def _prepare(task: Task, params: Any, config: TrainConfig) -> tuple[State, Best, Task]:
    """Returns what a new run begins with, and the task as the steps need it."""
    # An array of a weak type would change its type in the first step.
    params, recurrent_state = jax.tree.map(
        lambda a: jnp.asarray(a, a.dtype), (params, task.recurrent_state)
    )
    optimizer = skipping.only_finite(task.optimizer, config.skip_nonfinite)
    if config.average:
        optimizer = with_average(optimizer, config.average)
    loss = only_trainable(task.loss, task.trainable)
    state = State(jnp.array(0), params, optimizer.init(params), recurrent_state)
    best = Best(jnp.array(jnp.inf), jnp.array(0), params)
    return state, best, task._replace(loss=loss, optimizer=optimizer)


def _train(
    task: Task,
    key: Array,
    state: State,
    best: Best,
    config: TrainConfig,
    session: _Session,
) -> Best:
    """Runs all steps that are left, and returns the parameters that evaluated best."""
    checkpoints, clock, signals = session.checkpoints, session.clock, session.signals
    step, mesh = int(state.step), None
    plan = dispatch.plan(task.data, step, config)
    work = next(plan, None)
    while work:
        # Batches of another shape may be split over other devices.
        wanted = dispatch.choose_mesh(state.params, work, config)
        if wanted != mesh:
            mesh = wanted
            state, key = devices.replicate(mesh, devices.gather((state, key)))
        step += work.count
        with clock.dispatch(work.batches, work.count):
            state, metrics, work = dispatch.run(
                task, key, state, work, mesh, plan, config.skip_nonfinite
            )
            clock.tokens += int(metrics.tokens.sum())
        last = step == config.steps
        scores = {}
        if step % config.eval_every == 0 or last:
            with clock.evaluation():
                best, scores = _evaluate(task, state, best)
        numbers = _summary(metrics, task, skipping.counted(state.opt_state))
        _report(step, numbers, scores, config, session)
        # Read once: a signal after this line waits for the end of the next dispatch.
        caught = processes.caught_by_any(lockstep.heard(signals.caught))
        if step % config.checkpoint_every == 0 or last or caught:
            said = {"step": str(step), "metrics": str(session.log.mark())}
            said["signal"] = caught
            tree = as_tree(devices.gather(state), best)
            if processes.is_first():
                checkpoints.save(step, tree, {**session.about, **said})
            processes.wait()
        if caught and not last:
            raise Interrupted(f"{caught} at step {step} of {config.steps}", caught)
    return best


def _report(
    step: int,
    numbers: dict[str, float],
    scores: dict[str, float],
    config: TrainConfig,
    session: _Session,
) -> None:
    """Writes a line of metrics.jsonl, and shows how far the run is."""
    clock, every = session.clock, config.eval_every
    session.log.write(step, **numbers | scores)
    evaluations = -(-config.steps // every) - step // every
    left = clock.seconds_left(config.steps - step, evaluations)
    session.progress.update(
        step, numbers.get("loss", math.nan), clock.tokens_per_second, left
    )


def _summary(
    metrics: StepMetrics, task: Task, skipped: skipping.Count | None
) -> dict[str, float]:
    """Returns what metrics.jsonl says of a dispatch; the loss is in the task's unit."""
    count: dict[str, float] = {} if skipped is None else {"skipped": skipped.in_all}
    if not len(metrics.total):  # all were
        return count
    weight = metrics.tokens if task.loss_per == "token" else metrics.weight
    return {
        "loss": float(Mean(metrics.total.sum(), weight.sum()).result()),
        "grad_norm": float(metrics.grad_norm.mean()),
        "grad_norm_max": float(metrics.grad_norm.max()),
    } | count


def _evaluate(task: Task, state: State, best: Best) -> tuple[Best, dict[str, float]]:
    """Evaluates the parameters or their average, and keeps them if they are better."""
    params = averaged(state.opt_state, state.params)
    step, params = devices.gather((state.step, params))
    scores = task.evaluate(params)
    # Rounding may make each process think of its own that it is better.
    scores = dict(zip(scores, processes.from_first([*scores.values()]), strict=True))
    name, score = next(iter(scores.items()))
    if not math.isfinite(score):
        raise NonFinite(
            f"step {int(step)}: the score {name} is {score} on what is held out"
        )
    if score < best.score:
        best = Best(jnp.array(score), step, params)
    return best, scores


def _stop_if_asked(signals: Signals, steps: int) -> None:
    """Raises if a signal came after all steps were done and saved."""
    if signals.caught:
        raise Interrupted(
            f"{signals.caught} at step {steps} of {steps}: training is complete, and a "
            f"resumption does the rest",
            signals.caught,
        )
