"""Gradients against differences, and against each other; losses and metrics."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from differences import central_differences
from discovered import (
    CELL_LAYERS,
    LAYERS,
    assert_close,
    both_ways,
    every_mask_and_reset,
    jit,
    over,
    poison,
    random_carry,
    random_inputs,
    random_like,
    random_params,
)
from jax.test_util import check_grads

from seqjax import LearnedStart, Stack
from seqjax.cells import GRU, Elman, make
from seqjax.losses import binary_cross_entropy, cross_entropy
from seqjax.metrics import Mean, accuracy, perplexity

STEPS = 3
MASK, RESETS = every_mask_and_reset(STEPS)
ROWS = MASK.shape[1]

close_to_differences = functools.partial(
    chex.assert_trees_all_close, rtol=1e-6, atol=1e-7
)


def weighted(tree):
    """A sum of all entries, each with a random weight of its own."""
    weights = random_like(tree, seed=7)
    return sum(
        jnp.sum(w * leaf)
        for w, leaf in zip(jax.tree.leaves(weights), jax.tree.leaves(tree), strict=True)
    )


def loss(layer, wrt, mask=None, resets=None, **options):
    params, xs, carry = wrt
    return weighted(
        layer.unroll(params, xs, carry, mask=mask, resets=resets, **options)
    )


static = ("reverse", "gradient", "chunk")
gradient_jitted = jit(jax.grad(loss, argnums=1), static_argnames=static)


def gradient_of(
    layer, wrt, mask=MASK, resets=RESETS, reverse=False, gradient="lean", chunk=None
):
    options = {"reverse": reverse, "gradient": gradient, "chunk": chunk}
    flags = {"mask": mask, "resets": resets}
    return jax.device_get(gradient_jitted(layer, wrt, **flags, **options))


def data(layer, steps=STEPS, rows=ROWS):
    carry = random_carry(layer, (rows,))
    return jax.device_get((random_params(layer), random_inputs(steps, rows), carry))


def test_differences_find_a_known_gradient():
    x = {"a": jnp.array([0.3, -1.2]), "b": jnp.array(0.7)}
    found = central_differences(lambda x: jnp.sum(x["a"] ** 3) * x["b"], x)
    close_to_differences(
        found, {"a": 3 * x["a"] ** 2 * x["b"], "b": jnp.sum(x["a"] ** 3)}
    )


@over(LAYERS)
@both_ways
def test_gradients_are_central_differences(layer, reverse):
    """Of parameters, inputs and carry, with every mask and reset of three steps."""
    wrt = data(layer)
    f = functools.partial(loss, layer, mask=MASK, resets=RESETS, reverse=reverse)
    differences = jit(functools.partial(central_differences, f))(wrt)
    found = gradient_of(layer, wrt, reverse=reverse)
    close_to_differences(found, differences)
    for leaf in jax.tree.leaves(found[0]):
        assert np.all(leaf), "every parameter matters"


@over(LAYERS)
def test_lean_plain_and_remat_agree_whatever_stands_in_the_padding(layer):
    params, xs, carry = data(layer)
    poisoned = (params, poison(MASK, xs), carry)
    ways = (
        (False, [("plain", None), ("remat", None)]),
        (True, [("plain", 2), ("lean", 2)]),
    )
    for reverse, others in ways:
        expected = gradient_of(layer, (params, xs, carry), reverse=reverse)
        for gradient, chunk in others:
            found = gradient_of(
                layer, poisoned, reverse=reverse, gradient=gradient, chunk=chunk
            )
            assert_close(found, expected)
            assert not np.any(found[1][~MASK])


@both_ways
@pytest.mark.parametrize(
    ("mask", "resets"),
    [(None, None), (MASK, None), (None, RESETS)],
    ids=["bare", "mask", "resets"],
)
def test_lean_plain_and_remat_agree_with_and_without_flags(mask, resets, reverse):
    layer = LAYERS["learned_start"]
    gradient = functools.partial(
        gradient_of, layer, data(layer), mask=mask, resets=resets, reverse=reverse
    )
    expected = gradient(gradient="plain")
    for name, chunk in (("lean", None), ("lean", 2), ("remat", 2), ("plain", 1)):
        assert_close(gradient(gradient=name, chunk=chunk), expected)


def test_remat_remembers_least_and_lean_less_than_plain():
    layer = LAYERS["lstm"]
    params, xs = random_params(layer), random_inputs(64, 5)

    def kept(gradient):
        def pull_back(params):
            return jax.vjp(lambda p: layer.unroll(p, xs, gradient=gradient), params)[1]

        leaves = jax.tree.leaves(jax.eval_shape(pull_back, params))
        return sum(leaf.size for leaf in leaves)

    assert 5 * kept("remat") < kept("lean") < kept("plain")


@over({k: CELL_LAYERS[k] for k in ("elman", "gru", "lstm")})
@pytest.mark.parametrize("steps", [0, 1])
def test_gradients_of_no_step_and_of_one(layer, steps):
    wrt = data(layer, steps)
    mask, resets = MASK[:steps], RESETS[:steps]
    f = functools.partial(loss, layer, mask=mask, resets=resets)
    differences = jit(functools.partial(central_differences, f))(wrt)
    for gradient in ("lean", "plain", "remat"):
        for chunk in (None, 3):
            found = gradient_of(
                layer, wrt, mask=mask, resets=resets, gradient=gradient, chunk=chunk
            )
            close_to_differences(found, differences)


@over(LAYERS)
def test_forward_mode_is_reverse_mode(layer):
    wrt = data(layer)
    tangent = random_like(wrt, seed=8)

    @jit
    def forward(wrt, tangent):
        f = functools.partial(
            loss, layer, mask=MASK, resets=RESETS, gradient="plain", reverse=True
        )
        return jax.jvp(f, (wrt,), (tangent,))[1]

    products = jax.tree.map(np.vdot, gradient_of(layer, wrt, reverse=True), tangent)
    assert_close(forward(wrt, tangent), sum(jax.tree.leaves(products)))


@over({k: CELL_LAYERS[k] for k in ("lstm", "gru", "fast_weights")})
def test_second_derivatives_of_plain(layer):
    """H v, forward and in reverse over reverse, is the gradient of ∇f · v."""
    wrt = data(layer, 2, 3)
    mask = np.array([[True, True, False], [True, False, True]])
    resets = np.array([[False, True, False], [True, False, False]])
    v = random_like(wrt, seed=8)

    @jit
    def three_ways(wrt):
        f = functools.partial(loss, layer, mask=mask, resets=resets, gradient="plain")

        def slope(wrt):
            return sum(jax.tree.leaves(jax.tree.map(jnp.vdot, jax.grad(f)(wrt), v)))

        return (
            jax.jvp(jax.grad(f), (wrt,), (v,))[1],
            jax.grad(slope)(wrt),
            central_differences(slope, wrt),
        )

    forward, backward, differences = three_ways(wrt)
    assert_close(forward, backward)
    close_to_differences(backward, differences)


def test_jax_agrees_about_first_and_second_derivatives():
    layer = LAYERS["lstm"]
    mask, resets = MASK[:2, ::9], RESETS[:2, ::9]
    wrt = data(layer, 2, mask.shape[1])
    f = functools.partial(loss, layer, mask=mask, resets=resets)
    check_grads(jax.jit(f), (wrt,), order=1, modes=["rev"])
    plain = functools.partial(f, gradient="plain")
    check_grads(jax.jit(plain), (wrt,), order=2, rtol=1e-4, atol=1e-4)


def test_the_learned_carry_is_learned():
    layer = LAYERS["learned_start"]
    assert isinstance(layer, LearnedStart)
    params, xs, given = data(layer)

    def begins_there(params):
        return weighted(layer.unroll(params, xs, mask=MASK))

    def returns_there(params):
        return weighted(layer.unroll(params, xs, given, mask=MASK, resets=RESETS))

    for f in (begins_there, returns_there):
        found = jit(jax.grad(f))(params).carry
        differences = jit(functools.partial(central_differences, f))(params).carry
        close_to_differences(found, differences)
        assert all(np.all(leaf) for leaf in jax.tree.leaves(found))


@over(LAYERS)
def test_trainable_is_a_tree_of_booleans_like_the_parameters(layer):
    params = random_params(layer)
    trainable = layer.trainable(params)
    chex.assert_trees_all_equal_structs(trainable, params)
    assert {type(leaf) for leaf in jax.tree.leaves(trainable)} == {bool}


def test_a_reservoir_is_not_trainable_and_the_rest_is():
    reservoir, learned = make("echo_state", features=3), LearnedStart(Elman(3))
    layer = Stack((reservoir, learned, GRU(2)))
    fixed, start, gru = layer.trainable(random_params(layer))
    assert not any(jax.tree.leaves(fixed))
    assert all(jax.tree.leaves((start, gru)))
    assert not any(LearnedStart(reservoir).trainable(random_params(learned)).layer)


LABEL_MASK = np.array(  # lengths 5, 2, 0, one padded left, one with a hole
    [[int(c) for c in row] for row in ("11111", "11000", "00000", "00111", "10110")],
    bool,
).T


def binary_data():
    rng = np.random.default_rng(0)
    return 2 * rng.normal(size=LABEL_MASK.shape), rng.integers(0, 2, LABEL_MASK.shape)


def class_data():
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(*LABEL_MASK.shape, 4))
    return logits, rng.integers(0, 4, LABEL_MASK.shape)


def slow_binary(logit, label):
    p = 1 / (1 + np.exp(-logit))
    return -label * np.log(p) - (1 - label) * np.log(1 - p)


def slow_classes(logits, label):
    return -np.log(np.exp(logits[label]) / np.sum(np.exp(logits)))


LOSSES = pytest.mark.parametrize(
    ("of", "slow", "draw"),
    [
        (binary_cross_entropy, slow_binary, binary_data),
        (cross_entropy, slow_classes, class_data),
    ],
    ids=["binary", "classes"],
)
OVER_TIME = pytest.mark.parametrize("over_time", ["sum", "mean"])


def slow_loss(slow, logits, labels, mask, over_time):
    """The mean over sequences of their sums, or the mean over all steps."""
    rows = [
        [slow(logits[t, b], labels[t, b]) for t in np.flatnonzero(mask[:, b])]
        for b in range(mask.shape[1])
    ]
    rows = [row for row in rows if row]
    return np.mean([sum(row) for row in rows] if over_time == "sum" else sum(rows, []))


@LOSSES
@OVER_TIME
def test_losses_are_their_definition(of, slow, draw, over_time):
    logits, labels = draw()
    for mask in (LABEL_MASK, None):
        expected = slow_loss(
            slow,
            logits,
            labels,
            np.ones_like(LABEL_MASK) if mask is None else mask,
            over_time,
        )
        found = of(logits, labels, mask, over_time).result()
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(
        of(logits[:, 0], labels[:, 0], over_time="sum").result(),
        slow_loss(slow, logits[:, :1], labels[:, :1], LABEL_MASK[:, :1], "sum"),
    )


@LOSSES
@OVER_TIME
def test_padding_changes_no_loss_and_no_gradient_of_it(of, slow, draw, over_time):
    logits, labels = draw()
    bad = np.resize([np.nan, np.inf, -np.inf], logits.shape)
    valid = LABEL_MASK.reshape(LABEL_MASK.shape + (1,) * (logits.ndim - 2))
    poisoned = np.where(valid, logits, bad), np.where(LABEL_MASK, labels, 999)

    def value(logits, labels):
        return of(logits, labels, LABEL_MASK, over_time).result()

    clean = jax.value_and_grad(value)(logits, labels)
    chex.assert_trees_all_equal(jax.value_and_grad(value)(*poisoned), clean)
    close_to_differences(
        clean[1], central_differences(lambda x: value(x, labels), jnp.asarray(logits))
    )


@LOSSES
@OVER_TIME
def test_losses_merge_into_the_loss_of_both(of, slow, draw, over_time):
    logits, labels = draw()
    left, right = (
        of(logits[:, b], labels[:, b], LABEL_MASK[:, b], over_time)
        for b in (slice(1), slice(1, None))
    )
    whole = of(logits, labels, LABEL_MASK, over_time)
    assert_close(left.merge(right), whole)


@LOSSES
def test_losses_refuse_what_does_not_fit(of, slow, draw):
    logits, labels = draw()
    with pytest.raises(AssertionError):
        of(logits, labels[:-1])
    with pytest.raises(ValueError, match="over_time must be .* not 'max'"):
        of(logits, labels, over_time="max")


def test_where_nothing_is_valid_the_loss_and_its_gradient_are_zero():
    logits, labels = class_data()

    def value(logits):
        return cross_entropy(logits, labels, np.zeros_like(LABEL_MASK)).result()

    found, slope = jax.value_and_grad(value)(logits)
    assert found == 0
    assert not np.any(slope)


def test_accuracy_counts_valid_steps_and_merges():
    logits, labels = class_data()
    hits = np.argmax(logits, axis=-1) == labels
    assert 0 < hits[LABEL_MASK].mean() < 1
    np.testing.assert_allclose(accuracy(logits, labels).result(), hits.mean())
    found = accuracy(logits, labels, LABEL_MASK)
    np.testing.assert_allclose(found.result(), hits[LABEL_MASK].mean())
    parts = [
        accuracy(logits[:, b], labels[:, b], LABEL_MASK[:, b])
        for b in (slice(2), slice(2, None))
    ]
    assert_close(parts[0].merge(parts[1]), found)


def test_perplexity_is_of_all_tokens():
    found = Mean(6.0, 3.0).merge(Mean(1.0, 1.0))
    np.testing.assert_allclose(perplexity(found), np.exp(7 / 4))
    assert Mean(0.0, 0.0).result() == 0
