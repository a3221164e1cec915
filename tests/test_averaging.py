"""The exponential moving average of parameters, against NumPy."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from training import PARAMS, adam, evaluate, make_task, restored, run

from seqjax.train import averaged, with_average


def recording_task(seen):
    """A task that keeps the parameters it evaluates."""

    def recording(params):
        seen.append(jax.device_get(params))
        return evaluate(params)

    return make_task(evaluate=recording)


def trajectory(folder, **config):
    """What is evaluated after each of 20 steps."""
    seen = []
    result = run(folder, task=recording_task(seen), eval_every=1, **config)
    return seen[:20], result


def numpy_average(trajectory, decay):
    average = jax.device_get(PARAMS)
    for t, params in enumerate(trajectory, 1):
        beta = min(decay, (1 + t) / (10 + t))
        average = jax.tree.map(lambda a, p: beta * a + (1 - beta) * p, average, params)  # noqa: B023
        yield average


@pytest.mark.parametrize("decay", [0.5, 0.99])  # reached after 8 steps, and never
def test_what_is_evaluated_is_the_average_of_all_parameters_so_far(decay, tmp_path):
    params, _ = trajectory(tmp_path / "plain")
    averages, result = trajectory(tmp_path / "average", average=decay)
    expected = list(numpy_average(params, decay))
    chex.assert_trees_all_close(averages, expected, rtol=1e-5, atol=1e-7)
    best = min(averages, key=lambda p: evaluate(p)["distance"])
    chex.assert_trees_all_equal(jax.device_get(result.params), best)
    state, _ = restored(tmp_path / "average", make_task(), decay)
    chex.assert_trees_all_close(state.params, params[-1], rtol=1e-6)
    chex.assert_trees_all_equal(state.opt_state.params, averages[-1])


def test_a_resumed_average_equals_an_unbroken_one_bit_by_bit(tmp_path):
    whole = run(tmp_path / "whole", average=0.9)
    run(tmp_path / "broken", steps=10, average=0.9)
    resumed = run(tmp_path / "broken", average=0.9, resume=True)
    chex.assert_trees_all_equal(resumed.params, whole.params)
    assert resumed.history == whole.history
    chex.assert_trees_all_equal(
        restored(tmp_path / "broken", make_task(), 0.9),
        restored(tmp_path / "whole", make_task(), 0.9),
    )


def test_without_a_decay_nothing_is_averaged(tmp_path):
    plain, zero = run(tmp_path / "plain"), run(tmp_path / "zero", average=0.0)
    chex.assert_trees_all_equal(zero.params, plain.params)
    assert zero.history == plain.history
    chex.assert_trees_all_equal(
        restored(tmp_path / "zero", make_task()),
        restored(tmp_path / "plain", make_task()),
    )


def test_an_average_passes_updates_on_and_keeps_what_stands_still():
    still = jnp.asarray(np.random.default_rng(0).normal(size=50))
    params = {"w": PARAMS["w"], "still": still}
    grads = {"w": jnp.array([3.0, -4.0, 0.01]), "still": jnp.zeros(50)}
    optimizer = with_average(optax.sgd(0.1), 0.9)
    state, plain = optimizer.init(params), optax.sgd(0.1)
    for _ in range(5):
        updates, state = optimizer.update(grads, state, params)
        expected, _ = plain.update(grads, plain.init(params), params)
        chex.assert_trees_all_equal(updates, expected)
        params = optax.apply_updates(params, updates)
    average = averaged(state, params)
    np.testing.assert_array_equal(average["still"], still)
    assert jnp.all(average["w"] != params["w"])
    with pytest.raises(ValueError, match="needs the parameters"):
        optimizer.update(grads, state)


def test_a_narrow_parameter_has_a_wide_average():
    """A step of 1 − β is lost in bfloat16: 1 + 0.001 is 1."""
    params = {"w": jnp.ones(3, jnp.bfloat16)}
    optimizer = with_average(optax.sgd(1.0), 0.999)
    state = optimizer.init(params)._replace(count=jnp.array(10**6))
    for _ in range(3):
        _, state = optimizer.update({"w": -jnp.ones(3, jnp.bfloat16)}, state, params)
    np.testing.assert_allclose(state.params["w"], 1 + 1 - 0.999**3, rtol=1e-5)
    assert averaged(state, params)["w"].dtype == jnp.bfloat16
    assert averaged(adam().init(params), params) is params
