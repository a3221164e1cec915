"""Spectra and fixed points: against NumPy, against what is known, for every layer."""

import dataclasses
import sys

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import IN, LAYERS, STEPPERS, jit, over, over_named
from random_data import random_carry, random_inputs, random_params

from seqjax import LSTM, Cell, Elman, Readout, inspect
from seqjax.cells.elman import ElmanCarry, ElmanParams
from seqjax.inspect import fixed_points, jacobian_spectrum, lyapunov_exponents
from seqjax.inspect import spectra as spectra_module

H = 4


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def orthogonal(seed, n):
    return np.linalg.qr(normal(seed, n, n))[0]


def linear(matrix, seed=1):
    """h⟨t⟩ = W h⟨t−1⟩ + U x⟨t⟩ + b, as a layer and its parameters."""
    n = len(matrix)
    layer = Elman(n, activation="identity")
    return layer, ElmanParams(normal(seed, IN, n), matrix.T, normal(seed + 1, n))


@dataclasses.dataclass(frozen=True)
class Driven(Cell):
    """h⟨t⟩ = X h⟨t−1⟩, where the input is X row by row."""

    features: int

    def init(self, key, in_features, dtype=jnp.float32):
        return ()

    def initial_carry(self, batch_shape=(), dtype=jnp.float32):
        return jnp.zeros((*batch_shape, self.features), dtype)

    def update(self, params, carry, u, v):
        matrix = u.reshape(*u.shape[:-1], self.features, self.features)
        carry = jnp.einsum("...ij,...j->...i", matrix, carry)
        return carry, carry


# In NumPy, from the papers' equations, for a row or for several.


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def elman_step(params, state, x):
    return np.tanh(x @ params.w_x + state @ params.w_h + params.b)


def lstm_step(params, state, x):
    h, c = np.split(state, 2, axis=-1)
    i, f, g, o = np.split(x @ params.w_x + h @ params.w_h + params.b, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return np.concatenate([sigmoid(o) * np.tanh(c), c], axis=-1)


def numpy_jacobians(step, params, xs, n):
    """∂s⟨t⟩/∂s⟨t−1⟩ from s⟨0⟩ = 0 on, by central differences: [T, n, n]."""
    params = type(params)(*map(np.asarray, params))
    state, moves, found = np.zeros(n), 1e-6 * np.eye(n), []
    for x in np.asarray(xs):
        ends = (step(params, state + sign * moves, x) for sign in (1, -1))
        found.append(np.subtract(*ends).T / 2e-6)
        state = step(params, state, x)
    return np.array(found)


def numpy_exponents(jacobians, discard):
    frame, growth = np.eye(len(jacobians[0])), []
    for jacobian in jacobians:
        frame, r = np.linalg.qr(jacobian @ frame)
        growth.append(np.log(np.abs(np.diag(r))))
    return np.mean(growth[discard:], axis=0)


def jacobians_of(layer, params, xs):
    """The Jacobians along a sequence, by JAX: [T, n, n]."""
    flat = inspect.state_map(layer, params, xs)

    def body(state, x):
        return flat.step(state, x), jax.jacrev(flat.step)(state, x)

    return jit(lambda: jax.lax.scan(body, flat.initial, xs)[1])()


BY_HAND = {"elman": (Elman(H), elman_step, H), "lstm": (LSTM(H), lstm_step, 2 * H)}
by_hand = pytest.mark.parametrize("case", BY_HAND.values(), ids=BY_HAND)


@by_hand
def test_exponents_agree_with_numpy(case):
    layer, step, n = case
    params, xs = random_params(layer), random_inputs(900)
    found = lyapunov_exponents(layer, params, xs, discard=400)
    wanted = numpy_exponents(numpy_jacobians(step, params, xs, n), 400)
    assert np.ptp(wanted) > 0.5
    np.testing.assert_allclose(found.exponents, np.sort(wanted)[::-1], atol=1e-7)


@by_hand
def test_singular_values_agree_with_numpy(case):
    layer, step, n = case
    params, xs = random_params(layer), random_inputs(6)
    found, product = jacobian_spectrum(layer, params, xs), np.eye(n)
    for t, jacobian in enumerate(numpy_jacobians(step, params, xs, n)):
        product = jacobian @ product
        wanted = np.linalg.svd(product, compute_uv=False)
        np.testing.assert_allclose(np.exp(found[t]), wanted, rtol=1e-6, atol=1e-10)


def test_exponents_of_a_linear_system_are_those_of_its_eigenvalues():
    moduli = np.array([1.7, 0.9, 0.9, 0.2])
    block = np.diag([-1.7, 0.0, 0.0, 0.2])
    turn = 0.9 * np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]])
    block[1:3, 1:3] = turn
    basis = normal(0, 4, 4)
    layer, params = linear(basis @ block @ np.linalg.inv(basis))
    found = lyapunov_exponents(layer, params, random_inputs(700), discard=100)
    exponents = np.asarray(found.exponents)
    np.testing.assert_allclose(exponents[[0, 3]], np.log(moduli[[0, 3]]), atol=1e-9)
    np.testing.assert_allclose(exponents[1:3], np.log(0.9), atol=5e-3)
    assert found.running.shape == (600, 4)
    np.testing.assert_array_equal(found.running[-1], exponents)
    few = lyapunov_exponents(layer, params, random_inputs(700), discard=100, count=2)
    assert few.exponents.shape == (2,) and few.running.shape == (600, 2)
    np.testing.assert_allclose(few.running[:, 0], found.running[:, 0], atol=1e-9)
    values = inspect.jacobian_eigenvalues(layer, params, random_inputs())
    np.testing.assert_allclose(np.abs(values), moduli)
    assert abs(abs(np.angle(values[1])) - 1) < 1e-9


