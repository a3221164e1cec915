"""All steps at once by Newton's method are the steps one by one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import assert_close
from random_data import IN, random_inputs, random_params

from seqjax import newton, recurrence
from seqjax.cells import GRU, LSTM, Elman, LayerNormLSTM
from seqjax.recurrence import Static, Steps

STEPS, ROWS = 11, 3
MASK = np.arange(STEPS)[:, None] < np.array([STEPS, 4, 0])
MASK[2, 0] = False
RESETS = np.zeros((STEPS, ROWS), bool)
RESETS[[0, 5], [1, 0]] = True


@pytest.mark.parametrize(
    ("cell", "reverse"),
    [(LSTM(3), False), (GRU(3), True), (Elman(3), False), (LayerNormLSTM(2), True)],
)
def test_it_gives_the_states_and_gradients_of_the_steps(cell, reverse):
    params, xs = random_params(cell), random_inputs(STEPS, ROWS)
    xs = jnp.where(MASK[..., None], xs, jnp.nan)
    how = {"mask": MASK, "resets": RESETS, "reverse": reverse}

    def outcome(way, gradient="lean"):
        def total(params, xs):
            result = cell.unroll(params, xs, way=way, gradient=gradient, **how)
            leaves = jax.tree.leaves(result)
            return sum(jnp.sum(jnp.sin(leaf)) for leaf in leaves), result

        return jax.jit(jax.grad(total, argnums=(0, 1), has_aux=True))(params, xs)

    expected = outcome("steps", "plain")
    assert_close(outcome("newton"), expected)
    assert_close(outcome("newton", "remat"), expected)


def found(cell, params, xs):
    carry = cell.initial_carry(xs.shape[1:-1], xs.dtype)
    steps = Steps(cell.project(params, xs), None, None)
    arguments = Static(cell, xs.dtype, False), params, carry, carry, steps
    return newton.solve(*arguments), recurrence.scan(*arguments)[1]


def test_it_settles_in_far_fewer_iterations_than_steps():
    cell, xs = GRU(4), random_inputs(200, 2)
    guess, ys = found(cell, random_params(cell), xs)
    assert 3 <= guess.count <= 20 and guess.moved < 1e-13
    assert_close(guess.states, ys)


def test_where_it_does_not_settle_the_steps_are_taken():
    cell, xs = Elman(8), random_inputs(400, 2)
    params = random_params(cell)
    wild = params._replace(w_h=40 * params.w_h)  # chaotic
    guess, _ = found(cell, wild, xs)
    assert not guess.moved < 1e-12
    expected = cell.unroll(wild, xs)
    assert_close(cell.unroll(wild, xs, way="newton"), expected)


def test_it_has_no_forward_mode():
    params, xs = random_params(LSTM(3)), random_inputs(STEPS, ROWS)
    with pytest.raises(ValueError, match="way='newton' iterates"):
        LSTM(3).unroll(params, xs, way="newton", gradient="plain")
    none = LSTM(3).unroll(params, xs[:0], way="newton")
    assert none[1].shape == (0, ROWS, 3) and xs.shape[-1] == IN
