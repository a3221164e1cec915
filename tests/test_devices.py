"""A batch split over devices gives what one device gives, to rounding."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from discovered import assert_close
from random_data import IN, random_inputs, random_params

from seqjax.cells import LSTM
from seqjax.masks import from_lengths
from seqjax.metrics import Mean
from seqjax.train import Task, TrainConfig, devices, fit

BATCH, STEPS = 16, 5
LAYER = LSTM(4)


class Ragged:
    """Batches [B, T, in] with lengths [B]; the data of a step is a function of it."""

    def run_length(self, step, most):
        return most

    def stacked(self, step, count):
        draws = [np.random.default_rng(step + i) for i in range(count)]
        return {
            "x": np.stack([draw.normal(size=(BATCH, STEPS, IN)) for draw in draws]),
            "lengths": np.stack([draw.integers(0, STEPS + 1, BATCH) for draw in draws]),
        }


def loss(params, batch, key, state):
    """Squares of the valid outputs after dropout."""
    mask = from_lengths(batch["lengths"], STEPS)
    _, ys = LAYER.unroll(params, batch["x"].swapaxes(0, 1), mask=mask)
    ys = jnp.where(jax.random.bernoulli(key, 0.5, ys.shape), ys, 0)
    total = jnp.sum((ys - 1) ** 2 * mask[..., None])
    return Mean(total, jnp.sum(mask)), jnp.sum(mask), state


def evaluate(params):
    return {"size": sum(float(jnp.sum(leaf**2)) for leaf in jax.tree.leaves(params))}


OPTIMIZER = optax.sgd(0.1)  # one for all runs: another one compiles again


def result(workdir, steps=12, *, spread, resume=False):
    task = Task(loss, evaluate, Ragged(), OPTIMIZER)
    config = TrainConfig(steps, per_dispatch=4, spread=spread)
    key = jax.random.key(3)
    params = random_params(LAYER)
    return fit(task, params, workdir, key, config, resume=resume, quiet=True)


def test_a_run_on_two_devices_is_that_on_one(tmp_path):
    alone = result(tmp_path / "one", spread=False)
    split = result(tmp_path / "two", spread=True)
    assert [line["step"] for line in split.history] == [
        line["step"] for line in alone.history
    ]
    for one, two in zip(alone.history, split.history, strict=True):
        assert_close(two["loss"], one["loss"])
        assert_close(two["grad_norm"], one["grad_norm"])


def test_a_run_goes_on_with_other_devices(tmp_path):
    whole = result(tmp_path / "whole", spread=False)
    result(tmp_path / "parts", spread=True, steps=6)
    parts = result(tmp_path / "parts", spread=False, resume=True)
    assert_close(parts.history[-1]["size"], whole.history[-1]["size"])


def test_a_spread_batch_lies_in_equal_parts_and_gives_the_same_gradient():
    params, xs = random_params(LAYER), random_inputs(STEPS, BATCH)

    def total(params, xs):
        return jnp.sum(jnp.sin(LAYER.unroll(params, xs)[1]))

    gradient = jax.jit(jax.grad(total))
    placed = devices.spread(params, xs, axis=1)
    shapes = {shard.data.shape for shard in placed[1].addressable_shards}
    assert shapes == {(STEPS, BATCH // 2, IN)}
    assert_close(jax.device_get(gradient(*placed)), gradient(params, xs))


def matrix(bytes_):
    return jax.ShapeDtypeStruct((bytes_ // 4,), jnp.float32)


@pytest.mark.parametrize(
    ("params", "batch_size", "count"),
    [
        (matrix(4), 2 * devices.ROWS, 2),
        (matrix(devices.BYTES), 2 * devices.ROWS, 2),
        (matrix(devices.BYTES + 4), 2 * devices.ROWS, 1),
        (matrix(4), 2 * devices.ROWS - 2, 1),
        (matrix(4), 2 * devices.ROWS + 1, 1),
        (matrix(4), 1, 1),
        ((), 2 * devices.ROWS, 2),
    ],
)
def test_a_batch_is_split_if_rows_suffice_and_matrices_fit(params, batch_size, count):
    mesh = devices.choose(params, batch_size)
    assert (1 if mesh is None else mesh.size) == count


def test_what_has_no_batch_axis_goes_whole_to_each_device():
    mesh = devices.choose((), 2 * devices.ROWS)
    batch = {"rows": np.zeros((3, 8)), "odd": np.zeros((3, 5)), "number": np.zeros(3)}
    placed = devices.split(mesh, batch, axis=1)
    whole = {name: a.sharding.is_fully_replicated for name, a in placed.items()}
    assert whole == {"rows": False, "odd": True, "number": True}
