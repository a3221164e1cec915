"""Losses: their definitions, padding, merging, gradients."""

import itertools
import sys

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from differences import central_differences, close_to_differences
from discovered import assert_close
from random_data import poison

from seqjax.layers.readout import ReadoutParams
from seqjax.losses import (
    absolute_error,
    binary_cross_entropy,
    cross_entropy,
    readout_cross_entropy,
    squared_error,
)

module = sys.modules["seqjax.losses.cross_entropy"]  # the function has the same name

LABEL_MASK = np.array(
    [
        [1, 1, 1, 1, 1],
        [1, 1, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 1, 1, 1],  # padded on the left
        [1, 0, 1, 1, 0],  # with a hole
    ],
    bool,
).T  # [T, B]
CLASSES = 4


def binary_data():
    rng = np.random.default_rng(0)
    return 2 * rng.normal(size=LABEL_MASK.shape), rng.integers(0, 2, LABEL_MASK.shape)


def class_data():
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(*LABEL_MASK.shape, CLASSES))
    return logits, rng.integers(0, CLASSES, LABEL_MASK.shape)


def real_data():
    return 2 * np.random.default_rng(0).normal(size=(2, *LABEL_MASK.shape, CLASSES))


def slow_binary(logit, label):
    p = 1 / (1 + np.exp(-logit))
    return -label * np.log(p) - (1 - label) * np.log(1 - p)


def slow_classes(logits, label):
    return -np.log(np.exp(logits[label]) / np.sum(np.exp(logits)))


def slow_squares(prediction, target):
    return sum((p - y) ** 2 for p, y in zip(prediction, target, strict=True))


def slow_distances(prediction, target):
    return sum(abs(p - y) for p, y in zip(prediction, target, strict=True))


def slow_loss(slow, logits, labels, mask, over_time):
    """The mean over sequences of their sums, or the mean over all steps."""
    rows = [
        [slow(logits[t, b], labels[t, b]) for t in np.flatnonzero(mask[:, b])]
        for b in range(mask.shape[1])
    ]
    rows = [row for row in rows if row]
    if over_time == "sum":
        return np.mean([sum(row) for row in rows])
    return np.mean(np.concatenate(rows))


every_loss = pytest.mark.parametrize(
    ("loss", "slow", "draw"),
    [
        (binary_cross_entropy, slow_binary, binary_data),
        (cross_entropy, slow_classes, class_data),
        (squared_error, slow_squares, real_data),
        (absolute_error, slow_distances, real_data),
    ],
    ids=["binary", "classes", "squares", "distances"],
)
sum_or_mean = pytest.mark.parametrize("over_time", ["sum", "mean"])


@every_loss
@sum_or_mean
def test_losses_are_their_definition(loss, slow, draw, over_time):
    logits, labels = draw()
    everything = np.ones_like(LABEL_MASK)
    for given, meant in ((LABEL_MASK, LABEL_MASK), (None, everything)):
        found = loss(logits, labels, given, over_time).result()
        expected = slow_loss(slow, logits, labels, meant, over_time)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    alone = loss(logits[:, 0], labels[:, 0], over_time="sum").result()  # no batch axis
    first = slow_loss(slow, logits[:, :1], labels[:, :1], LABEL_MASK[:, :1], "sum")
    np.testing.assert_allclose(alone, first)


@every_loss
@sum_or_mean
def test_padding_changes_no_loss_and_no_gradient_of_it(loss, slow, draw, over_time):
    logits, labels = draw()
    bad = LABEL_MASK if labels.ndim == 2 else LABEL_MASK[..., None]
    poisoned = poison(LABEL_MASK, logits), np.where(bad, labels, 999)

    def value(logits, labels):
        return loss(logits, labels, LABEL_MASK, over_time).result()

    value_and_grad = jax.jit(jax.value_and_grad(value))
    clean = value_and_grad(logits, labels)
    chex.assert_trees_all_equal(value_and_grad(*poisoned), clean)
    _, slope = clean
    differences = jax.jit(lambda x: central_differences(lambda x: value(x, labels), x))
    close_to_differences(slope, differences(jnp.asarray(logits)))


