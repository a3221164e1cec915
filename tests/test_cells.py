"""Particular cells: the stacked form, the gates, the names."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import FEATURES, IN, assert_close, over
from random_data import (
    random_arguments,
    random_carry,
    random_inputs,
    random_params,
)

from seqjax import CELLS, cells
from seqjax.cells import LSTM, Elman, SimplifiedGRU, make, to_stacked
from seqjax.testing import LAWS

STEPS, ROWS = 3, 5


@over({g: Elman(FEATURES, activation=g) for g in ("sigmoid", "softplus")})
def test_pull_back_is_the_derivative_of_any_activation(layer):
    LAWS["pull_back_is_the_derivative_of_update"](layer, IN)


def test_an_activation_may_be_a_function():
    named, given = Elman(4, activation="tanh"), Elman(4, activation=jnp.tanh)
    params, xs, carry = random_arguments(named, STEPS, ROWS)
    assert_close(named.unroll(params, xs, carry), given.unroll(params, xs, carry))


def test_the_worked_example_is_stacked():
    params = jax.eval_shape(lambda: Elman(100).init(jax.random.key(0), 10_000))
    assert jax.eval_shape(to_stacked, params).shape == (100, 10_100)


def test_the_stacked_form_is_the_step():
    def step_and_stacked(layer):
        """The step's new state, the old one, and W_a [a; x] + b."""
        params, carry = random_params(layer), random_carry(layer, (ROWS,))
        x = random_inputs(ROWS)
        after, y = layer.step(params, carry, x)
        assert_close(after.h, y)
        both = jnp.concatenate([carry.h, x], axis=-1)
        return y, carry.h, both @ to_stacked(params).T + params.b

    found, _, z = step_and_stacked(Elman(4))
    assert_close(found, jnp.tanh(z))

    found, c, z = step_and_stacked(SimplifiedGRU(4))
    Γu, c̃ = jax.nn.sigmoid(z[:, :4]), jnp.tanh(z[:, 4:])
    assert_close(found, Γu * c̃ + (1 - Γu) * c)


def test_a_closed_update_gate_remembers():
    layer, steps, open_by = SimplifiedGRU(4), 50, 1e-6
    params, carry = random_params(layer), random_carry(layer, (ROWS,))
    xs = random_inputs(steps, ROWS)

    def change(bias):
        """How far h moves if only this bias acts on the update gate."""
        fixed = params._replace(
            w_x=params.w_x.at[:, :4].set(0),
            w_h=params.w_h.at[:, :4].set(0),
            b=params.b.at[:4].set(bias),
        )
        last, _ = layer.unroll(fixed, xs, carry)
        return np.abs(last.h - carry.h).max()

    most = steps * open_by * (1 + np.abs(carry.h).max())
    assert 0 < change(bias=np.log(open_by / (1 - open_by))) < most
    assert change(bias=3) > 0.5


def test_cells_are_made_from_their_names():
    for name, cell in CELLS.items():
        assert make(name, features=4) == cell(4)
        assert make(f" {name}(features=5) ") == cell(5)
        assert getattr(cells, cell.__name__) is cell
    found = make("lstm(coupled=True, forget_bias=-2)", features=3)
    assert found == LSTM(3, coupled=True, forget_bias=-2)


BAD_NAMES = [
    ("lstn", "no cell 'lstn'; there are echo_state, elman, .*lstm"),
    ("", "a cell is a name"),
    ("lstm(", "a cell is a name"),
    ("lstm(4)", "a cell is a name"),
    ("lstm(coupled=yes)", "a cell is a name"),
    ("lstm(chrono={[]: 1})", "a cell is a name"),
    ("seqjax.lstm", "a cell is a name"),
    ("lstm()()", "a cell is a name"),
    ("lstm, gru", "a cell is a name"),
    ("lstm(couple=True)", "'lstm.couple=True.'.*unexpected .*'couple'"),
    ("lstm(features=3)", "multiple values for keyword argument 'features'"),
    ("lstm(chrono=[9])", r"LSTM\.chrono must be a hashable"),
    ("echo_state(leak=2.0)", "leak must be in"),
    ("elman(activation='sine')", "no activation 'sine'"),
]


@pytest.mark.parametrize(("text", "fault"), BAD_NAMES)
def test_bad_cell_names_are_one_clear_sentence(text, fault):
    with pytest.raises(ValueError, match=fault) as raised:
        make(text, features=4)
    assert "\n" not in str(raised.value)
    with pytest.raises(ValueError, match="missing .*'features'"):
        make("gru")
