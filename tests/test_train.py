"""The loop: exact resumption, damage, what is not finite, what is fixed."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from training import (
    PARAMS,
    Data,
    evaluate,
    loss,
    make_task,
    restored,
    run,
)

from seqjax.metrics import Mean
from seqjax.train import (
    OPTIMIZERS,
    SCHEDULES,
    NonFinite,
    Times,
    make_optimizer,
)


def objective(params, batch, key):
    mean, tokens, _ = loss(params, batch, key, ())
    return mean.result(), tokens


def test_training_learns_and_reports_the_best(tmp_path):
    result = run(tmp_path, steps=60)
    assert result.scores["distance"] < 0.2 * evaluate(PARAMS)["distance"]
    evaluated = [line["distance"] for line in result.history if "distance" in line]
    assert result.scores["distance"] == min(evaluated)
    assert result.history[-1]["step"] == 60
    assert result.tokens_per_second > 0


def test_steps_in_one_dispatch_change_nothing(tmp_path):
    one = run(tmp_path / "one", per_dispatch=1)
    many = run(tmp_path / "many", per_dispatch=8)
    chex.assert_trees_all_close(one.params, many.params, rtol=1e-6)


def test_a_loss_that_is_not_finite_is_named_and_the_last_checkpoint_stays(tmp_path):
    def bad(params, batch, key, state):
        """NaN in the larger batches once w has moved."""
        mean, count, _ = loss(params, batch, key, state)
        is_bad = (len(batch["x"]) == 5) & (params["w"][0] > 0.6)
        total = jnp.where(is_bad, jnp.nan, mean.total)
        return mean._replace(total=total), count, state

    with pytest.raises(NonFinite, match=r"^step \d+: loss is not"):
        run(tmp_path, 50, make_task(bad), eval_every=100, checkpoint_every=2)
    assert (tmp_path / "checkpoints").is_dir()
    chex.assert_tree_all_finite(restored(tmp_path, make_task(bad))[0])


def test_the_step_that_went_wrong_is_named_within_its_dispatch(tmp_path):
    class Numbered(Data):
        def stacked(self, step, count):
            return super().stacked(step, count) | {
                "step": np.arange(step, step + count)
            }

    def bad(params, batch, key, state):
        mean, count, _ = loss(params, batch, key, state)
        total = jnp.where(batch["step"] == 4, jnp.nan, mean.total)
        return mean._replace(total=total), count, state

    task = make_task(bad)._replace(data=Numbered())
    with pytest.raises(NonFinite, match="^step 5: loss is"):
        run(tmp_path, 50, task, eval_every=100, checkpoint_every=100)


def test_a_gradient_that_is_not_finite_is_named(tmp_path):
    def bad(params, batch, key, state):
        """√0 has no finite slope."""
        mean, count, _ = loss(params, batch, key, state)
        total = mean.total + jnp.sqrt(0 * params["w"][0])
        return mean._replace(total=total), count, state

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
    optimizer = make_optimizer("adam", 0.1, trainable=W_ALONE)
    task = make_task(trainable=W_ALONE)._replace(optimizer=optimizer)
    result = run(tmp_path, steps=3, task=task, per_dispatch=1)
    assert result.params["b"] == PARAMS["b"]

    batch = {"x": Data().stacked(0, 1)["x"][0]}
    key = jax.random.fold_in(jax.random.key(0), 0)
    grads, _ = jax.grad(objective, has_aux=True)(PARAMS, batch, key)
    assert grads["b"] != 0
    found, expected = result.history[0]["grad_norm"], jnp.linalg.norm(grads["w"])
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def carrying(params, batch, key, state):
    """Depends on a running sum of all that the steps before have seen."""
    nats, tokens, _ = loss(params, batch, key, ())
    pull = jnp.sum(params["b"] * jnp.sin(state["sum"]))
    total = state["sum"] + jnp.sum(batch["x"], axis=0)
    return Mean(nats.total + pull, nats.weight), tokens, {"sum": total}


def carrying_task(start=0.0):
    return make_task(carrying, recurrent_state={"sum": jnp.full(3, start)})


@pytest.mark.parametrize("per_dispatch", [1, 16])
def test_what_a_loss_carries_goes_from_step_to_step(per_dispatch, tmp_path):
    task = carrying_task(0.5)
    run(tmp_path, steps=17, task=task, per_dispatch=per_dispatch)
    data, total = Data(), jnp.full(3, 0.5)
    for step in range(17):
        total = total + data.stacked(step, 1)["x"][0].sum(axis=0)
    state, _ = restored(tmp_path, task)
    np.testing.assert_allclose(state.recurrent_state["sum"], total, rtol=1e-5)


def test_what_is_carried_survives_a_resumption(tmp_path):
    whole = run(tmp_path / "whole", task=carrying_task())
    run(tmp_path / "broken", steps=10, task=carrying_task())
    broken = run(tmp_path / "broken", task=carrying_task(9.0), resume=True)
    chex.assert_trees_all_equal(broken.params, whole.params)
    assert broken.history == whole.history
    other = run(tmp_path / "other", task=carrying_task(9.0))
    assert jnp.any(other.params["b"] != whole.params["b"])


@pytest.mark.parametrize("loss_per, share", [("token", 1 / 7), ("sequence", 1)])
def test_the_loss_is_reported_in_the_unit_of_the_score(loss_per, share, tmp_path):
    """Each row is a sequence of seven tokens."""
    task = make_task(unit="squares", loss_per=loss_per)
    history = run(tmp_path, steps=5, task=task).history
    assert [line["step"] for line in history] == [3, 5]
    totals, params = [], PARAMS
    opt_state = task.optimizer.init(params)
    for step in range(3):
        batch = {"x": Data().stacked(step, 1)["x"][0]}
        (total, _), grads = jax.value_and_grad(objective, has_aux=True)(
            params, batch, jax.random.fold_in(jax.random.key(0), step)
        )
        totals.append(total * len(batch["x"]))
        updates, opt_state = task.optimizer.update(grads, opt_state, params)
        params = optax.apply_updates(params, updates)
    expected = share * sum(totals) / (3 * 4)
    np.testing.assert_allclose(history[0]["loss"], expected, rtol=1e-5)


BAD_CONFIGS = [
    ({"eval_every": 0}, "eval_every must be at least 1"),
    ({"checkpoint_every": 0}, "checkpoint_every must"),
    ({"per_dispatch": 0}, "per_dispatch must"),
    ({"average": 1.0}, r"average must be in \[0, 1\)"),
    ({"average": -0.1}, "average must"),
    ({"steps": -1}, "steps must"),
]


@pytest.mark.parametrize("config, message", BAD_CONFIGS)
def test_a_config_that_cannot_be_is_refused(config, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        run(tmp_path / "new", **config)
    with pytest.raises(ValueError, match="loss_per must be"):
        run(tmp_path / "new", task=make_task(loss_per="batch"))
    assert not (tmp_path / "new").exists()
