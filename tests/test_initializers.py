"""How layers begin: keys, the scale of each gate, biases, kernels, random carries."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import IN, assert_close, jit, over_named
from random_data import random_inputs

from seqjax import Bidirectional, Readout, Stack, random_carry
from seqjax.cells import CELLS, LSTM, Elman, PeepholeLSTM, make
from seqjax.initializers import (
    Glorot,
    He,
    Orthogonal,
    ScaledIdentity,
    Sparse,
    Zeros,
    scale_to_spectral_radius,
)


@over_named("echo_state", "learned_start")
def test_many_keys_draw_at_once(layer):
    def init(key):
        return layer.init(key, IN, jnp.float64)

    keys = jax.random.split(jax.random.key(0))
    drawn = jit(jax.vmap(init))(keys)
    assert_close(jax.tree.map(lambda a: a[1], drawn), jit(init)(keys[1]))


def test_the_layers_of_a_combinator_draw_apart():
    key = jax.random.key(0)
    for layer in (Stack((Elman(IN), Elman(IN))), Bidirectional(Elman(IN))):
        one, other = layer.init(key, IN)
        assert np.all(one.w_x != other.w_x)
        assert np.all(one.w_h != other.w_h)


def biases_of(layer):
    """The biases gate by gate."""
    layer = dataclasses.replace(layer, kernel_init=Zeros(), recurrent_init=Zeros())
    b = layer.init(jax.random.key(0), IN, jnp.float64).b
    return np.split(b, len(b) // layer.features)


@pytest.mark.parametrize("cell", [LSTM, PeepholeLSTM])
def test_forget_bias_is_applied_at_init(cell):
    i, f, g, o = biases_of(cell(4, forget_bias=2.5))
    assert f.tolist() == [2.5] * 4
    assert not np.any([i, g, o])
    _, f, _, _ = biases_of(cell(4))
    assert f.tolist() == [1.0] * 4


def test_a_coupled_gate_is_biased_the_other_way():
    i, g, o = biases_of(LSTM(4, coupled=True, forget_bias=2.5))
    assert i.tolist() == [-2.5] * 4
    assert not np.any([g, o])


def test_chrono_draws_the_biases_of_the_memory():
    """The forget gate's is the logarithm of a lag, uniform from 1 to chrono − 1."""
    i, f, g, o = biases_of(LSTM(2000, chrono=21))
    np.testing.assert_array_equal(i, -f)
    assert not np.any([g, o])
    lags = np.exp(f)
    assert 1 <= lags.min() < 1.1
    assert 19.9 < lags.max() <= 20
    np.testing.assert_allclose(lags.mean(), 10.5, rtol=0.05)
    i, _, _ = biases_of(LSTM(2000, coupled=True, chrono=21))
    assert -np.log(20) <= i.min() < i.max() <= 0
    with pytest.raises(ValueError, match="longest lag above 2 steps, not 2"):
        biases_of(LSTM(4, chrono=2))