@every_loss
@sum_or_mean
def test_losses_merge_into_the_loss_of_both(loss, slow, draw, over_time):
    logits, labels = draw()
    left, right = (
        loss(logits[:, rows], labels[:, rows], LABEL_MASK[:, rows], over_time)
        for rows in (slice(1), slice(1, None))
    )
    assert_close(left.merge(right), loss(logits, labels, LABEL_MASK, over_time))


@every_loss
def test_losses_refuse_what_does_not_fit(loss, slow, draw):
    logits, labels = draw()
    with pytest.raises(AssertionError):
        loss(logits, labels[:-1])
    with pytest.raises(ValueError, match="over_time must be .* not 'max'"):
        loss(logits, labels, over_time="max")


def test_where_nothing_is_valid_the_loss_and_its_gradient_are_zero():
    logits, labels = class_data()

    def value(logits):
        return cross_entropy(logits, labels, np.zeros_like(LABEL_MASK)).result()

    found, slope = jax.value_and_grad(value)(logits)
    assert found == 0
    assert not np.any(slope)


def readout_data(dtype=jnp.float64):
    rng, (time, batch) = np.random.default_rng(1), LABEL_MASK.shape
    draws = rng.normal(size=(3, CLASSES)), rng.normal(size=CLASSES)
    readout = ReadoutParams(*(jnp.asarray(a, dtype) for a in draws))
    states = jnp.asarray(rng.normal(size=(time, batch, 3)), dtype)
    return readout, states, rng.integers(0, CLASSES, LABEL_MASK.shape)


@pytest.mark.parametrize(
    "steps, masked, over_time",
    [
        (1, True, "sum"),
        (1, False, "mean"),
        (2, True, "mean"),
        (2, False, "sum"),
        (5, True, "sum"),
        (5, False, "mean"),
        (99, True, "mean"),
        (99, False, "sum"),
    ],
)
def test_a_readout_in_parts_has_the_loss_and_gradient_of_the_whole(
    monkeypatch, over_time, steps, masked
):
    readout, states, labels = readout_data()
    step_bytes = labels.shape[1] * readout.b.nbytes
    monkeypatch.setattr(module, "LOGITS_BYTES", steps * step_bytes)
    mask = LABEL_MASK if masked else None

    def whole(readout, states):
        logits = states @ readout.w + readout.b
        return 3 * cross_entropy(logits, labels, mask, over_time).result()

    def parts(readout, states):
        if masked:
            states = jnp.where(LABEL_MASK[..., None], states, jnp.nan)
        given = np.where(LABEL_MASK, labels, 999) if masked else labels
        return (
            3 * readout_cross_entropy(readout, states, given, mask, over_time).result()
        )

    for differentiate in (lambda f: f, lambda f: jax.grad(f, argnums=(0, 1))):
        found = jax.jit(differentiate(parts))(readout, states)
        assert_close(found, jax.jit(differentiate(whole))(readout, states))


def test_a_readout_in_parts_never_holds_all_logits(monkeypatch):
    readout, states, labels = readout_data()
    monkeypatch.setattr(module, "LOGITS_BYTES", labels.shape[1] * readout.b.nbytes)

    def value(readout):
        return readout_cross_entropy(readout, states, labels).result()

    shape = f"{labels.shape[0]},{labels.shape[1]},{CLASSES}]"
    program = str(jax.make_jaxpr(jax.grad(value))(readout))
    assert f"1,{labels.shape[1]},{CLASSES}]" in program
    assert shape not in program


def test_a_readout_in_parts_keeps_dtypes():
    for states_dtype, params_dtype in itertools.product(
        (jnp.float32, jnp.bfloat16), repeat=2
    ):
        readout, _, labels = readout_data(params_dtype)
        _, states, _ = readout_data(states_dtype)

        def value(readout, states, labels=labels):
            return readout_cross_entropy(readout, states, labels).result()

        gradient = jax.grad(value, argnums=(0, 1))
        slopes = jax.eval_shape(gradient, readout, states)
        chex.assert_trees_all_equal_dtypes(slopes, (readout, states))


def test_a_readout_in_parts_refuses_what_does_not_fit():
    readout, states, labels = readout_data()
    with pytest.raises(AssertionError):
        readout_cross_entropy(readout, states, labels[:-1])
    with pytest.raises(ValueError, match="over_time must be .* not 'max'"):
        readout_cross_entropy(readout, states, labels, over_time="max")
