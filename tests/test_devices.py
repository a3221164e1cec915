"""A batch split over devices gives what one device gives, to rounding."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from discovered import LAYERS, assert_close
from member import bad, train
from random_data import IN, random_inputs, random_params

from experiments.shared import several
from experiments.shared.errors import UsageError
from seqjax import devices
from seqjax.cells import LSTM
from seqjax.masks import from_lengths
from seqjax.metrics import Mean
from seqjax.train import NonFinite, Task, TrainConfig, fit

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
    with pytest.warns(UserWarning, match="devices: 2 until now, 1 from now on"):
        parts = result(tmp_path / "parts", spread=False, resume=True)
    assert_close(parts.history[-1]["size"], whole.history[-1]["size"])


def test_rows_that_the_devices_cannot_share_are_those_of_one(tmp_path):
    """Batches of five rows, of which the last are empty, with noise."""
    alone = train(tmp_path / "one", 6, spread=False)
    split = train(tmp_path / "two", 4, mesh=2)
    assert_close(split.history, alone.history[: len(split.history)])
    split = train(tmp_path / "two", 6, mesh=2, resume=True)
    assert_close(split.history, alone.history)
    assert_close(split.params, alone.params)
    with pytest.raises(NonFinite, match="loss is not finite") as one:
        train(tmp_path / "bad one", 20, loss=bad, spread=False)
    with pytest.raises(NonFinite, match="loss is not finite") as two:
        train(tmp_path / "bad two", 20, loss=bad, mesh=2)
    assert str(one.value) == str(two.value)


def test_a_mesh_that_cannot_be_is_a_sentence():
    assert several.mesh_size("data:2") == 2 and several.mesh_size(None) == 0
    assert devices.spread_over(1) is None
    for text, sentence in (
        ("data:3", "--mesh: there are 2 devices; a CPU is made several by XLA_FLAGS="),
        ("2", "--mesh: must look like data:4, not '2'"),
        ("data:0", "--mesh: must look like data:4"),
    ):
        with pytest.raises(UsageError, match=sentence):
            several.mesh_size(text)


DEVICES_BY_FLAG = """
import jax
from seqjax import train
train.use_every_core()
print(jax.device_count())
"""


@pytest.mark.parametrize(
    "setting",
    [
        {"XLA_FLAGS": "--xla_force_host_platform_device_count=5"},
        {"JAX_NUM_CPU_DEVICES": "5"},
    ],
)
def test_devices_that_were_asked_for_stay(setting):
    done = subprocess.run(
        [sys.executable, "-c", DEVICES_BY_FLAG],
        env=os.environ | setting,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "5\n", done.stderr[-2000:]


def total(params, xs):
    return jnp.sum(jnp.sin(LAYER.unroll(params, xs)[1]))


def test_a_split_batch_lies_in_equal_parts_and_gives_the_same_gradient():
    params, xs = random_params(LAYER), random_inputs(STEPS, BATCH)
    gradient = devices.data_parallel(jax.grad(total), axis=1)
    placed = gradient.place(params, xs)
    shapes = {shard.data.shape for shard in placed[1].addressable_shards}
    assert shapes == {(STEPS, BATCH // 2, IN)}
    alone = jax.grad(total)(params, xs)
    for arguments in (placed, (params, xs)):
        found = gradient(*arguments)
        assert len(jax.tree.leaves(found)[0].sharding.device_set) == 2
        assert_close(jax.device_get(found), alone)
    few = random_inputs(STEPS, BATCH - 1)  # what was split before is on one device now
    few = jax.device_put(few, jax.local_devices()[0])
    assert_close(gradient(placed[0], few), jax.grad(total)(params, few))


def test_rows_are_split_and_sums_are_whole():
    """A loop ends on each device when its own rows have ended."""

    @devices.by_rows(static=1)
    def doubled(limit, w, first, rows):
        seen.append(rows.shape)

        def double(at):
            return at[0] + 1, at[1] * 2

        count, rows = jax.lax.while_loop(
            lambda at: jnp.min(at[1]) < limit, double, (0, w * (rows + first))
        )
        return {"rows": rows, "sum": jnp.sum(rows), "count": 0 * rows + count}

    seen, rows = [], np.where(np.arange(BATCH) < BATCH // 2, 1.0, 8.0) + 0.1
    found = doubled(16.0, jnp.array(1.5), 0.5, rows)
    assert seen == [(BATCH // 2,)]
    times = np.where(np.arange(BATCH) < BATCH // 2, 3, 1)
    wanted = 1.5 * (rows + 0.5) * 2.0**times
    assert_close(found["count"], times)
    assert_close(found["rows"], wanted)
    assert_close(found["sum"], wanted.sum())
    few = doubled(16.0, jnp.array(1.5), 0.5, rows[: BATCH // 2 + 1])
    assert seen[1:] == [(BATCH // 2 + 1,)] and few["count"].tolist() == [3] * 9


CALLS_AT_ONCE = """
import threading, jax, jax.numpy as jnp
from seqjax import LSTM, train
train.use_every_core()
jax.config.update("jax_num_cpu_devices", 2)
cell = LSTM(32)
xs = jax.random.normal(jax.random.key(1), (20, 32, 16))
args = cell.init(jax.random.key(0), 16), xs
mean = lambda w, xs: jnp.mean(cell.unroll(w, xs)[1] ** 2)
def work(f):
    jax.block_until_ready([f(*args) for _ in range(1000)])