@pytest.mark.parametrize(
    "cell, gate, sign",
    [("gru", 1, -1), ("simplified_gru", 0, -1), ("gru_reset_after", 1, 1)],
)
def test_chrono_lets_a_gru_keep_its_state(cell, gate, sign):
    """Its one gate takes the candidate at 1, or after the product keeps the state."""
    key = jax.random.key(3)
    plain, slow = (CELLS[cell](500, chrono=n).init(key, 2) for n in (None, 21))
    gates = np.split(np.asarray(slow.b), len(slow.b) // 500)
    lags = np.exp(sign * gates.pop(gate))
    assert 1 <= lags.min() < 1.2 and 19.7 < lags.max() <= 20
    assert not np.any(gates) and not np.any(plain.b)
    np.testing.assert_array_equal(slow.w_x, plain.w_x)
    np.testing.assert_array_equal(slow.w_h, plain.w_h)


@pytest.mark.parametrize(
    "cell, gate", [("layer_norm_gru", 1), ("min_gru", 0), ("minimal_gated_unit", 0)]
)
def test_chrono_lets_other_cells_keep_their_state(cell, gate):
    """Of these, a gate at 1 takes the candidate."""
    key = jax.random.key(3)
    slow = jit(lambda key: CELLS[cell](500, chrono=21).init(key, 2).b)(key)
    gates = np.split(np.asarray(slow), len(slow) // 500)
    lags = np.exp(-gates.pop(gate))
    assert 1 <= lags.min() < 1.2 and 19.7 < lags.max() <= 20
    assert not np.any(gates)


def test_random_carries_are_normal_and_leaves_differ():
    h, c = random_carry(LSTM(500), jax.random.key(0), (40,), 2.0, jnp.float64)
    assert h.shape == (40, 500)
    assert np.all(h != c)
    for leaf in (h, c):
        np.testing.assert_allclose(leaf.std(), 2, rtol=0.05)
        assert abs(leaf.mean()) < 0.05
    assert random_carry(Readout(3), jax.random.key(0)) == ()


def draw(initializer, *shape, seed=0, dtype=jnp.float64):
    key = jax.random.key(seed)
    return np.asarray(jit(lambda key: initializer(key, shape, dtype))(key))


@pytest.mark.parametrize("shape", [(6, 6), (3, 7), (7, 3)], ids=str)
def test_orthogonal_kernels_are_orthogonal_up_to_their_scale(shape):
    w = draw(Orthogonal(1.5), *shape) / 1.5
    small = w @ w.T if shape[0] < shape[1] else w.T @ w
    assert_close(small, np.eye(min(shape)))
    assert np.any(draw(Orthogonal(), *shape, seed=1) != draw(Orthogonal(), *shape))


@pytest.mark.parametrize("initializer", [Orthogonal(), Sparse(density=0.5)], ids=repr)
def test_kernels_are_drawn_in_half_precision_too(initializer):
    for dtype in (jnp.bfloat16, jnp.float16):
        half, single = (draw(initializer, 6, 6, dtype=d) for d in (dtype, jnp.float32))
        assert half.dtype == dtype
        np.testing.assert_allclose(half.astype(jnp.float32), single, atol=0.01)


def test_kernels_have_the_scale_of_their_definition():
    rows, columns = 200, 300
    he, glorot = draw(He(), rows, columns), draw(Glorot(), rows, columns)
    np.testing.assert_allclose(he.var(), 2 / rows, rtol=0.02)
    np.testing.assert_allclose(glorot.var(), 2 / (rows + columns), rtol=0.02)
    assert_close(draw(ScaledIdentity(0.3), 4, 4), 0.3 * np.eye(4))
    assert not np.any(draw(Zeros(), 3, 4))


def spectral_radius(w):
    return np.abs(np.linalg.eigvals(np.asarray(w, np.float64))).max()


@pytest.mark.parametrize("density", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_reservoirs_have_their_density_and_spectral_radius(density, dtype):
    w = draw(Sparse(density, 1.3), 150, 150, dtype=dtype)
    assert w.dtype == dtype
    np.testing.assert_allclose(np.mean(w != 0), density, rtol=0.1)
    np.testing.assert_allclose(spectral_radius(w), 1.3, rtol=1e-4)
    assert w.min() < 0 < w.max()


def test_nilpotent_reservoirs_are_left_alone():
    w = jnp.triu(random_inputs(IN), 1)
    chex.assert_trees_all_equal(scale_to_spectral_radius(w, 0.9), w)


def test_an_echo_state_is_scaled_as_its_fields_say():
    layer = make(
        "echo_state(spectral_radius=0.7, density=0.2, input_scale=0.5, bias_scale=0.3)",
        features=200,
    )
    params = jit(lambda key: layer.init(key, 30, jnp.float64))(jax.random.key(0))
    np.testing.assert_allclose(spectral_radius(params.w_h), 0.7, rtol=1e-4)
    np.testing.assert_allclose(np.mean(params.w_h != 0), 0.2, rtol=0.1)
    for leaf, scale in ((params.w_x, 0.5), (params.b, 0.3)):
        assert 0.97 * scale < leaf.max() <= scale
        assert -scale <= leaf.min() < -0.97 * scale
