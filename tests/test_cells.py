"""Particular cells: the stacked form, the gates, the names."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import FEATURES, IN, assert_close, jit, over
from random_data import (
    random_arguments,
    random_carry,
    random_inputs,
    random_params,
)

from experiments.shared.layers import features_for, stacked
from seqjax import CELLS, cells
from seqjax.cells import LSTM, Elman, SimplifiedGRU, make, to_stacked
from seqjax.inspect import trace
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
    ("lstn", "no cell 'lstn'; there are conv_lstm, echo_state, .*lstm"),
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


@pytest.mark.parametrize("name", sorted(CELLS))
def test_a_budget_of_parameters_is_used_and_kept(name):
    def count(features):
        layer = stacked(name, features, layers=2)
        shapes = jax.eval_shape(lambda: layer.init(jax.random.key(0), features))
        return sum(leaf.size for leaf in jax.tree.leaves(shapes))

    features = features_for(2_000, name, layers=2)
    assert count(features) <= 2_000 < count(features + 1)


# Each state from the gates of its step and the state before it.
EQUATIONS = {
    "lstm": lambda g, before: {"c": g["i"] * g["g"] + g["f"] * before.c},
    "lstm(coupled=True)": lambda g, before: {
        "c": g["i"] * g["g"] + (1 - g["i"]) * before.c
    },
    "peephole_lstm": lambda g, before: {"c": g["i"] * g["g"] + g["f"] * before.c},
    "gru": lambda g, before: {"h": g["u"] * g["c"] + (1 - g["u"]) * before.h},
    "simplified_gru": lambda g, before: {
        "h": g["u"] * g["c"] + (1 - g["u"]) * before.h
    },
    "gru_reset_after": lambda g, before: {
        "h": (1 - g["z"]) * g["n"] + g["z"] * before.h
    },
    "layer_norm_gru": lambda g, before: {
        "h": g["u"] * g["c"] + (1 - g["u"]) * before.h
    },
    "layer_norm_lstm": lambda g, before: {"c": g["i"] * g["g"] + g["f"] * before.c},
    "lstm_1997": lambda g, before: {"s": g["i"] * g["g"] + before.s},
    "min_gru": lambda g, before: {"h": g["b"] + (1 - g["z"]) * before.h},
    "min_lstm": lambda g, before: {"h": g["b"] + g["f"] * before.h},
    "minimal_gated_unit": lambda g, before: {
        "h": g["f"] * g["c"] + (1 - g["f"]) * before.h
    },
    "projected_lstm": lambda g, before: {"c": g["i"] * g["g"] + g["f"] * before.c},
    "slstm": lambda g, before: {"c": g["i"] * g["z"] + g["f"] * before.c},
}


@pytest.mark.parametrize("name", sorted(EQUATIONS))
def test_the_gates_of_a_trace_are_named_as_in_the_equations(name):
    cell = make(name, features=FEATURES)
    params, xs, carry = random_arguments(cell, STEPS, ROWS)
    (seen,) = trace(cell, params, xs, carry).cells.values()
    stacked = jax.tree.map(
        lambda a, b: jnp.concatenate([a[None], b]), carry, seen.carry
    )
    before = jax.tree.map(lambda a: a[:-1], stacked)
    for leaf, expected in EQUATIONS[name](seen.gates, before).items():
        assert_close(getattr(seen.carry, leaf), expected)
    if name in ("lstm", "lstm(coupled=True)", "peephole_lstm"):
        assert_close(seen.carry.h, seen.gates["o"] * jnp.tanh(seen.carry.c))
    if name == "gru":
        w_c = params.w_h[:, 2 * FEATURES :]
        candidate = cell.project(params, xs)[..., 2 * FEATURES :]
        reset = (seen.gates["r"] * before.h) @ w_c
        assert_close(seen.gates["c"], jnp.tanh(candidate + reset))


def test_slstm_is_its_exponentials_where_these_are_finite_and_goes_on_where_not():
    """From the empty memory; beyond e⁷⁰⁰ a double has no room for the sums."""
    layer = make("slstm", features=FEATURES)
    drawn, xs, _ = random_arguments(layer, 6, ROWS)
    drawn = jax.tree.map(jnp.asarray, drawn)
    for push in (0.0, 400.0):  # of the input gate
        params = drawn._replace(b=drawn.b.at[:FEATURES].add(push))
        h = c = n = np.zeros((ROWS, FEATURES))
        for x in xs:
            i, f, z, o = np.split(x @ params.w_x + h @ params.w_h + params.b, 4, -1)
            c = c / (1 + np.exp(-f)) + np.exp(i) * np.tanh(z)
            n = n / (1 + np.exp(-f)) + np.exp(i)
            h = c / n / (1 + np.exp(-o))
        last, ys = jit(layer.unroll)(params, xs)
        assert_close(ys[-1], jnp.asarray(h))
        assert_close(last.c / last.n, jnp.asarray(c / n))
    for push in (2000.0, -80.0):  # in float32, exp(89) is infinite, exp(−104) is 0
        params = drawn._replace(b=drawn.b.at[:FEATURES].add(push))
        found = jit(lambda *a: layer.unroll(*a, dtype="float32"))(params, xs)
        slopes = jit(
            jax.grad(lambda p: jnp.sum(layer.unroll(p, xs, dtype="float32")[1]))
        )
        assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(found))
        assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(slopes(params)))


def test_heads_are_blocks_of_their_own():
    layer = make("slstm", features=FEATURES, heads=2)
    for law in ("recur_is_affine", "gradients_are_central_differences"):
        LAWS[law](layer, IN)
    with pytest.raises(ValueError, match="heads must divide features"):
        make("slstm", features=FEATURES, heads=3)


def test_recurrent_weights_of_ind_rnn_begin_below_the_published_bound():
    key, steps = jax.random.key(0), 20
    for longest, bound in ((None, 1.0), (steps, 2 ** (1 / steps))):
        w_h = make("ind_rnn", features=500, longest=longest).init(key, 2).w_h
        assert 0 <= w_h.min() < 0.02 and 0.98 * bound < w_h.max() <= bound


def test_a_projected_lstm_has_a_memory_of_another_width():
    layer = make("projected_lstm", features=3)
    params = layer.init(jax.random.key(0), 2)
    shapes = {name: a.shape for name, a in params._asdict().items()}
    assert shapes == {"w_x": (2, 48), "w_h": (3, 48), "b": (48,), "w_p": (12, 3)}
    last, ys = layer.unroll(params, jnp.ones((4, 5, 2)))
    assert (ys.shape, last.h.shape, last.c.shape) == ((4, 5, 3), (5, 3), (5, 12))
