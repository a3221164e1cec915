"""A recurrent policy learns from the states that it acted with."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import LAYERS
from random_data import random_arguments

from seqjax.masks import select, starts_after

STEPS, ROWS = 9, 4
RNG = np.random.default_rng(0)
DONE = RNG.random((STEPS, ROWS)) < 0.35
BEFORE = np.array([True, False, True, False])


def act(layer, params, xs, carry, done, before):
    """Step by step, as in an environment: what ended before a step is forgotten."""

    @jax.jit
    def step(carry, x, ended):
        first = layer.initial_carry_from(params, (ROWS,), jnp.float64)
        return layer.step(params, select(ended, first, carry), x)

    ys = []
    for x, ended in zip(xs, [before, *done[:-1]], strict=True):
        carry, y = step(carry, x, ended)
        ys.append(y)
    return np.stack(ys)


@pytest.mark.parametrize("name", ["lstm", "learned_start"])
def test_a_rollout_is_learned_from_as_it_was_acted(name):
    layer = LAYERS[name]
    params, xs, carry = random_arguments(layer, STEPS, ROWS)
    assert DONE[:-1].any() and not DONE.all()
    acted = act(layer, params, xs, carry, DONE, BEFORE)
    learn = jax.jit(lambda resets: layer.unroll(params, xs, carry, resets=resets)[1])
    right = starts_after(DONE, BEFORE)
    np.testing.assert_allclose(learn(right), acted, atol=1e-12)
    for wrong in (DONE, starts_after(right)):
        assert np.abs(learn(wrong) - acted).max() > 1e-3
    none = starts_after(DONE, np.zeros(ROWS, bool))
    np.testing.assert_array_equal(starts_after(DONE), none)


def test_a_rollout_goes_on_in_the_next_one():
    layer = LAYERS["gru"]
    params, xs, carry = random_arguments(layer, STEPS, ROWS)
    cut = STEPS // 3
    assert DONE[cut - 1].any()

    @jax.jit
    def whole_and_parts(done):
        whole = layer.unroll(params, xs, carry, resets=starts_after(done))
        early, late = starts_after(done[:cut]), starts_after(done[cut:], done[cut - 1])
        middle, first = layer.unroll(params, xs[:cut], carry, resets=early)
        last, rest = layer.unroll(params, xs[cut:], middle, resets=late)
        return whole, (last, jnp.concatenate([first, rest]))

    whole, parts = whole_and_parts(DONE)
    for one, other in zip(*map(jax.tree.leaves, (whole, parts)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
