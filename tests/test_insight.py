"""Numbers of a network: gradients by lag, traces, units."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import IN, jit, over_named
from random_data import random_like

from seqjax import Bidirectional, Stack
from seqjax.cells import GRU, LSTM, Elman
from seqjax.cells.gru import GRUCarry
from seqjax.inspect import activity, gradient_by_lag, half_life, trace, verdict
from seqjax.inspect.lags import geometric_mean

STEPS, ROWS = 5, 3
LENGTHS = np.array([5, 3, 1])
DIRECTION = np.array([0.4, -1.2, 0.7, 0.3])


def data(layer, seed=1):
    shapes = jax.eval_shape(lambda: layer.init(jax.random.key(0), IN))
    xs = np.random.default_rng(seed + 1).normal(size=(STEPS, ROWS, IN))
    return jax.tree.map(jnp.asarray, random_like(shapes, seed)), xs


def loss(layer, last):
    return jnp.sin(last @ DIRECTION[: layer.features])


@functools.partial(jit, static_argnums=0)
def by_lag(layer, params, xs, lengths):
    return gradient_by_lag(
        layer, params, xs, lengths, loss=functools.partial(loss, layer)
    )


@functools.partial(jit, static_argnums=0)
def through_the_rest(layer, params, carry, xs):
    """The gradient of a row's loss by the carry before `xs`, norms over all leaves."""

    def last(carry):
        _, ys = layer.unroll(params, xs, carry, gradient="plain")
        return loss(layer, ys[-1])

    leaves = jax.tree.leaves(jax.grad(last)(carry))
    return jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in leaves))


@over_named("elman", "gru", "peephole_lstm", "fast_weights", "learned_start")
def test_the_gradient_by_lag_is_that_through_the_rest_of_the_sequence(layer):
    """At lag k: run to T − k, then differentiate the rest by the carry there."""
    params, xs = data(layer)
    padding = np.arange(STEPS)[:, None] >= LENGTHS
    padded = np.where(padding[..., None], np.nan, xs)
    ((norms, _),) = jax.device_get(by_lag(layer, params, padded, LENGTHS)).values()
    for row, length in enumerate(LENGTHS):
        assert np.isnan(norms[length:, row]).all()
        for k in range(1, length):
            carry, _ = unroll(layer, params, xs[: length - k, row])
            rest = xs[length - k : length, row]
            expected = through_the_rest(layer, params, carry, rest)
            assert norms[k, row] == pytest.approx(float(expected), 1e-9)


unroll = jit(lambda layer, params, xs: layer.unroll(params, xs))


def test_a_lower_state_also_reaches_up_at_its_own_step():
    """Moved by hand in a loop of steps: what a layer hands up moves with its state."""
    lower, upper = LSTM(2), GRU(3)
    layer = Stack((lower, upper))
    params, xs = data(layer)
    norms = by_lag(layer, params, xs, np.full(ROWS, STEPS))["0.LSTM"].leaves.h

    @jit
    def moved(move):  # [STEPS, 2]
        below, above = layer.initial_carry_from(params, dtype=float)
        for t in range(STEPS):
            below, y = lower.step(params[0], below, xs[t, 0])
            below = below._replace(h=below.h + move[t])
            above, y = upper.step(params[1], above, y + move[t])
        return loss(layer, y)

    for t in range(STEPS):
        moves = 1e-6 * np.eye(STEPS)[t][:, None, None] * np.eye(2)
        slope = [moved(m) - moved(-m) for m in moves.swapaxes(0, 1)]
        expected = np.linalg.norm(slope) / 2e-6
        assert norms[STEPS - 1 - t, 0] == pytest.approx(expected, 1e-6)