def test_an_exponent_is_the_mean_of_what_was_counted():
    """With discard, the running estimates begin anew; their order is the final one."""
    layer = LAYERS["gru"]
    params, xs = random_params(layer), random_inputs(40)
    whole = lyapunov_exponents(layer, params, xs).running
    counted = lyapunov_exponents(layer, params, xs, discard=10).running
    sums = whole.sum(1) * jnp.arange(1, 41)
    np.testing.assert_allclose(
        counted.sum(1), (sums[10:] - sums[9]) / jnp.arange(1, 31), atol=1e-10
    )
    assert (np.diff(counted[-1]) <= 0).all()


@over_named("gru", "lstm", "stack", "learned_start", "fast_weights")
def test_the_sum_of_all_exponents_is_the_mean_log_determinant(layer):
    params, xs = random_params(layer), random_inputs(25)
    logs = np.linalg.slogdet(jacobians_of(layer, params, xs))[1]
    found = lyapunov_exponents(layer, params, xs, discard=5)
    np.testing.assert_allclose(found.exponents.sum(), logs[5:].mean(), rtol=1e-9)
    spectrum = jacobian_spectrum(layer, params, xs)
    np.testing.assert_allclose(spectrum.sum(1), np.cumsum(logs), rtol=1e-7)


def test_singular_values_of_a_long_product_are_exact():
    """X⟨t⟩ = Q⟨t⟩ D Q⟨t−1⟩ᵀ with random rotations: the product's are those of D, t
    times over, which leave float64 far behind."""
    log_d = np.array([0.4, 0.38, 0.1, -0.2, -0.25, -1.3])
    n, steps = len(log_d), 1200
    turns = [orthogonal(t, n) for t in range(steps + 1)]
    pairs = zip(turns[1:], turns[:-1], strict=True)
    matrices = [(after * np.exp(log_d)) @ before.T for after, before in pairs]
    xs = jnp.asarray(np.array(matrices).reshape(steps, n * n))
    found = jacobian_spectrum(Driven(n), (), xs)
    lags = np.arange(1, steps + 1)[:, None]
    wanted = lags * log_d
    assert wanted.min() < -1500
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    largest = jacobian_spectrum(Driven(n), (), xs[:1]), log_d[None]
    np.testing.assert_allclose(*largest, atol=1e-12)


def lorenz_step(state, _, h=0.02):
    """Lorenz (1963), a step of h by the method of Runge and Kutta."""

    def rate(s):
        x, y, z = s
        return jnp.array([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])

    a = rate(state)
    b = rate(state + h / 2 * a)
    c = rate(state + h / 2 * b)
    return state + h / 6 * (a + 2 * b + 2 * c + rate(state + h * c))


