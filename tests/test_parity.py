"""Equal numbers at equal weights: PyTorch, Flax and Haiku.

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
from discovered import IN, assert_close, jit
from random_data import random_arguments, weighted_sum

from seqjax import Bidirectional, Stack
from seqjax.cells import GRU, LSTM, Elman, GRUResetAfter, make
from seqjax.masks import from_lengths

STEPS, ROWS, H = 7, 3, 4


def data(layer):
    return random_arguments(layer, STEPS, ROWS)


def outcome(unroll, wrt):
    """(last carry, outputs) and the gradients of a function in JAX."""
    slopes = jax.grad(lambda wrt: weighted_sum(unroll(*wrt)))
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
    """A step as ours, (carry, x) to (carry, y), of a core of Haiku."""
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
def test_cells_equal_those_of_flax_and_haiku(layer, theirs):
    wrt = data(layer)
    assert_close(outcome(layer.unroll, wrt), outcome(theirs, wrt))


def torch_outcome(torch, module, weights, pack, unpack, wrt, lengths=None):
    """(last carry, outputs) and the gradients of a PyTorch module, in our layout.

    Args:
      torch: the package, if it is there.
      module: one of `torch.nn`.
      weights: from (torch, our parameters) to the module's, by name.
      pack: from (torch, our carry) to the module's.
      unpack: from (our carry, the module's) to ours.
      wrt: parameters, inputs, carry.
      lengths: of each row, for a packed sequence.
    """
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
    weighted_sum(outcome, torch.tensor).backward()
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
def test_cells_equal_those_of_pytorch(layer, name, options):
    torch = pytest.importorskip("torch")
    module = getattr(torch.nn, name)(IN, H, **options)
    wrt = data(layer)
    theirs = torch_outcome(torch, module, torch_weights, pack_state, unpack_state, wrt)
    assert_close(outcome(layer.unroll, wrt), theirs)


def projected_weights(torch, params):
    return torch_weights(torch, params) | {"weight_hr_l0": params.w_p.T}


def test_a_projected_lstm_equals_that_of_pytorch():
    torch = pytest.importorskip("torch")
    layer = make("projected_lstm", features=3, memory_features=H)
    module = torch.nn.LSTM(IN, H, proj_size=3)
    wrt = data(layer)
    theirs = torch_outcome(
        torch, module, projected_weights, pack_state, unpack_state, wrt
    )
    assert_close(outcome(layer.unroll, wrt), theirs)


DEEP = ["l0", "l0_reverse", "l1", "l1_reverse"]  # PyTorch's names of the walks


def walks(tree):
    """Both directions of the first layer, then of the second."""
    return [walk for both in tree for walk in both]


def deep_weights(torch, params):
    named = zip(walks(params), DEEP, strict=True)
    each = [torch_weights(torch, walk, suffix) for walk, suffix in named]
    return {name: weight for weights in each for name, weight in weights.items()}


def pack_deep(torch, carry):
    return tuple(torch.stack(leaves) for leaves in zip(*walks(carry), strict=True))


def unpack_deep(carry, last):
    of_each_walk = zip(*last, strict=True)
    leaves = [leaf for h_c in of_each_walk for leaf in h_c]
    return jax.tree.unflatten(jax.tree.structure(carry), leaves)


@pytest.mark.parametrize("lengths", [None, [2, 7, 1]], ids=["whole", "packed"])
def test_a_deep_bidirectional_lstm_equals_that_of_pytorch(lengths):
    torch = pytest.importorskip("torch")
    layer = Stack((Bidirectional(LSTM(H)), Bidirectional(LSTM(H))))
    module = torch.nn.LSTM(IN, H, num_layers=2, bidirectional=True)
    wrt = data(layer)
    theirs = torch_outcome(
        torch, module, deep_weights, pack_deep, unpack_deep, wrt, lengths
    )
    mask = None if lengths is None else from_lengths(jnp.array(lengths), STEPS)
    assert_close(outcome(functools.partial(layer.unroll, mask=mask), wrt), theirs)
