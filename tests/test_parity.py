"""Equal numbers at equal weights: PyTorch, Flax, Haiku, and the equations in NumPy.

Outputs, last carry, and the gradients of parameters, inputs and carry. The others'
weights are functions of ours, so their gradients arrive in our layout.
"""

import functools

import flax.linen as nn
import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import (
    CELL_LAYERS,
    IN,
    assert_close,
    jit,
    random_carry,
    random_inputs,
    random_like,
    random_params,
)

from seqjax import Bidirectional, Stack
from seqjax.cells import GRU, LSTM, Elman, GRUResetAfter
from seqjax.masks import from_lengths

STEPS, ROWS, H = 7, 3, 4


def data(layer):
    return (
        random_params(layer),
        random_inputs(STEPS, ROWS),
        random_carry(layer, (ROWS,)),
    )


def weighted(tree, array=jnp.asarray):
    weights = jax.device_get(random_like(tree, seed=7))
    products = jax.tree.map(lambda w, leaf: (array(w) * leaf).sum(), weights, tree)
    return sum(jax.tree.leaves(products))


def outcome(unroll, wrt):
    """(last carry, outputs) and the gradients of a function in JAX."""
    slopes = jax.grad(lambda wrt: weighted(unroll(*wrt)))
    return jit(lambda wrt: (unroll(*wrt), slopes(wrt)))(wrt)


def step_by_step(step, carry, xs):
    ys = []
    for x in xs:
        carry, y = step(carry, x)
        ys.append(y)
    return carry, jnp.stack(ys)


def flax_lstm(params, xs, carry):
    weights = {}
    for of, kernel in (("i", params.w_x), ("h", params.w_h)):
        for gate, w in zip("ifgo", jnp.split(kernel, 4, axis=1), strict=True):
            weights[of + gate] = {"kernel": w}
    for gate, b in zip("ifgo", jnp.split(params.b, 4), strict=True):
        weights["h" + gate]["bias"] = b
    step = functools.partial(nn.OptimizedLSTMCell(H).apply, {"params": weights})
    (c, h), ys = step_by_step(step, (carry.c, carry.h), xs)
    return type(carry)(h, c), ys


def flax_gru(params, xs, carry):
    weights = {"hn": {"bias": params.b_n}}
    for of, kernel in (("i", params.w_x), ("h", params.w_h)):
        for gate, w in zip("rzn", jnp.split(kernel, 3, axis=1), strict=True):
            weights.setdefault(of + gate, {})["kernel"] = w
    for gate, b in zip("rzn", jnp.split(params.b, 3), strict=True):
        weights["i" + gate]["bias"] = b
    step = functools.partial(nn.GRUCell(H).apply, {"params": weights})
    h, ys = step_by_step(step, carry.h, xs)
    return type(carry)(h), ys


def flax_simple(params, xs, carry):
    weights = {
        "i": {"kernel": params.w_x, "bias": params.b},
        "h": {"kernel": params.w_h},
    }
    step = functools.partial(nn.SimpleCell(H).apply, {"params": weights})
    h, ys = step_by_step(step, carry.h, xs)
    return type(carry)(h), ys


def haiku_step(core, weights):
    apply = hk.without_apply_rng(hk.transform(lambda x, state: core(H)(x, state))).apply
    return lambda state, x: apply(weights, x, state)[::-1]


def haiku_lstm(params, xs, carry):
    """Columns i, g, f, o; 1 is added to f at run time."""

    def reorder(a):
        i, f, g, o = jnp.split(a, 4, axis=-1)
        return jnp.concatenate([i, g, f, o], axis=-1)

    b = params.b.at[H : 2 * H].add(-1)
    w = jnp.concatenate([params.w_x, params.w_h])
    weights = {"lstm/linear": {"w": reorder(w), "b": reorder(b)}}
    state = hk.LSTMState(carry.h, carry.c)
    (h, c), ys = step_by_step(haiku_step(hk.LSTM, weights), state, xs)
    return type(carry)(h, c), ys


def haiku_gru(params, xs, carry):
    """Columns z, r, a; resets before the product, and z at 1 takes the candidate."""

    def reorder(a):
        r, u, c = jnp.split(a, 3, axis=-1)
        return jnp.concatenate([u, r, c], axis=-1)

    w_x, w_h, b = (reorder(a) for a in (params.w_x, params.w_h, params.b))
    weights = {"gru": {"w_i": w_x, "w_h": w_h, "b": b}}
    h, ys = step_by_step(haiku_step(hk.GRU, weights), carry.h, xs)
    return type(carry)(h), ys


def haiku_vanilla(params, xs, carry):
    """Two biases, that add up to ours."""
    weights = {
        "vanilla_rnn/linear": {"w": params.w_x, "b": 0.3 * params.b},
        "vanilla_rnn/linear_1": {"w": params.w_h, "b": 0.7 * params.b},
    }
    h, ys = step_by_step(haiku_step(hk.VanillaRNN, weights), carry.h, xs)
    return type(carry)(h), ys


