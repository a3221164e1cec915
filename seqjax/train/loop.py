"""The one training loop.

The random key of a step is folded from the run's in one place, and the data of a step
is a function of its number, so a resumed run repeats an uninterrupted one bit by bit.
Several steps go in one dispatch, because a small model's step is shorter than a
Python call: their batches are stacked, and a compiled loop runs as many as there are.
"""

import contextlib
import functools
import pathlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from seqjax.metrics import Mean
from seqjax.train import devices
from seqjax.train.checkpoints import CheckpointError, Checkpoints
from seqjax.train.log import Log, read
from seqjax.train.progress import Clock, Progress
from seqjax.train.signals import Signals

Array = jax.Array


class Data(Protocol):
    """Batches whose order is a function of the step; see `seqjax.data.Batches`."""

    def run_length(self, step: int, most: int) -> int:
        """How many steps from `step` on, at most `most`, have batches of one shape."""
        ...

    def stacked(self, step: int, count: int) -> Any:
        """The batches of those steps; leaves [count, ...]."""
        ...


class Task(NamedTuple):
    """What is trained.

    Attributes:
      loss: (params, batch, key, carried) to (objective, tokens, carried): a `Mean` to
        minimise, how many tokens it saw, and what the next step's loss is given.
      evaluate: params to numbers to report; the loop keeps the parameters for which
        the first of them is lowest.
      data: the batches; where that pays, a batch is split over the devices.
      optimizer: from `make_optimizer`.
      trainable: a tree of booleans like the parameters; where False, the gradient is
        zero and not computed. All true if None.
      carried: what the first step's loss is given: arrays, such as the state of a
        layer that goes on in the next piece of a text. Nothing unless told.
    """

    loss: Callable[[Any, Any, Array, Any], tuple[Mean, Array, Any]]
    evaluate: Callable[[Any], dict[str, float]]
    data: Data
    optimizer: optax.GradientTransformation
    trainable: Any = None
    carried: Any = ()


class State(NamedTuple):
    """All that changes from step to step."""

    step: Array  # [], steps done
    params: Any
    opt_state: Any  # the optimiser's state
    carried: Any  # from the loss to the next


class Best(NamedTuple):
    """The parameters that evaluated best."""

    score: Array  # []
    step: Array  # []
    params: Any


class StepMetrics(NamedTuple):
    """What one step reports."""

    total: Array  # of the loss
    weight: Array  # of the loss
    grad_norm: Array
    tokens: Array


class _Work(NamedTuple):
    """One dispatch."""

    count: int  # steps
    batches: Any  # stacked, and filled up to one shape


class TrainResult(NamedTuple):
    """A finished run."""

    params: Any  # those that evaluated best
    step: int  # at which they did
    scores: dict[str, float]  # their evaluation
    history: list[dict[str, Any]]  # the lines of metrics.jsonl
    seconds: float  # of training, compilation and evaluation included
    tokens_per_second: float  # of training alone, after compilation


class NonFinite(RuntimeError):
    """The loss or a gradient is no longer finite; the message names where it began."""


class Interrupted(RuntimeError):
    """A signal ended the run, after a checkpoint."""


