"""The loop: exact resumption, signals, damage, what is not finite, what is fixed."""

import functools
import json
import os
import signal

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from seqjax.metrics import Mean
from seqjax.train import (
    OPTIMIZERS,
    SCHEDULES,
    CheckpointError,
    Interrupted,
    NonFinite,
    Task,
    Times,
    fit,
    make_optimizer,
)
from seqjax.train.checkpoints import Checkpoints
from seqjax.train.loop import Best, State

PARAMS = {"w": jnp.array([0.3, -0.2, 0.5]), "b": jnp.array(0.1)}


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


TRUE_W = jnp.array([1.0, -2.0, 0.5])


def loss(params, batch, key, carried):
    noise = 0.1 * jax.random.normal(key, batch["x"].shape[:1])
    y = batch["x"] @ TRUE_W + noise
    error = batch["x"] @ params["w"] + params["b"] - y
    return Mean(jnp.sum(error**2), len(y)), jnp.array(len(y)), carried


def evaluate(params):
    return {"distance": float(jnp.sum((params["w"] - TRUE_W) ** 2))}


def make_task(loss=loss, evaluate=evaluate, **options):
    return Task(loss, evaluate, Data(), make_optimizer("adam", 0.1, **options))


def run(folder, steps=20, task=None, **options):
    options = {"eval_every": 5, "checkpoint_every": 10, **options}
    return fit(
        make_task() if task is None else task,
        PARAMS,
        folder,
        steps=steps,
        key=jax.random.key(0),
        quiet=True,
        **options,
    )


def interrupted_task(at):
    """A task that sends SIGTERM to its own process at the `at`-th evaluation."""
    calls = []

    def wrapped(params):
        calls.append(1)
        if len(calls) == at:
            os.kill(os.getpid(), signal.SIGTERM)
        return evaluate(params)

    return make_task(evaluate=wrapped)


def test_training_learns_and_reports_the_best(tmp_path):
    result = run(tmp_path, steps=60)
    assert result.scores["distance"] < 0.2 * evaluate(PARAMS)["distance"]
    evaluated = [line["distance"] for line in result.history if "distance" in line]
    assert result.scores["distance"] == min(evaluated)
    assert result.history[-1]["step"] == 60
    assert result.tokens_per_second > 0


def test_a_resumed_run_equals_an_uninterrupted_one_bit_by_bit(tmp_path):
    whole = run(tmp_path / "whole")
    with pytest.raises(Interrupted, match="SIGTERM at step 5 of 20"):
        run(tmp_path / "broken", task=interrupted_task(1))
    with pytest.raises(Interrupted, match="SIGTERM at step 15 of 20"):
        run(tmp_path / "broken", task=interrupted_task(2), resume=True)
    resumed = run(tmp_path / "broken", resume=True)
    chex.assert_trees_all_equal(resumed.params, whole.params)
    assert resumed.history == whole.history
    assert resumed.step == whole.step


def test_steps_in_one_dispatch_change_nothing(tmp_path):
    one = run(tmp_path / "one", per_dispatch=1)
    many = run(tmp_path / "many", per_dispatch=8)
    chex.assert_trees_all_close(one.params, many.params, rtol=1e-6)


def damage(folder):
    """Makes the arrays differ from their digests, as a flipped bit does."""
    digests = folder / "digests" / "metadata"
    stored = json.loads(digests.read_text())
    name = next(name for name in stored if "'w'" in name)
    digests.write_text(json.dumps({**stored, name: "0" * 64}))


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    whole = run(tmp_path / "whole")
    run(tmp_path / "damaged")
    damage(tmp_path / "damaged" / "checkpoints" / "20")
    with pytest.warns(UserWarning, match="passed over .*digest of .*'w'.* does not"):
        resumed = run(tmp_path / "damaged", resume=True)
    chex.assert_trees_all_equal(resumed.params, whole.params)
    assert resumed.history == whole.history
    checkpoints = os.listdir(tmp_path / "damaged" / "checkpoints")
    assert sorted(checkpoints)[:2] == ["10", "20"]


