"""Each cell is its equations, written anew in NumPy.

An equation takes (layer, params, carry, x) to the new state, which is the output; or,
if there are two, to both, the output first.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import CELL_LAYERS, assert_close
from random_data import random_arguments


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
    return (1 - layer.leak) * carry.h + layer.leak * np.tanh(z(carry.h, x))


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
        lru,
    )
}


def cell_of(name):
    """lstm of lstm(coupled=True)."""
    return name.partition("(")[0]


@pytest.mark.parametrize(
    "name", [name for name in CELL_LAYERS if cell_of(name) in EQUATIONS]
)
def test_each_cell_is_its_equations(name):
    layer, equation = CELL_LAYERS[name], EQUATIONS[cell_of(name)]
    params, xs, carry = random_arguments(layer, steps=1, rows=3)
    after, y = layer.step(params, carry, xs[0])
    expected = equation(layer, params, carry, xs[0])
    expected = expected if isinstance(expected, tuple) else (expected,)
    assert_close(tuple(after), jax.tree.map(jnp.asarray, expected))
    assert_close(y, jnp.asarray(expected[0]))
