"""Gradients of particular layers: how they are taken, and what they keep."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from differences import central_differences, close_to_differences
from discovered import GRADIENTS, LAYERS, assert_close, both_ways, jit, over_named
from jax.test_util import check_grads
from random_data import (
    random_arguments,
    random_flags,
    random_inputs,
    random_like,
    random_params,
    weighted_sum,
)

from seqjax import LearnedInitialCarry, Stack, scan
from seqjax.cells import GRU, Elman, make
from seqjax.testing.comparison import Case
from seqjax.testing.data import MASK, RESETS, ROWS, STEPS, every_mask_and_reset
from seqjax.testing.programs import differences_of, gradient_of

FLAGS = {"mask": MASK, "resets": RESETS}


def loss(layer, wrt, mask=None, resets=None, **options):
    params, xs, carry = wrt
    return weighted_sum(
        layer.unroll(params, xs, carry, mask=mask, resets=resets, **options)
    )


def slopes_of(f, wrt):
    """The central differences of any function."""
    return jit(functools.partial(central_differences, f))(wrt)


def dot(tree, other):
    return sum(jax.tree.leaves(jax.tree.map(jnp.vdot, tree, other)))


def test_differences_find_a_known_gradient():
    x = {"a": jnp.array([0.3, -1.2]), "b": jnp.array(0.7)}
    found = central_differences(lambda x: jnp.sum(x["a"] ** 3) * x["b"], x)
    by_hand = {"a": 3 * x["a"] ** 2 * x["b"], "b": jnp.sum(x["a"] ** 3)}
    close_to_differences(found, by_hand)


@both_ways
@pytest.mark.parametrize(
    ("mask", "resets"),
    [(None, None), (MASK, None), (None, RESETS), (MASK, RESETS)],
    ids=["bare", "mask", "resets", "both"],
)
def test_lean_plain_and_remat_agree_with_and_without_flags(mask, resets, reverse):
    layer = LAYERS["learned_start"]
    arguments = random_arguments(layer, STEPS, ROWS)
    case = Case(mask, resets, reverse, gradient="plain")
    expected = gradient_of(layer, arguments, case)
    for gradient, chunk in (("lean", None), ("lean", 2), ("remat", 2), ("plain", 1)):
        case = case._replace(gradient=gradient, chunk=chunk)
        assert_close(gradient_of(layer, arguments, case), expected)


@both_ways
@pytest.mark.parametrize("steps", [9, 11], ids=["divided", "with_a_rest"])
def test_chunks_chosen_by_size_change_nothing(steps, reverse, monkeypatch):
    layer = make("gru", features=3)
    mask, resets = random_flags(steps, ROWS).values()
    wrt = random_arguments(layer, steps, ROWS)
    f = functools.partial(loss, layer, mask=mask, resets=resets, reverse=reverse)
    whole = jax.grad(functools.partial(f, chunk=steps))
    monkeypatch.setattr(scan, "CHUNK_BYTES", 1)
    monkeypatch.setattr(scan, "CHUNK_ROWS", 2 * ROWS)
    by_size = jax.grad(f)

    def loops(gradient):
        return str(jax.make_jaxpr(gradient)(wrt)).count("scan[")

    assert loops(by_size) > loops(whole)
    assert_close(jit(by_size)(wrt), jit(whole)(wrt))


def test_lean_stacks_no_array_twice():
    """Of an LSTM without a mask: four gates, c, and h, which is the output."""
    layer, steps, rows = make("lstm", features=3), 5, 2
    params, xs = random_params(layer), random_inputs(steps, rows)
    _, pull_back = jax.vjp(lambda xs: layer.unroll(params, xs)[1], xs)
    kept = [a for a in jax.tree.leaves(pull_back) if a.shape[:2] == (steps, rows)]
    assert sum(a.shape[-1] for a in kept) == (4 + 2) * layer.features


def test_remat_remembers_least_and_lean_less_than_plain():
    layer = LAYERS["lstm"]
    params, xs = random_params(layer), random_inputs(64, 5)

    def numbers_kept(gradient):
        def pull_back(params):
            return jax.vjp(lambda p: layer.unroll(p, xs, gradient=gradient), params)[1]

        leaves = jax.tree.leaves(jax.eval_shape(pull_back, params))
        return sum(leaf.size for leaf in leaves)

    assert 5 * numbers_kept("remat") < numbers_kept("lean") < numbers_kept("plain")


@over_named("elman", "gru", "lstm")
@pytest.mark.parametrize("steps", [0, 1])
def test_gradients_of_no_step_and_of_one_are_central_differences(layer, steps):
    mask, resets = every_mask_and_reset(1)
    case = Case(mask[:steps], resets[:steps])
    arguments = random_arguments(layer, steps, mask.shape[1])
    differences = differences_of(layer, arguments, case)
    for gradient in GRADIENTS:
        for chunk in (None, 3):
            case = case._replace(gradient=gradient, chunk=chunk)
            found = gradient_of(layer, arguments, case)
            close_to_differences(found, differences)


@over_named("lstm", "gru", "fast_weights")
def test_plain_is_differentiable_twice_in_reverse(layer):
    """H v, forward and in reverse over reverse, is the gradient of ∇f · v."""
    mask = np.array([[True, True, False], [True, False, True]])
    resets = np.array([[False, True, False], [True, False, False]])
    wrt = random_arguments(layer, *mask.shape)
    v = random_like(wrt, seed=8)

    @jit
    def three_ways(wrt):
        f = functools.partial(loss, layer, mask=mask, resets=resets, gradient="plain")

        def slope(wrt):
            return dot(jax.grad(f)(wrt), v)

        return (
            jax.jvp(jax.grad(f), (wrt,), (v,))[1],
            jax.grad(slope)(wrt),
            central_differences(slope, wrt),
        )

    forward, backward, differences = three_ways(wrt)
    assert_close(forward, backward)
    close_to_differences(backward, differences)


def test_jax_agrees_about_first_and_second_derivatives():
    layer = LAYERS["elman"]
    mask, resets = MASK[:2, ::9], RESETS[:2, ::9]  # a sample of the rows
    wrt = random_arguments(layer, *mask.shape)
    f = functools.partial(loss, layer, mask=mask, resets=resets)
    check_grads(jax.jit(f), (wrt,), order=1, modes=["rev"])
    plain = functools.partial(f, gradient="plain")
    check_grads(jax.jit(plain), (wrt,), order=2, rtol=1e-4, atol=1e-4)


def test_the_learned_carry_is_learned():
    layer = LAYERS["learned_start"]
    assert isinstance(layer, LearnedInitialCarry)
    params, xs, given = random_arguments(layer, STEPS, ROWS)

    def begins_there(params):
        return weighted_sum(layer.unroll(params, xs, mask=MASK))

    def returns_there(params):
        return weighted_sum(layer.unroll(params, xs, given, **FLAGS))

    for f in (begins_there, returns_there):
        found = jit(jax.grad(f))(params).carry
        close_to_differences(found, slopes_of(f, params).carry)
        assert all(np.all(leaf) for leaf in jax.tree.leaves(found))


def test_a_reservoir_is_not_trainable_and_the_rest_is():
    reservoir, learned = make("echo_state", features=3), LearnedInitialCarry(Elman(3))
    layer = Stack((reservoir, learned, GRU(2)))
    fixed, start, gru = layer.trainable(random_params(layer))
    assert not any(jax.tree.leaves(fixed))
    assert all(jax.tree.leaves((start, gru)))
    assert not any(
        LearnedInitialCarry(reservoir).trainable(random_params(learned)).layer
    )