@pytest.mark.parametrize(
    ("layer", "theirs"),
    [
        (LSTM(H), flax_lstm),
        (GRUResetAfter(H), flax_gru),
        (Elman(H), flax_simple),
        (LSTM(H), haiku_lstm),
        (GRU(H), haiku_gru),
        (Elman(H, activation="relu"), haiku_vanilla),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_flax_and_haiku(layer, theirs):
    wrt = data(layer)
    assert_close(outcome(layer.unroll, wrt), outcome(theirs, wrt))


def torch_outcome(torch, module, weights, pack, unpack, wrt, lengths=None):
    """(last carry, outputs) and the gradients of a PyTorch module, in our layout."""
    nested = torch.nn.utils.rnn

    def tensor(a):
        return torch.tensor(np.asarray(a), requires_grad=True)

    params, xs, carry = leaves = jax.tree.map(tensor, wrt)
    if lengths is not None:
        xs = nested.pack_padded_sequence(xs, lengths, enforce_sorted=False)
    ys, last = torch.func.functional_call(
        module.double(), weights(torch, params), (xs, pack(torch, carry))
    )
    if lengths is not None:
        ys, _ = nested.pad_packed_sequence(ys, total_length=STEPS)
    outcome = unpack(carry, last), ys
    weighted(outcome, torch.tensor).backward()
    numbers = jax.tree.map(lambda a: jnp.asarray(a.detach().numpy()), outcome)
    return numbers, jax.tree.map(lambda a: jnp.asarray(a.grad.numpy()), leaves)


def torch_weights(torch, params, suffix="l0"):
    """Two biases, of which ours is the sum; the GRU's second acts inside the reset."""
    inner = torch.zeros_like(params.b)
    if hasattr(params, "b_n"):
        inner = torch.cat([inner[: 2 * H], params.b_n])
    return {
        f"weight_ih_{suffix}": params.w_x.T,
        f"weight_hh_{suffix}": params.w_h.T,
        f"bias_ih_{suffix}": params.b,
        f"bias_hh_{suffix}": inner,
    }


def pack_state(torch, carry):
    packed = tuple(leaf[None] for leaf in carry)
    return packed if len(packed) > 1 else packed[0]


def unpack_state(carry, last):
    last = last if isinstance(last, tuple) else (last,)
    return type(carry)(*(leaf[0] for leaf in last))


@pytest.mark.parametrize(
    ("layer", "name", "options"),
    [
        (LSTM(H), "LSTM", {}),
        (GRUResetAfter(H), "GRU", {}),
        (Elman(H), "RNN", {}),
        (Elman(H, activation="relu"), "RNN", {"nonlinearity": "relu"}),
    ],
    ids=["lstm", "gru", "tanh", "relu"],
)
def test_torch(layer, name, options):
    torch = pytest.importorskip("torch")
    module = getattr(torch.nn, name)(IN, H, **options)
    wrt = data(layer)
    theirs = torch_outcome(torch, module, torch_weights, pack_state, unpack_state, wrt)
    assert_close(outcome(layer.unroll, wrt), theirs)


DEEP = ["l0", "l0_reverse", "l1", "l1_reverse"]


def walks(tree):
    """Both directions of the first layer, then of the second."""
    return [walk for both in tree for walk in both]


def deep_weights(torch, params):
    named = zip(walks(params), DEEP, strict=True)
    each = [torch_weights(torch, walk, suffix) for walk, suffix in named]
    return {name: weight for weights in each for name, weight in weights.items()}


def deep_pack(torch, carry):
    return tuple(torch.stack(leaves) for leaves in zip(*walks(carry), strict=True))


def deep_unpack(carry, last):
    flat = [leaf for h_c in zip(*last, strict=True) for leaf in h_c]
    return jax.tree.unflatten(jax.tree.structure(carry), flat)


@pytest.mark.parametrize("lengths", [None, [2, 7, 1]], ids=["whole", "packed"])
def test_deep_bidirectional_torch(lengths):
    torch = pytest.importorskip("torch")
    layer = Stack((Bidirectional(LSTM(H)), Bidirectional(LSTM(H))))
    module = torch.nn.LSTM(IN, H, num_layers=2, bidirectional=True)
    wrt = data(layer)
    theirs = torch_outcome(
        torch, module, deep_weights, deep_pack, deep_unpack, wrt, lengths
    )
    mask = None if lengths is None else from_lengths(jnp.array(lengths), STEPS)
    assert_close(outcome(functools.partial(layer.unroll, mask=mask), wrt), theirs)


def σ(a):
    return 1 / (1 + np.exp(-a))


def gates(params, count):
    """W_k [h; x] + b_k of each gate k, as functions of h and x."""
    parts = (np.split(a, count, axis=-1) for a in (params.w_h, params.w_x, params.b))
    return [
        lambda h, x, w_h=w_h, w_x=w_x, b=b: h @ w_h + x @ w_x + b
        for w_h, w_x, b in zip(*parts, strict=True)
    ]


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
    )
}


@pytest.mark.parametrize(
    "name", [name for name in CELL_LAYERS if name.partition("(")[0] in EQUATIONS]
)
def test_each_cell_is_its_equations(name):
    layer, equation = CELL_LAYERS[name], EQUATIONS[name.partition("(")[0]]
    params, xs, carry = jax.device_get(data(layer))
    after, y = layer.step(params, carry, xs[0])
    expected = equation(layer, params, carry, xs[0])
    expected = expected if isinstance(expected, tuple) else (expected,)
    assert_close(tuple(after), jax.tree.map(jnp.asarray, expected))
    assert_close(y, jnp.asarray(expected[0]))
