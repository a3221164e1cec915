"""Dispatches: runs of steps that go to the compiled program in one call.

A small model's step is shorter than a Python call, so several are run in one, and the
next batches are put together while the device computes.
"""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from seqjax import devices
from seqjax.train import lockstep, nonfinite, processes, ragged, skipping
from seqjax.train.step import State, StepMetrics
from seqjax.train.task import Data, Task, TrainConfig

Array = jax.Array


class Dispatch(NamedTuple):
    """The steps of one call."""

    count: int
    batches: Any  # stacked, and filled up to `per_dispatch`


def plan(data: Data, step: int, config: TrainConfig) -> Iterator[Dispatch]:
    """Yields the dispatches from a step to the last one.

    None goes past a step at which there is an evaluation or a checkpoint, and none
    holds batches of two shapes.
    """
    while step < config.steps:
        intervals = config.eval_every, config.checkpoint_every
        left = [every - step % every for every in intervals]
        most = min(config.per_dispatch, config.steps - step, *left)
        count = data.run_length(step, most)
        yield Dispatch(count, _fill(data.stacked(step, count), config.per_dispatch))
        step += count


def choose_mesh(params: Any, dispatch: Dispatch, config: TrainConfig) -> Mesh | None:
    """Returns the devices that batches are split over; None for one.

    Several processes have a part of each batch in any case, or they would all compute
    the same.
    """
    if processes.several():
        least = 0 if config.spread else jax.process_count()
        return devices.spread_over(config.mesh or least)
    if config.mesh:
        return devices.spread_over(config.mesh)
    if not config.spread:
        return None
    return devices.choose(params, ragged.rows_of(dispatch.batches))


def run(
    task: Task,
    key: Array,
    state: State,
    dispatch: Dispatch,
    mesh: Mesh | None,
    later: Iterator[Dispatch],
    skip_nonfinite: int = 0,
) -> tuple[State, StepMetrics, Dispatch | None]:
    """Runs the steps of a dispatch, and gets the next one ready meanwhile.

    Args:
      task: what is trained.
      key: of the run.
      state: before the first step.
      dispatch: the steps.
      mesh: the devices that the batches are split over; None for one device.
      later: gives the next dispatch.
      skip_nonfinite: as in `TrainConfig`.

    Returns:
      The new state, the metrics of the steps that were not skipped as NumPy arrays, and
      the next dispatch or None.

    Raises:
      NonFinite: a loss or a gradient is not finite, in more steps than may be skipped.
    """
    before = skipping.counted(state.opt_state)
    loss, batches = ragged.fill(mesh, task.loss, dispatch.batches)
    batches = devices.split(mesh, batches, axis=1)
    steps = functools.partial(lockstep.runner(), loss, task.optimizer, mesh, key)
    running = steps(state, batches, dispatch.count)  # returns before it is computed
    following = next(later, None)
    new_state, rows = jax.block_until_ready(running)
    metrics = StepMetrics(*np.asarray(rows)[: dispatch.count].T)
    bad = nonfinite.bad_steps(metrics)
    last = nonfinite.step_to_stop_at(bad, skip_nonfinite, before)
    if last is not None:
        state, _ = jax.block_until_ready(steps(state, batches, last))
        batch = jax.tree.map(lambda a: a[last], dispatch.batches)
        key, state = devices.gather((key, state))
        raise nonfinite.explain(task.loss, key, state, batch)
    return new_state, StepMetrics(*(a[~bad] for a in metrics)), following


def _fill(batches: Any, most: int) -> Any:
    """Fills a stack up with zeros to [most, ...], so that any count has one program."""

    def leaf(a):
        return np.concatenate([a, np.zeros((most - len(a), *a.shape[1:]), a.dtype)])

    return jax.tree.map(leaf, batches)