fs = [train.data_parallel(f, axis=1) for f in (mean, jax.grad(mean))]
args = fs[0].place(*args)
threads = [threading.Thread(target=work, args=(f,)) for f in fs]
[t.start() for t in threads], [t.join() for t in threads]
print("done")
"""


def test_calls_at_once_do_not_wait_for_each_other_forever():
    """Without their turns, XLA ends the process after sums have waited 8 seconds."""
    limits = "warn_stuck", "terminate"
    flags = [f"--xla_cpu_collective_call_{limit}_timeout_seconds=8" for limit in limits]
    done = subprocess.run(
        [sys.executable, "-c", CALLS_AT_ONCE],
        env=os.environ | {"XLA_FLAGS": " ".join(flags)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "done\n", done.stderr[-2000:]


def test_cores_asked_for_too_late_are_a_sentence():
    devices.use_every_core()  # here it comes too late, but there are two already
    code = "import jax; jax.numpy.ones(3); from seqjax import train; "
    cores = "import os; os.sched_getaffinity = lambda _: {0, 1}; "
    done = subprocess.run(
        [sys.executable, "-c", f"{code}{cores}train.use_every_core()"],
        capture_output=True,
        text=True,
    )
    assert "RuntimeError: use_every_core must be called before" in done.stderr


MESH = {
    **{(name, "lean"): LAYERS[name] for name in ("lstm", "min_gru", "fast_weights")},
    ("stack_of_learned_start", "lean"): LAYERS["stack_of_learned_start"],
    ("bidirectional", "remat"): LAYERS["bidirectional"],
    ("gru", "plain"): LAYERS["gru"],
}


@pytest.mark.parametrize(("name", "gradient"), MESH)
def test_explicit_axes_and_checked_shard_maps_change_nothing(name, gradient):
    """Rows are split over two devices; the loss and its gradient are whole."""
    layer, axis = MESH[name, gradient], jax.sharding.PartitionSpec(None, "data")
    params, xs = random_params(layer), random_inputs(STEPS, 4)
    draws = np.random.default_rng(0).random((2, STEPS, 4))
    flags = {"mask": draws[0] < 0.7, "resets": draws[1] < 0.2}

    def loss(params, xs, flags):
        carry, ys = layer.unroll(params, xs, gradient=gradient, **flags)
        return jnp.sum(jnp.sin(ys)) + sum(map(jnp.sum, jax.tree.leaves(carry)))

    both = jax.value_and_grad(loss)
    wanted = jax.jit(both)(params, xs, flags)

    def of_part(*arguments):
        total = jax.value_and_grad(lambda *a: jax.lax.psum(loss(*a), "data"))
        return total(*arguments)

    whole = jax.sharding.PartitionSpec()
    mapped = jax.shard_map(
        of_part,
        mesh=jax.make_mesh((2,), ("data",), axis_types=(jax.sharding.AxisType.Auto,)),
        in_specs=(whole, axis, axis),
        out_specs=whole,
    )
    assert_close(jax.jit(mapped)(params, xs, flags), wanted)
    mesh = jax.make_mesh((2,), ("data",), axis_types=(jax.sharding.AxisType.Explicit,))
    with jax.set_mesh(mesh):
        parts = jax.device_put((xs, flags), jax.NamedSharding(mesh, axis))
        weights = jax.device_put(params, jax.NamedSharding(mesh, whole))
        assert_close(jax.jit(both)(weights, *parts), wanted)
        carry, ys = jax.jit(layer.unroll)(weights, parts[0])
    assert ys.sharding.spec[:2] == (None, "data")
    assert {leaf.sharding.spec[0] for leaf in jax.tree.leaves(carry)} == {"data"}


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