def fit(
    task: Task,
    params: Any,
    workdir: str | pathlib.Path,
    *,
    steps: int,
    key: Array,
    eval_every: int = 100,
    checkpoint_every: int = 500,
    per_dispatch: int = 16,
    resume: bool = False,
    quiet: bool = False,
    spread: bool = True,
) -> TrainResult:
    """Trains, evaluates, keeps checkpoints and metrics in `workdir`.

    Args:
      task: what is trained.
      params: the parameters to begin with.
      workdir: gets metrics.jsonl and checkpoints/.
      steps: how many in all, those before a resumption included.
      key: of all random numbers of the run.
      eval_every: steps between evaluations; there is one at the end, too.
      checkpoint_every: steps between checkpoints; there is one at the end, too.
      per_dispatch: the most steps in one dispatch.
      resume: begin with the newest sound checkpoint in `workdir`, if there is one.
      quiet: no progress.
      spread: split each batch over the devices where that pays; the results differ by
        rounding at most. See `seqjax.train.devices`.

    Returns:
      The best parameters, their scores, and the history.

    Raises:
      NonFinite: a loss or a gradient was not finite; the last good checkpoint stays.
      CheckpointError: a new run would mix with an old one's checkpoints, or there is
        none to resume from that is sound.
      Interrupted: SIGINT or SIGTERM came; a checkpoint of that step was written.
    """
    workdir = pathlib.Path(workdir)
    params, carried = jax.tree.map(  # weak types would change within the first step
        lambda a: jnp.asarray(a, a.dtype), (params, task.carried)
    )
    task = _frozen(task)
    opt_state = task.optimizer.init(params)
    state = State(jnp.array(0), params, opt_state, carried)
    best = Best(jnp.array(jnp.inf), jnp.array(0), params)
    with contextlib.ExitStack() as stack:
        checkpoints = stack.enter_context(Checkpoints(workdir / "checkpoints"))
        if checkpoints.steps() and not resume:
            raise CheckpointError(f"{checkpoints.folder} belongs to another run")
        if resume:
            state, best = checkpoints.restore((state, best)) or (state, best)
        step = int(state.step)
        if step > steps:
            raise CheckpointError(f"{workdir} has done {step} steps already: {steps=}")
        log = stack.enter_context(Log(workdir / "metrics.jsonl", step))
        progress = stack.enter_context(Progress(steps, step, quiet))
        signals = stack.enter_context(Signals())
        clock, mesh = Clock(), None
        boundaries = eval_every, checkpoint_every
        works = _works(task.data, step, steps, per_dispatch, boundaries)
        work = next(works, None)
        while work:
            mesh, before = (_mesh(params, work.batches) if spread else None), mesh
            if mesh != before:
                state, key = devices.replicate(mesh, devices.gather((state, key)))
            step += work.count
            with clock.timing(work.batches):
                state, seen, work = _dispatch(task, key, state, work, mesh, works)
                clock.tokens += int(seen.tokens.sum())
            last = step == steps
            numbers = _summary(seen)
            if step % eval_every == 0 or last:
                best, scores = _evaluate(task, state, best)
                numbers |= scores
            log.write(step, **numbers)
            progress.update(step, loss=numbers["loss"], tokens_per_s=clock.speed)
            if step % checkpoint_every == 0 or last or signals.caught:
                checkpoints.save(step, (devices.gather(state), best))
            if signals.caught and not last:
                raise Interrupted(f"{signals.caught} at step {step} of {steps}")
    return TrainResult(
        best.params,
        int(best.step),
        task.evaluate(best.params),
        read(log.path),
        clock.seconds(),
        clock.speed,
    )


def _frozen(task: Task) -> Task:
    """The task with a loss that does not depend on what is fixed."""
    if task.trainable is None:
        return task

    def loss(params, batch, key, carried):
        learned = jax.tree.map(
            lambda p, mark: p if mark else lax.stop_gradient(p), params, task.trainable
        )
        return task.loss(learned, batch, key, carried)

    return task._replace(loss=loss)


def _mesh(params, batches):
    """The devices for stacked batches, whose second axis is the batch."""
    sizes = (a.shape[1] for a in jax.tree.leaves(batches) if a.ndim > 1)
    return devices.choose(params, next(sizes, 1))


def _works(
    data: Data,
    step: int,
    steps: int,
    per_dispatch: int,
    boundaries: tuple[int, ...],
) -> Iterator[_Work]:
    """The dispatches from a step on; none passes a multiple of the `boundaries`."""
    while step < steps:
        left = [every - step % every for every in boundaries]
        count = data.run_length(step, min(per_dispatch, steps - step, *left))
        yield _Work(count, _fill(data.stacked(step, count), per_dispatch))
        step += count


