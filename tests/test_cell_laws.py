"""What a cell adds to a layer: its parts, the stacked form, its name."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import CELL_LAYERS, FEATURES, FUSED, IN, assert_close, over
from random_data import (
    random_arguments,
    random_carry,
    random_inputs,
    random_like,
    random_params,
)

from seqjax import CELLS, Cell, cells
from seqjax.cells import LSTM, Elman, SimplifiedGRU, from_stacked, make, to_stacked

STEPS, ROWS = 3, 5


@over(CELL_LAYERS)
def test_recur_is_affine(layer):
    params = random_params(layer)
    one, other = (random_carry(layer, (2, ROWS), seed=seed) for seed in (1, 2))

    def between(a, b):
        return jax.tree.map(lambda a, b: 1.7 * a - 0.7 * b, a, b)

    assert_close(
        layer.recur(params, between(one, other)),
        between(layer.recur(params, one), layer.recur(params, other)),
    )


@over(CELL_LAYERS)
def test_project_does_not_look_at_time(layer):
    order = np.array([3, 0, 5, 1, 4, 2])
    params, xs = random_params(layer), random_inputs(len(order), ROWS)
    whole = layer.project(params, xs)
    permuted = jax.tree.map(lambda u: u[order], whole)
    assert_close(layer.project(params, xs[order]), permuted)
    alone = [layer.project(params, x) for x in xs.reshape(-1, IN)]
    stacked = jax.tree.map(lambda *u: jnp.stack(u), *alone)
    assert_close(stacked, jax.tree.map(lambda u: u.reshape(len(alone), -1), whole))


@over(
    CELL_LAYERS
    | {f"elman({g})": Elman(FEATURES, activation=g) for g in ("sigmoid", "softplus")}
)
def test_pull_back_is_the_derivative_of_update(layer):
    """A derivative written by hand is JAX's own, with parameters summed over steps."""
    params, carry = random_params(layer), random_carry(layer, (STEPS, ROWS))
    u = layer.project(params, random_inputs(STEPS, ROWS))
    v = layer.recur(params, carry)
    after, y = layer.update(params, carry, u, v)
    cotangents = random_like((after, y), seed=5)
    kept = layer.residuals(params, carry, u, v, after)
    d_params, *rest = layer.pull_back(params, carry, kept, *cotangents)
    expected, *expected_rest = Cell.pull_back(layer, params, carry, (u, v), *cotangents)
    assert_close(rest, expected_rest)
    if d_params is None:
        d_params = jax.tree.map(jnp.zeros_like, params)
    assert_close(d_params, expected)


def test_an_activation_may_be_a_function():
    named, given = Elman(4, activation="tanh"), Elman(4, activation=jnp.tanh)
    params, xs, carry = random_arguments(named, STEPS, ROWS)
    assert_close(named.unroll(params, xs, carry), given.unroll(params, xs, carry))


def test_the_worked_example_is_stacked():
    params = jax.eval_shape(lambda: Elman(100).init(jax.random.key(0), 10_000))
    assert jax.eval_shape(to_stacked, params).shape == (100, 10_100)


@over(FUSED)
def test_stacking_goes_both_ways(layer):
    params, other = random_params(layer), random_params(layer, seed=9)
    w_a = to_stacked(params)
    gates = params.w_h.shape[1]
    assert w_a.shape == (gates, FEATURES + IN)
    back = from_stacked(other, w_a)
    kernels = {"w_x": params.w_x, "w_h": params.w_h}
    chex.assert_trees_all_equal(back, other._replace(**kernels))
    with pytest.raises(ValueError, match="W_a must be"):
        from_stacked(params, w_a.T)


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