def test_a_nudge_moves_valid_steps_alone():
    layer, mask = GRU(3), np.arange(STEPS)[:, None] < LENGTHS
    params, xs = data(layer)
    nudge = np.random.default_rng(3).normal(size=(STEPS, ROWS, 3))
    plain, padded, moved = (
        trace(layer, params, xs, mask=mask, nudges={"GRU": GRUCarry(h)})
        for h in (0 * nudge, nudge * ~mask[..., None], nudge)
    )
    np.testing.assert_array_equal(padded.carry.h, plain.carry.h)
    np.testing.assert_array_equal(padded.outputs, plain.outputs)
    first = moved.outputs[0] - plain.outputs[0]
    np.testing.assert_allclose(first, nudge[0], rtol=1e-5)


def test_a_linear_network_has_the_powers_of_its_matrix():
    cell = Elman(4, activation="identity")
    params, xs = data(cell)
    norms = by_lag(cell, params, xs, np.full(ROWS, STEPS))["Elman"].norm
    w = np.asarray(params.w_h)
    _, ys = cell.unroll(params, xs)
    slopes = np.cos(ys[-1] @ DIRECTION)[:, None] * DIRECTION
    for k in range(STEPS):
        expected = np.linalg.norm(slopes @ np.linalg.matrix_power(w.T, k), axis=-1)
        np.testing.assert_allclose(norms[k], expected, rtol=1e-9)


def test_lags_are_refused_where_the_future_is_read():
    layer = Bidirectional(GRU(2))
    params, xs = data(layer)
    with pytest.raises(ValueError, match="later"):
        gradient_by_lag(layer, params, xs)


def test_names_tell_the_cells_apart():
    layer = Stack((Bidirectional(GRU(2)), Stack((LSTM(2), LSTM(3)))))
    params, xs = data(layer)
    names = ["0.forward.GRU", "0.backward.GRU", "1.0.LSTM", "1.1.LSTM"]
    assert list(trace(layer, params, xs).cells) == names


@pytest.mark.parametrize(
    ("rate", "word", "half"),
    [(0.5, "vanishing", 1.0), (1.5, "exploding", np.inf), (0.99, "healthy", 68.97)],
)
def test_a_verdict_has_its_numbers(rate, word, half):
    rows = np.array([0.1, 30.0])
    norms = rows * rate ** np.arange(41.0)[:, None]
    norms[30:, 0] = np.nan
    found = verdict(norms[:30])
    assert found.word == word
    assert found.rate == pytest.approx(rate) and found.lags == 29
    assert found.half_life == pytest.approx(half, rel=1e-3)
    assert verdict(norms[:30], horizon=2, most=4 / 3).word == word
    assert geometric_mean(norms)[35] == pytest.approx(30 * rate**35)


def test_a_gradient_that_is_zero_vanishes():
    """Unless it falls to zero later: there a number has no smaller neighbour."""
    assert verdict(np.array([0.0, 0.0])).word == "vanishing"
    found = verdict(np.array([1.0, 0.5, 0.25, 0.0]))
    assert (found.rate, found.half_life, found.lags) == (0.5, 1.0, 2)


def test_units_are_counted_where_valid():
    mask = np.array([[True, True], [True, False], [True, False]])
    values = np.array([[[0.95, 0.5], [0.05, 0.5]], [[0.99, 0.2], [7, 7]]])
    values = np.concatenate([values, [[[0.02, 0.6], [7, 7]]]])
    found = activity(values, mask)
    np.testing.assert_allclose(found.mean, [2.01 / 4, 1.8 / 4])
    np.testing.assert_allclose(found.low, [0.5, 0])
    np.testing.assert_allclose(found.high, [0.5, 0])


def test_the_half_life_of_a_unit_is_that_of_its_decay():
    keep = np.stack([np.full((7, 2), 0.9), np.ones((7, 2)), np.zeros((7, 2))], -1)
    mask = np.arange(7)[:, None] < np.array([7, 3])
    keep[~mask] = np.nan
    steps = np.log(0.5) / np.log(0.9)
    np.testing.assert_allclose(half_life(keep, mask), [steps, np.inf, 0])
