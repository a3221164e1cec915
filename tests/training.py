"""A small task to train, and what the tests of the loop look at."""

import functools
import signal

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.metrics import Mean
from seqjax.train import Task, TrainConfig, fit, make_optimizer, with_average
from seqjax.train.checkpoints import Checkpoints
from seqjax.train.loop import Best
from seqjax.train.step import State

PARAMS = {"w": jnp.array([0.3, -0.2, 0.5]), "b": jnp.array(0.1)}
TRUE_W = jnp.array([1.0, -2.0, 0.5])


class Data:
    """Regression batches, a function of the step; shapes change every three steps."""

    def run_length(self, step, most):
        return min(most, 3 - step % 3)

    def stacked(self, step, count):
        rows = 4 + (step // 3) % 2
        xs = [
            np.random.default_rng(step + i).normal(size=(rows, 3)).astype(np.float32)
            for i in range(count)
        ]
        return {"x": np.stack(xs)}


def loss(params, batch, key, state):
    """Squared errors of the rows, each of which is seven tokens."""
    noise = 0.1 * jax.random.normal(key, batch["x"].shape[:1])
    y = batch["x"] @ TRUE_W + noise
    error = batch["x"] @ params["w"] + params["b"] - y
    return Mean(jnp.sum(error**2), len(y)), jnp.array(7 * len(y)), state


def evaluate(params):
    return {"distance": float(jnp.sum((params["w"] - TRUE_W) ** 2))}


# One optimizer for all tests, since a run with another one compiles again.
adam = functools.cache(functools.partial(make_optimizer, "adam", 0.1))


def make_task(loss=loss, evaluate=evaluate, **fields):
    return Task(loss, evaluate, Data(), adam(), **fields)


def run(folder, steps=20, task=None, *, resume=False, quiet=True, about=None, **config):
    config = {"eval_every": 5, "checkpoint_every": 10, **config}
    return fit(
        make_task() if task is None else task,
        PARAMS,
        folder,
        jax.random.key(0),
        TrainConfig(steps, **config),
        resume=resume,
        quiet=quiet,
        about=about or {},
    )


def interrupted_task(at, number=signal.SIGTERM, calls=None):
    """A task that sends a signal to its own process at the `at`-th evaluation."""
    calls = [] if calls is None else calls

    def wrapped(params):
        calls.append(params)
        if len(calls) == at:
            signal.raise_signal(number)
        return evaluate(params)

    return make_task(evaluate=wrapped)


def damage(folder, step):
    """Flips a bit in the arrays of a checkpoint."""
    path = folder / "checkpoints" / f"{step}.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 4
    path.write_bytes(content)


def restored(folder, task, average=0.0):
    """The state and the best parameters in the newest checkpoint of a run."""
    optimizer = with_average(task.optimizer, average) if average else task.optimizer
    opt_state = optimizer.init(PARAMS)
    state = State(jnp.array(0), PARAMS, opt_state, task.recurrent_state)
    best = Best(jnp.array(jnp.inf), jnp.array(0), PARAMS)
    tree = {"state": state, "best": best}
    tree = Checkpoints(folder / "checkpoints").restore(tree).tree
    return tree["state"], tree["best"]


def files(folder):
    """Every file and folder with its time of change and its content."""
    return {
        path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes())
        for path in [folder, *folder.rglob("*")]
    }
