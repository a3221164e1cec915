"""Each cell is its equations, written anew in NumPy.

An equation takes (layer, params, carry, x) to the new state, which is the output; or,
if there are two, to both, the output first.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import CELL_LAYERS, FEATURES, assert_close
from random_data import random_arguments

from seqjax.cells import make


def σ(a):
    return 1 / (1 + np.exp(-a))


def gates(params, count):
    """W_k [h; x] + b_k of each of `count` gates, as functions of h and x."""

    def gate(w_h, w_x, b):
        return lambda h, x: h @ w_h + x @ w_x + b

    parts = (np.split(a, count, axis=-1) for a in (params.w_h, params.w_x, params.b))
    return [gate(*part) for part in zip(*parts, strict=True)]


def elman(layer, params, carry, x):
    (z,) = gates(params, 1)
    g = {"tanh": np.tanh, "relu": lambda a: np.maximum(a, 0)}[layer.activation]
    return g(z(carry.h, x))


def simplified_gru(layer, params, carry, x):
    u, c = gates(params, 2)
    Γu, c̃ = σ(u(carry.h, x)), np.tanh(c(carry.h, x))
    return Γu * c̃ + (1 - Γu) * carry.h


def gru(layer, params, carry, x):
    r, u, c = gates(params, 3)
    Γr, Γu = σ(r(carry.h, x)), σ(u(carry.h, x))
    return Γu * np.tanh(c(Γr * carry.h, x)) + (1 - Γu) * carry.h


def gru_reset_after(layer, params, carry, x):
    r, z, n = gates(params, 3)
    r, z = σ(r(carry.h, x)), σ(z(carry.h, x))
    outside = n(0 * carry.h, x)
    inside = n(carry.h, x) - outside + params.b_n
    return (1 - z) * np.tanh(outside + r * inside) + z * carry.h


def lstm(layer, params, carry, x):
    if layer.coupled:
        i, g, o = (z(carry.h, x) for z in gates(params, 3))
        Γf = 1 - σ(i)
    else:
        i, f, g, o = (z(carry.h, x) for z in gates(params, 4))
        Γf = σ(f)
    c = σ(i) * np.tanh(g) + Γf * carry.c
    return σ(o) * (c if layer.output_activation == "identity" else np.tanh(c)), c


def peephole_lstm(layer, params, carry, x):
    i, f, g, o = (z(carry.h, x) for z in gates(params, 4))
    Γi, Γf = σ(i + params.p_i * carry.c), σ(f + params.p_f * carry.c)
    c = Γi * np.tanh(g) + Γf * carry.c
    return σ(o + params.p_o * c) * np.tanh(c), c


def echo_state(layer, params, carry, x):
    (z,) = gates(params, 1)
    g = {"tanh": np.tanh, "identity": np.asarray}[layer.activation]
    return (1 - layer.leak) * carry.h + layer.leak * g(z(carry.h, x))


def minimal_gated_unit(layer, params, carry, x):
    f, c = gates(params, 2)
    Γf = σ(f(carry.h, x))
    return Γf * np.tanh(c(Γf * carry.h, x)) + (1 - Γf) * carry.h


def positive(s):
    return np.where(s >= 0, s + 0.5, σ(s))


def min_gru(layer, params, carry, x):
    z, candidate = np.split(x @ params.w_x + params.b, 2, axis=-1)
    candidate = positive(candidate) if layer.positive else candidate
    return (1 - σ(z)) * carry.h + σ(z) * candidate


def min_lstm(layer, params, carry, x):
    i, f, candidate = np.split(x @ params.w_x + params.b, 3, axis=-1)
    i, f = σ(i), σ(f)
    candidate = positive(candidate) if layer.positive else candidate
    return f / (f + i) * carry.h + i / (f + i) * candidate


def ind_rnn(layer, params, carry, x):
    units = zip(params.w_x.T, params.w_h, params.b, carry.h.T, strict=True)
    return np.stack([np.maximum(x @ w + u * h + b, 0) for w, u, b, h in units], -1)


def projected_lstm(layer, params, carry, x):
    i, f, g, o = (z(carry.h, x) for z in gates(params, 4))
    c = σ(i) * np.tanh(g) + σ(f) * carry.c
    return (σ(o) * np.tanh(c)) @ params.w_p, c


def normalized(a, epsilon):
    return (a - a.mean(-1, keepdims=True)) / np.sqrt(a.var(-1, keepdims=True) + epsilon)


def layer_norm_lstm(layer, params, carry, x):
    of_x, of_h = (
        normalized(a, layer.epsilon) for a in (x @ params.w_x, carry.h @ params.w_h)
    )
    z = params.scale_x * of_x + params.scale_h * of_h + params.b
    i, f, g, o = np.split(z, 4, axis=-1)
    c = σ(i) * np.tanh(g) + σ(f) * carry.c
    m = params.scale_c * normalized(c, layer.epsilon) + params.b_c
    return σ(o) * np.tanh(m), c


def layer_norm_gru(layer, params, carry, x):
    def sums(a, w, scale):
        H = layer.features
        return [
            scale[part] * normalized(a @ w[:, part], layer.epsilon)
            for part in (slice(2 * H), slice(2 * H, None))
        ]

    (gates_x, c_x), (gates_h, c_h) = (
        sums(x, params.w_x, params.scale_x),
        sums(carry.h, params.w_h, params.scale_h),
    )
    b_r, b_u, b_c = np.split(params.b, 3)
    r, u = np.split(gates_x + gates_h + np.concatenate([b_r, b_u]), 2, axis=-1)
    c̃ = np.tanh(c_x + b_c + σ(r) * (c_h + params.b_n))
    return σ(u) * c̃ + (1 - σ(u)) * carry.h


def lstm_1997(layer, params, carry, x):
    i, g, o = (z(carry.h, x) for z in gates(params, 3))
    s = carry.s + σ(i) * (4 * σ(g) - 2)
    return σ(o) * (2 * σ(s) - 1), s


def slstm(layer, params, carry, x):
    """The heads' blocks put into one matrix, and no scale: c and n themselves."""
    H, d = layer.features, layer.features // layer.heads
    w_h = np.zeros((H, 4 * H))
    for column in range(4 * H):
        head = column % H // d
        w_h[head * d : (head + 1) * d, column] = params.w_h[:, column]
    z = x @ params.w_x + carry.h @ w_h + params.b
    i, f, z, o = np.split(z, 4, axis=-1)
    c = σ(f) * carry.c * np.exp(carry.m) + np.exp(i) * np.tanh(z)
    n = σ(f) * abs(carry.n) * np.exp(carry.m) + np.exp(i)
    m = np.maximum(np.log(σ(f)) + carry.m, i)
    return σ(o) * c / n, c * np.exp(-m), n * np.exp(-m), m


