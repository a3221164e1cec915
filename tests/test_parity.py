"""Equal numbers at equal weights: PyTorch, Flax and Haiku.

Outputs, last carry, and the gradients of parameters, inputs and carry. The others'
weights are functions of ours, `seqjax.bridges`, so that their gradients come home.
"""

import functools

import flax.linen as nn
import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import assert_close, jit
from random_data import random_arguments, weighted_sum

from seqjax import Bidirectional, Stack
from seqjax.bridges import haiku, linen
from seqjax.bridges import torch as bridge
from seqjax.cells import GRU, LSTM, Elman, GRUResetAfter, SimplifiedGRU, make
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


def in_flax(cell, layer, params, xs, carry):
    """Flax has (c, h) where we have (h, c)."""
    weights = {"params": linen.to_params(layer, params)["cell"]}
    state = tuple(carry)[::-1] if len(carry) > 1 else carry.h
    state, ys = step_by_step(functools.partial(cell.apply, weights), state, xs)
    return type(carry)(*(state[::-1] if len(carry) > 1 else [state])), ys


def in_haiku(core, layer, params, xs, carry):
    def step(x, state):
        return core(H)(x, state)

    apply = hk.without_apply_rng(hk.transform(step)).apply
    weights = haiku.to_params(layer, params)
    state = hk.LSTMState(*carry) if len(carry) > 1 else carry.h
    state, ys = step_by_step(lambda s, x: apply(weights, x, s)[::-1], state, xs)
    return type(carry)(*(state if len(carry) > 1 else [state])), ys


@pytest.mark.parametrize(
    ("layer", "theirs", "theirs_is"),
    [
        (LSTM(H), in_flax, nn.OptimizedLSTMCell(H)),
        (GRUResetAfter(H), in_flax, nn.GRUCell(H)),
        (SimplifiedGRU(H), in_flax, nn.MGUCell(H, reset_gate=False)),
        (Elman(H), in_flax, nn.SimpleCell(H)),
        (LSTM(H), in_haiku, hk.LSTM),
        (GRU(H), in_haiku, hk.GRU),
        (Elman(H, activation="relu"), in_haiku, hk.VanillaRNN),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_cells_equal_those_of_flax_and_haiku(layer, theirs, theirs_is):
    wrt = data(layer)
    other = functools.partial(theirs, theirs_is, layer)
    assert_close(outcome(layer.unroll, wrt), outcome(other, wrt))


def walks(tree):
    """Both directions of each layer, from the input up; or the one of the one."""
    if hasattr(tree, "h"):
        return [tree]
    return [walk for part in tree for walk in walks(part)]


def torch_outcome(torch, layer, wrt, lengths=None):
    """(last carry, outputs) and the gradients of a layer's PyTorch module, as ours.

    Args:
      torch: the package, if it is there.
      layer: of ours.
      wrt: parameters, inputs, carry.
      lengths: of each row, for a packed sequence.
    """
    nested, params = torch.nn.utils.rnn, wrt.params

    def tensor(a):
        return torch.tensor(np.asarray(a), requires_grad=True)

    module = bridge.export(layer, params)
    xs, carry = leaves = jax.tree.map(tensor, (wrt.inputs, wrt.carry))
    state = tuple(torch.stack(leaf) for leaf in zip(*walks(carry), strict=True))
    if lengths is not None:
        xs = nested.pack_padded_sequence(xs, lengths, enforce_sorted=False)
    ys, last = module(xs, state if len(state) > 1 else state[0])
    if lengths is not None:
        ys, _ = nested.pad_packed_sequence(ys, total_length=STEPS)
    last = last if isinstance(last, tuple) else (last,)
    ours = [leaf for walk in zip(*last, strict=True) for leaf in walk]
    outcome = jax.tree.unflatten(jax.tree.structure(wrt.carry), ours), ys
    weighted_sum(outcome, torch.tensor).backward()
    slopes = {name: p.grad.numpy() for name, p in module.named_parameters()}
    _, home = jax.vjp(functools.partial(bridge.to_state_dict, layer), params)
    numbers = jax.tree.map(lambda a: jnp.asarray(a.detach().numpy()), outcome)
    xs_and_carry = jax.tree.map(lambda a: jnp.asarray(a.grad.numpy()), leaves)
    return numbers, type(wrt)(*home(slopes), *xs_and_carry)


DEEP = Stack((Bidirectional(LSTM(H)), Bidirectional(LSTM(H))))


@pytest.mark.parametrize(
    ("layer", "lengths"),
    [
        (LSTM(H), None),
        (GRUResetAfter(H), None),
        (Elman(H), None),
        (Elman(H, activation="relu"), None),
        (make("projected_lstm", features=3, memory_features=H), None),
        (DEEP, None),
        (DEEP, [2, 7, 1]),
    ],
    ids=["lstm", "gru", "tanh", "relu", "projected", "deep", "deep, packed"],
)
def test_layers_equal_those_of_pytorch(layer, lengths):
    torch = pytest.importorskip("torch")
    wrt = data(layer)
    theirs = torch_outcome(torch, layer, wrt, lengths)
    mask = None if lengths is None else from_lengths(jnp.array(lengths), STEPS)
    assert_close(outcome(functools.partial(layer.unroll, mask=mask), wrt), theirs)
