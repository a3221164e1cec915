"""A process that trains with others: member.py COORDINATOR COUNT INDEX DO FOLDER.

It prints a line of JSON for each thing it did.
"""

import hashlib
import json
import os
import pathlib
import signal
import sys
import traceback
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax

from seqjax.cells import LSTM
from seqjax.data import Batches
from seqjax.masks import from_lengths
from seqjax.metrics import Mean
from seqjax.train import Interrupted, NonFinite, Task, TrainConfig, fit, loop, processes
from seqjax.train import use_every_core as use_cores

LAYER = LSTM(3)


def examples():
    rng = np.random.default_rng(5)
    return [rng.normal(size=(n, 2)) for n in rng.integers(1, 7, 13)]


def loss(params, batch, key, state):
    """Squares of the valid outputs after dropout, which every row draws apart."""
    xs = jnp.swapaxes(batch.values, 0, 1)
    mask = from_lengths(batch.lengths, len(xs))
    _, ys = LAYER.unroll(params, xs, mask=mask)
    ys = jnp.where(jax.random.bernoulli(key, 0.5, ys.shape), ys, 0)
    total = jnp.sum((ys - 1) ** 2 * mask[..., None])
    return Mean(total, jnp.sum(mask)), jnp.sum(mask), state


def bad(params, batch, key, state):
    mean, tokens, state = loss(params, batch, key, state)
    moved = jnp.abs(params.b[3] - jnp.float32(0)) > 0.1
    return mean._replace(total=jnp.where(moved, jnp.nan, mean.total)), tokens, state


def evaluate(params):
    return {"size": sum(float(jnp.sum(leaf**2)) for leaf in jax.tree.leaves(params))}


OPTIMIZER = optax.sgd(0.1)


def train(folder, steps, *, loss=loss, evaluate=evaluate, resume=False, **config):
    """A run whose batches of five rows no two devices share equally."""
    task = Task(loss, evaluate, Batches(examples(), 5, seed=1, buckets=2), OPTIMIZER)
    config = {"eval_every": 2, "checkpoint_every": 2, "per_dispatch": 2, **config}
    key, params = jax.random.key(3), LAYER.init(jax.random.key(4), 2, jnp.float64)
    config = TrainConfig(steps, **config)
    return fit(task, params, folder, key, config, resume=resume, quiet=True)


def say(**what):
    print(json.dumps(what), flush=True)


def signalled(number, index, at):
    """An evaluation that sends a signal to process `index` the `at`-th time."""
    calls = []

    def wrapped(params):
        calls.append(params)
        if len(calls) == at and jax.process_index() == index:
            os.kill(os.getpid(), number)
        return evaluate(params)

    return wrapped


def all_of_it(folder, index):
    result = train(folder / "fresh", 6)
    say(scores=result.scores, devices=len(jax.devices()), wrote=wrote())
    say(resumed=train(folder / "resumed", 6, resume=True).scores)
    try:
        train(folder / "bad", 20, loss=bad)
    except NonFinite as error:
        say(bad=str(error))
    try:
        term = signalled(signal.SIGTERM, 1, at=2)
        train(folder / "stopped", 20, evaluate=term)
    except Interrupted as error:
        say(stopped=str(error))
    say(alike=processes.alike("same"), other=processes.alike(f"{index}"))


def given(folder):
    """What the training of a resumed run would begin with; nothing is trained."""
    seen = {}

    def note(task, key, state, best, *_):
        content = b"".join(np.asarray(a).tobytes() for a in jax.tree.leaves(state))
        seen.update(step=int(state.step), sha256=hashlib.sha256(content).hexdigest())
        return best

    with mock.patch.object(loop, "_train", note):
        train(folder / "resumed", 8, resume=True)
    return seen


def wrote():
    return str(processes.folder("/somewhere").parent.parent)


def main(coordinator, count, index, do, folder):
    use_cores()
    jax.config.update("jax_enable_x64", True)
    seconds = 1 if do == "alone" else 60
    processes.join(coordinator, int(count), int(index), seconds=seconds)
    folder, index = pathlib.Path(folder), int(index)
    code = 0
    try:
        if do == "all":
            all_of_it(folder, index)
        elif do == "given":
            say(**given(folder))
        else:
            kill = signalled(signal.SIGKILL, int(do), at=3)
            train(folder, 10**6, evaluate=kill)
    except processes.PeerLost as error:
        print(f"error: {error}", file=sys.stderr)
        code = 1
    except BaseException:
        traceback.print_exc()
        code = 2
    processes.leave(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