def test_the_exponents_of_the_lorenz_system():
    """0.9056, 0 and −14.572 nats per unit of time: Viswanath (1998), Sprott (2003)."""
    xs, start = jnp.zeros((60_000, 0)), jnp.array([1.0, 2.0, 20.0])
    of = jit(
        lambda: inspect.lyapunov_exponents_of(lorenz_step, start, xs, discard=1000)
    )
    found = np.asarray(of().exponents) / 0.02
    np.testing.assert_allclose(found, [0.9056, 0, -14.572], atol=0.02)
    np.testing.assert_allclose(found.sum(), -(10 + 1 + 8 / 3), atol=2e-3)


def test_a_linear_contraction_has_one_fixed_point():
    matrix = 0.9 * orthogonal(3, 5)
    layer, params = linear(matrix)
    x = random_inputs()
    found = fixed_points(layer, params, x, 3 * normal(4, 20, 5), fixed=1e-25)
    wanted = np.linalg.solve(np.eye(5) - matrix, x @ params.w_x + params.b)
    assert found.states.shape == (1, 5) and found.fixed.all() and found.stable.all()
    np.testing.assert_allclose(found.states[0], wanted, rtol=1e-10)
    np.testing.assert_allclose(np.abs(found.eigenvalues), 0.9)
    assert isinstance(found.carries, ElmanCarry)
    np.testing.assert_array_equal(found.carries.h, found.states)


def bistable(bias):
    """h⟨t⟩ = tanh(2 h⟨t−1⟩ + b)."""
    return Elman(1), ElmanParams(*map(np.array, ([[1.0]], [[2.0]], [bias])))


def test_a_bistable_unit_has_three_fixed_points():
    layer, params = bistable(0.0)
    starts = np.linspace(-1, 1, 12)[:, None]
    found = fixed_points(layer, params, np.zeros(1), starts, fixed=1e-25)
    order = np.argsort(found.states[:, 0])
    states = found.states[order, 0]
    np.testing.assert_allclose(states, [-0.957504, 0, 0.957504], atol=1e-6)
    assert found.fixed.all()
    assert found.stable[order].tolist() == [True, False, True]
    slopes = 2 * (1 - states**2)
    np.testing.assert_allclose(found.eigenvalues[order, 0], slopes)


def test_where_two_points_have_just_met_and_gone_a_slow_one_is_left():
    """tanh(2h + b) touches h where its slope 2 (1 − h²) is 1: at h = √½, where
    b = atanh √½ − √2. With a smaller b the state creeps past this place."""
    touching = np.arctanh(np.sqrt(0.5)) - np.sqrt(2)
    layer, params = bistable(touching - 1e-3)
    found = fixed_points(layer, params, np.zeros(1), np.linspace(-1, 1, 12)[:, None])
    assert found.fixed.tolist() == [True, False]
    assert found.states[0, 0] < -0.9 and abs(found.states[1, 0] - np.sqrt(0.5)) < 0.01
    moved = np.tanh(2 * found.states[1, 0] + touching - 1e-3) - found.states[1, 0]
    np.testing.assert_allclose(found.q[1], moved**2 / 2)
    few = fixed_points(layer, params, np.zeros(1), np.array([[0.7]]), slow=1e-9)
    assert few.states.shape == few.eigenvalues.shape == (0, 1)
    assert few.q.shape == few.fixed.shape == few.stable.shape == (0,)


def test_an_input_moves_the_fixed_points():
    layer, params = bistable(0.0)
    (state,) = fixed_points(layer, params, np.ones(1), np.zeros((3, 1))).states
    np.testing.assert_allclose(np.tanh(2 * state + 1), state, atol=1e-5)


def test_points_out_of_reach_are_left_out():
    layer, params = bistable(0.0)
    starts = np.array([[-0.8], [0.1], [0.6]])
    farthest = np.ptp([starts.mean(), -0.8])
    for reach, count in ((np.inf, 3), (1.25, 2), (1.0, 1)):
        found = fixed_points(layer, params, np.zeros(1), starts, reach=reach)
        assert len(found.q) == count
        assert (np.abs(found.states - starts.mean()) <= reach * farthest).all()