def leaky_rate(layer, params, carry, x):
    w_h = params.w_h
    if layer.excitatory is not None:
        excites = round(layer.excitatory * layer.features)
        w_h = np.concatenate([abs(w_h[:excites]), -abs(w_h[excites:])])
    z = x @ params.w_x + carry.r @ w_h + params.b
    a = (1 - layer.leak) * carry.a + layer.leak * z
    return np.maximum(a, 0), a


def lru(layer, params, carry, x):
    """In complex numbers."""
    units = len(params.ν)
    λ = np.exp((-np.exp(params.ν) + 1j * params.θ) / layer.horizon)
    w_x = params.w_x[:, :units] + 1j * params.w_x[:, units:]
    h = carry.h[..., :units] + 1j * carry.h[..., units:]
    h = λ * h + np.sqrt(1 - np.abs(λ) ** 2) * (x @ w_x)
    return np.concatenate([h.real, h.imag], axis=-1)


EQUATIONS = {
    equation.__name__: equation
    for equation in (
        elman,
        simplified_gru,
        gru,
        gru_reset_after,
        lstm,
        peephole_lstm,
        echo_state,
        ind_rnn,
        layer_norm_gru,
        layer_norm_lstm,
        leaky_rate,
        lstm_1997,
        min_gru,
        min_lstm,
        minimal_gated_unit,
        projected_lstm,
        slstm,
        lru,
    )
}


def cell_of(name):
    """lstm of lstm(coupled=True)."""
    return name.partition("(")[0]


MORE = ("leaky_rate(excitatory=None)", "leaky_rate(excitatory=0.3)", "slstm(heads=2)")


@pytest.mark.parametrize(
    "name", [*(name for name in CELL_LAYERS if cell_of(name) in EQUATIONS), *MORE]
)
def test_each_cell_is_its_equations(name):
    equation = EQUATIONS[cell_of(name)]
    layer = CELL_LAYERS.get(name) or make(name, features=FEATURES)
    params, xs, carry = random_arguments(layer, steps=1, rows=3)
    after, y = layer.step(params, carry, xs[0])
    expected = equation(layer, params, carry, xs[0])
    expected = expected if isinstance(expected, tuple) else (expected,)
    assert_close(tuple(after), jax.tree.map(jnp.asarray, expected))
    assert_close(y, jnp.asarray(expected[0]))