def test_no_sound_checkpoint_and_a_mixed_folder_are_refused(tmp_path):
    run(tmp_path, steps=5)
    with pytest.raises(CheckpointError, match="belongs to another run"):
        run(tmp_path)
    damage(tmp_path / "checkpoints" / "5")
    with (
        pytest.warns(UserWarning, match="passed over .*digest of .*'w'.* does not"),
        pytest.raises(CheckpointError, match="no checkpoint is sound"),
    ):
        run(tmp_path, resume=True)


def last_state(folder):
    """What the newest checkpoint of a run holds."""
    state = State(jnp.array(0), PARAMS, make_optimizer("adam", 0.1).init(PARAMS), ())
    best = Best(jnp.array(jnp.inf), jnp.array(0), PARAMS)
    with Checkpoints(folder / "checkpoints") as checkpoints:
        state, _ = checkpoints.restore((state, best))
    return state


def test_a_loss_that_is_not_finite_is_named_and_the_last_checkpoint_stays(tmp_path):
    def bad(params, batch, key, carried):
        """NaN in the larger batches once w has moved."""
        mean, count, _ = loss(params, batch, key, carried)
        is_bad = (count == 5) & (params["w"][0] > 0.6)
        total = jnp.where(is_bad, jnp.nan, mean.total)
        return mean._replace(total=total), count, carried

    with pytest.raises(NonFinite, match=r"^step \d+: loss is not"):
        run(tmp_path, 50, make_task(bad), eval_every=100, checkpoint_every=2)
    assert (tmp_path / "checkpoints").is_dir()
    chex.assert_tree_all_finite(last_state(tmp_path))


def test_the_step_that_went_wrong_is_named_within_its_dispatch(tmp_path):
    class Numbered(Data):
        def stacked(self, step, count):
            return super().stacked(step, count) | {
                "step": np.arange(step, step + count)
            }

    def bad(params, batch, key, carried):
        mean, count, _ = loss(params, batch, key, carried)
        total = jnp.where(batch["step"] == 4, jnp.nan, mean.total)
        return mean._replace(total=total), count, carried

    task = make_task(bad)._replace(data=Numbered())
    with pytest.raises(NonFinite, match="^step 5: loss is"):
        run(tmp_path, 50, task, eval_every=100, checkpoint_every=100)


def test_a_gradient_that_is_not_finite_is_named(tmp_path):
    def bad(params, batch, key, carried):
        """√0 has no finite slope."""
        mean, count, _ = loss(params, batch, key, carried)
        total = mean.total + jnp.sqrt(0 * params["w"][0])
        return mean._replace(total=total), count, carried

    with pytest.raises(NonFinite, match="^step 1: gradient w is"):
        run(tmp_path, 50, make_task(bad), eval_every=100, checkpoint_every=2)


def first_updates(optimizer, grads, params=PARAMS):
    updates, _ = optimizer.update(grads, optimizer.init(params), params)
    return updates


def test_clipping_by_norm_keeps_the_direction_and_by_value_cuts_entries():
    grads = {"w": jnp.array([3.0, -4.0, 0.01]), "b": jnp.array(12.0)}
    by_norm = first_updates(make_optimizer("sgd", 1.0, clip_norm=1.3), grads)
    expected = jax.tree.map(lambda g: -g * 1.3 / optax.tree.norm(grads), grads)
    chex.assert_trees_all_close(by_norm, expected, rtol=1e-6)
    by_value = first_updates(make_optimizer("sgd", 1.0, clip_value=0.5), grads)
    expected = jax.tree.map(lambda g: -jnp.clip(g, -0.5, 0.5), grads)
    chex.assert_trees_all_close(by_value, expected)
    small = first_updates(make_optimizer("sgd", 1.0, clip_norm=100.0), grads)
    chex.assert_trees_all_close(small, jax.tree.map(jnp.negative, grads))