@over_named("lstm", "stack", "learned_start", "fast_weights", "echo_state(leak=0.3)")
def test_a_state_is_the_carry_as_a_vector(layer):
    params, xs = random_params(layer), random_inputs(5, 2)
    states = inspect.trajectories(layer, params, xs)
    carry, _ = layer.unroll(params, xs)
    flat = inspect.state_map(layer, params, xs)
    last = jax.vmap(flat.carry_of)(states[-1])
    chex.assert_trees_all_close(last, carry, rtol=1e-10)
    step = jax.vmap(flat.step)(states[-2], xs[-1])
    np.testing.assert_allclose(step, states[-1], rtol=1e-10)
    begin = random_carry(layer, (2,))
    states = inspect.trajectories(layer, params, xs[:1], begin)
    after, _ = layer.step(params, begin, xs[0])
    row = jax.tree.map(lambda leaf: leaf[1], after)
    of_row = inspect.state_map(layer, params, xs, row).initial
    np.testing.assert_allclose(states[0, 1], of_row, rtol=1e-10)


@over(STEPPERS)
def test_every_layer_that_can_step_can_be_looked_at(layer):
    """By shapes alone; the laws above run some of each kind."""
    params, xs = random_params(layer), random_inputs(3)
    n = inspect.state_map(layer, params, xs).initial.size
    spectrum = jax.eval_shape(jacobian_spectrum, layer, params, xs)
    assert spectrum.shape == (3, n) and spectrum.dtype == "float64"
    search = sys.modules[fixed_points.__module__]._search
    found = jax.eval_shape(search, layer, params, xs[0], np.zeros((2, n)), 9)
    assert [leaf.shape for leaf in found] == [(2, n), (2,), (2, n, n)]


def test_equal_layers_are_compiled_once():
    jitted = (
        spectra_module.lyapunov_exponents,
        spectra_module.jacobian_spectrum,
        inspect.trajectories,
    )
    params = random_params(LSTM(5))
    for function in jitted:
        function(LSTM(5), params, random_inputs(4))
        before = function._cache_size()
        function(LSTM(5), params, 2 * random_inputs(4))
        assert function._cache_size() == before


def test_what_cannot_be_is_refused():
    layer = LAYERS["gru"]
    params, xs = random_params(layer), random_inputs(4)
    for options, message in (
        ({"count": 0}, "count must be in 1 … 4, not 0"),
        ({"count": 5}, "count must be in 1 … 4, not 5"),
        ({"discard": 4}, "discard must be in 0 … 3, not 4"),
        ({"discard": -1}, "discard must be in 0 … 3, not -1"),
    ):
        with pytest.raises(ValueError, match=message):
            lyapunov_exponents(layer, params, xs, **options)
    memoryless = Readout(2)
    with pytest.raises(ValueError, match="keeps nothing from step to step"):
        lyapunov_exponents(memoryless, random_params(memoryless), xs)
    ahead = LAYERS["bidirectional"]
    with pytest.raises(NotImplementedError):
        inspect.trajectories(ahead, random_params(ahead), xs)


def test_principal_components_are_where_states_differ():
    axes, scales = orthogonal(0, 5), np.array([3.0, 1.0, 0.3, 0.01, 0.01])
    states = (normal(1, 40, 50, 5) * scales) @ axes.T + normal(2, 5)
    found = inspect.principal_components(states, 2)
    np.testing.assert_allclose(np.abs(found.axes @ axes[:, :2]), np.eye(2), atol=0.05)
    np.testing.assert_allclose(found.axes @ found.axes.T, np.eye(2), atol=1e-12)
    seen = found.project(states)
    assert seen.shape == (40, 50, 2)
    np.testing.assert_allclose(seen.mean((0, 1)), 0, atol=1e-12)
    total = states.reshape(-1, 5).var(axis=0).sum()
    np.testing.assert_allclose(found.shares, seen.var((0, 1)) / total, rtol=1e-9)
    for count in (0, 6):
        with pytest.raises(ValueError, match="count must be in 1 … 5"):
            inspect.principal_components(states, count)
    with pytest.raises(ValueError, match="two states"):
        inspect.principal_components(states[0, :1])