def _dispatch(
    task: Task, key, state: State, work: _Work, mesh, works: Iterator[_Work]
) -> tuple[State, StepMetrics, _Work | None]:
    """Runs the steps of `work` in one call, and makes the next ready meanwhile."""
    batches = devices.split(mesh, work.batches, axis=1)
    advance = functools.partial(_advance, task.loss, task.optimizer, mesh, key)
    running = advance(state, batches, work.count)
    following = next(works, None)
    new, seen = jax.block_until_ready(running)
    seen = StepMetrics(*np.asarray(seen)[: work.count].T)
    bad = ~(np.isfinite(seen.total) & np.isfinite(seen.grad_norm))
    if bad.any():
        at = int(bad.argmax())
        state, _ = jax.block_until_ready(advance(state, batches, at))
        batch = jax.tree.map(lambda a: a[at], devices.gather(batches))
        key, state = devices.gather((key, state))
        _name_what_went_wrong(task, key, state, batch)
    return new, seen, following


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _advance(
    loss, optimizer, mesh, key, state: State, batches, count
) -> tuple[State, Array]:
    """Runs the first `count` of the stacked batches; `StepMetrics` of each step in a row."""
    most = jax.tree.leaves(batches)[0].shape[0]
    seen = jnp.zeros((most, len(StepMetrics._fields)))

    def body(i, carried):
        state, seen = carried
        batch = jax.tree.map(lambda a: a[i], batches)
        (_, (mean, tokens, carried)), grads = _gradient(loss, key, state, batch)
        updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        new = StepMetrics(mean.total, mean.weight, optax.tree.norm(grads), tokens)
        seen = seen.at[i].set(jnp.stack(new))
        state = State(state.step + 1, params, opt_state, carried)
        return devices.replicate(mesh, state), seen

    return lax.fori_loop(0, count, body, (state, seen))


def _gradient(loss, key: Array, state: State, batch):
    def objective(params):
        at = jax.random.fold_in(key, state.step)
        mean, tokens, carried = loss(params, batch, at, state.carried)
        return mean.result(), (mean, tokens, carried)

    return jax.value_and_grad(objective, has_aux=True)(state.params)


def _fill(batches: Any, most: int) -> Any:
    """Pads the stack with zeros to one shape, so that it compiles once."""

    def leaf(a):
        return np.concatenate([a, np.zeros((most - len(a), *a.shape[1:]), a.dtype)])

    return jax.tree.map(leaf, batches)


def _summary(seen: StepMetrics) -> dict[str, float]:
    return {
        "loss": float(Mean(seen.total.sum(), seen.weight.sum()).result()),
        "grad_norm": float(seen.grad_norm.mean()),
        "grad_norm_max": float(seen.grad_norm.max()),
    }


def _evaluate(task: Task, state: State, best: Best) -> tuple[Best, dict[str, float]]:
    step, params = devices.gather((state.step, state.params))
    scores = task.evaluate(params)
    score = next(iter(scores.values()))
    if score < best.score:
        best = Best(jnp.array(score), step, params)
    return best, scores


def _name_what_went_wrong(task: Task, key, state: State, batch) -> NoReturn:
    """Replays a step, to name the first array at fault."""
    gradient = jax.jit(_gradient, static_argnums=0)
    (value, _), grads = gradient(task.loss, key, state, batch)
    named = (("parameter", state.params), ("loss", value), ("gradient", grads))
    names = [
        f"{kind} {jax.tree_util.keystr(path, simple=True, separator='/')}".strip()
        for kind, tree in named
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
        if not np.isfinite(leaf).all()
    ]
    raise NonFinite(
        f"step {int(state.step) + 1}: {names[0] if names else 'the gradient norm'} is "
        f"not finite; try a lower learning rate, or clipping"
    )