W_ALONE = {"w": True, "b": False}


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_what_is_not_trainable_never_moves_and_counts_in_no_norm(name):
    make = functools.partial(make_optimizer, name, 0.1, clip_norm=1.0, weight_decay=0.1)
    grads = {"w": jnp.array([0.3, -0.4, 0.1]), "b": jnp.array(1e6)}
    alone = first_updates(make(), {"w": grads["w"]}, {"w": PARAMS["w"]})
    updates = first_updates(make(trainable=W_ALONE), grads)
    assert updates["b"] == 0
    chex.assert_trees_all_close(updates["w"], alone["w"])


@pytest.mark.parametrize("schedule", sorted(SCHEDULES))
def test_schedules_start_peak_and_end_where_they_say(schedule):
    peak, times = 0.2, Times(steps=100, warmup=10, hold=40, halve_every=20)
    rate = SCHEDULES[schedule](peak, times)
    rates = np.array([rate(step) for step in range(times.steps + 1)])
    np.testing.assert_allclose(rates.max(), peak, rtol=1e-6)
    warm, falls = "warmup" in schedule, "cosine" in schedule
    assert (rates[0] < 0.05) == warm
    assert (rates[-1] < 1e-6) == falls
    if schedule == "halving":
        expected = peak * np.repeat([1, 1, 0.5, 0.25, 0.125], 20)
        np.testing.assert_allclose(rates[:-1], expected, rtol=1e-6)


def test_a_fixed_parameter_has_no_gradient_and_counts_in_no_norm(tmp_path):
    task = make_task(trainable=W_ALONE)._replace(trainable=W_ALONE)
    result = run(tmp_path, steps=3, task=task, per_dispatch=1)
    assert result.params["b"] == PARAMS["b"]

    def first_loss(params):
        batch = {"x": Data().stacked(0, 1)["x"][0]}
        key = jax.random.fold_in(jax.random.key(0), 0)
        mean, _, _ = loss(params, batch, key, ())
        return mean.result()

    grads = jax.grad(first_loss)(PARAMS)
    assert grads["b"] != 0
    found, expected = result.history[0]["grad_norm"], jnp.linalg.norm(grads["w"])
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def carrying_task(start=0.0):
    """Its loss depends on a running sum of all that the steps before it have seen."""

    def carrying(params, batch, key, carried):
        nats, tokens, _ = loss(params, batch, key, ())
        pull = jnp.sum(params["b"] * jnp.sin(carried["seen"]))
        seen = carried["seen"] + jnp.sum(batch["x"], axis=0)
        return Mean(nats.total + pull, nats.weight), tokens, {"seen": seen}

    return make_task(carrying)._replace(carried={"seen": jnp.full(3, start)})


def last_carried(folder, task):
    state = State(jnp.array(0), PARAMS, task.optimizer.init(PARAMS), task.carried)
    best = Best(jnp.array(jnp.inf), jnp.array(0), PARAMS)
    with Checkpoints(folder / "checkpoints") as checkpoints:
        return checkpoints.restore((state, best))[0].carried["seen"]


@pytest.mark.parametrize("per_dispatch", [1, 16])
def test_what_a_loss_carries_goes_from_step_to_step(per_dispatch, tmp_path):
    task = carrying_task(0.5)
    run(tmp_path, steps=17, task=task, per_dispatch=per_dispatch)
    data, seen = Data(), jnp.full(3, 0.5)
    for step in range(17):
        seen = seen + data.stacked(step, 1)["x"][0].sum(axis=0)
    np.testing.assert_allclose(last_carried(tmp_path, task), seen, rtol=1e-5)


def test_what_is_carried_survives_a_resumption(tmp_path):
    whole = run(tmp_path / "whole", task=carrying_task())
    run(tmp_path / "broken", steps=10, task=carrying_task())
    broken = run(tmp_path / "broken", task=carrying_task(9.0), resume=True)
    chex.assert_trees_all_equal(broken.params, whole.params)
    assert broken.history == whole.history
    other = run(tmp_path / "other", task=carrying_task(9.0))
    assert jnp.any(other.params["b"] != whole.params["b"])
