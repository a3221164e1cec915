"""Taggers: their loss, their tags and their probabilities are one distribution."""

import functools
import itertools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import jit
from model_data import (
    LENGTHS,
    SEVERAL,
    TAGGERS,
    TOKENS,
    call,
    over,
    random_variables,
)

from seqjax.cells import LSTM
from seqjax.models import Tagger


def labellings(model, row):
    """All labels of a row, [N, 4]; what stands behind its length is no label."""
    choices, length = range(max(model.labels, 2)), int(LENGTHS[row])
    every = jnp.array(list(itertools.product(choices, repeat=length)))
    return jnp.pad(every, ((0, 0), (0, 4 - length)), constant_values=9)


@functools.cache
def log_p_of_labellings(model):
    """For each row, log P of all its labels, by the loss of one row at a time."""
    each = [labellings(model, row) for row in range(3)]
    rows = np.repeat(np.arange(3), list(map(len, each)))

    def loss(variables, *one):
        batch = (a[None] for a in one)
        return model.apply(variables, *batch, method="loss").total

    losses = jit(jax.vmap(loss, in_axes=(None, 0, 0, 0)))
    arguments = TOKENS[rows], jnp.concatenate(each), LENGTHS[rows]
    nats = losses(random_variables(model), *arguments)
    return [-nats[rows == row] for row in range(3)]


@over(TAGGERS)
def test_the_probabilities_of_all_labellings_sum_to_one(model):
    tags = call(model, TOKENS, LENGTHS, method="tag")
    for row, log_p in enumerate(log_p_of_labellings(model)):
        np.testing.assert_allclose(np.exp(log_p).sum(), 1, rtol=1e-10)
        best, length = labellings(model, row)[log_p.argmax()], int(LENGTHS[row])
        np.testing.assert_array_equal(tags[row, :length], best[:length])
        assert not tags[row, length:].any()


@over(TAGGERS)
def test_a_loss_is_the_mean_over_rows_and_probabilities_are_of_valid_steps(model):
    labels = jnp.array([[0, 1, 1, 0], [1, 0, 9, 9], [1, 9, 9, 9]])
    whole = call(model, TOKENS, labels, LENGTHS, method="loss")
    each = [
        log_p[(labellings(model, row) == labels[row]).all(1)].item()
        for row, log_p in enumerate(log_p_of_labellings(model))
    ]
    np.testing.assert_allclose(whole.result(), -np.mean(each))
    p = call(model, TOKENS, LENGTHS, method="probabilities")
    valid = np.arange(4) < LENGTHS[:, None]
    assert not p[~valid].any()
    if model.labels > 1:
        np.testing.assert_allclose(p[valid].sum(-1), 1, rtol=1e-10)


@over(TAGGERS)
def test_probabilities_are_the_marginals_of_the_loss(model):
    p = call(model, TOKENS, LENGTHS, method="probabilities")
    for row, log_p in enumerate(log_p_of_labellings(model)):
        every = labellings(model, row)
        for t in range(LENGTHS[row]):
            for label in range(max(model.labels, 2))[-model.labels :]:
                expected = np.exp(log_p)[every[:, t] == label].sum()
                found = p[row, t, label if model.labels > 1 else 0]
                np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_a_crf_of_one_label_is_refused():
    with pytest.raises(ValueError, match="two labels or more, not 1"):
        Tagger(LSTM(3), 1, crf=True).init(
            jax.random.key(0), jnp.zeros((1, 2, 3)), jnp.ones(1, int)
        )


def test_several_labels_of_a_step_are_each_there_or_not_by_themselves():
    logits = np.asarray(call(SEVERAL, TOKENS, LENGTHS))
    valid = np.arange(4) < LENGTHS[:, None]
    labels = np.random.default_rng(0).integers(0, 2, logits.shape)
    labels[~valid] = 9  # what stands behind a row's length is no label
    p = 1 / (1 + np.exp(-logits))
    each = -np.log(np.where(labels == 1, p, 1 - p))
    loss = call(SEVERAL, TOKENS, jnp.asarray(labels), LENGTHS, method="loss")
    np.testing.assert_allclose(loss.total, each[valid].sum(), rtol=1e-10)
    assert loss.weight == 3, "rows"
    found = call(SEVERAL, TOKENS, LENGTHS, method="probabilities")
    np.testing.assert_allclose(found[valid], p[valid], rtol=1e-10)
    tags = call(SEVERAL, TOKENS, LENGTHS, method="tag")
    np.testing.assert_array_equal(tags[valid], logits[valid] > 0)
    assert not found[~valid].any() and not tags[~valid].any()


def test_a_tagger_steps_as_it_reads():
    whole = call(SEVERAL, TOKENS, LENGTHS)
    variables = random_variables(SEVERAL)
    carry = SEVERAL.apply(variables, 3, method="initial_carry")
    for t in range(4):
        read = variables, carry, TOKENS[:, t]
        carry, logits = SEVERAL.apply(*read, method="step")
        rows = t < LENGTHS
        np.testing.assert_allclose(logits[rows], whole[rows, t], rtol=1e-6)


def test_what_stands_in_the_padding_reaches_no_gradient_of_the_embedding():
    rng = np.random.default_rng(5)
    model = Tagger(LSTM(3), 2, embed=nn.Dense(4))
    xs, labels = rng.normal(size=(3, 5, 2)), rng.integers(0, 2, (3, 5))
    lengths = jnp.array([5, 2, 0])
    variables = jax.jit(model.init)(jax.random.key(0), xs, lengths)

    @jax.jit
    def gradient(xs):
        loss = functools.partial(model.apply, method="loss")
        return jax.grad(lambda v: loss(v, xs, labels, lengths).result())(variables)

    padding = np.arange(5) >= np.asarray(lengths)[:, None]
    poisoned = np.where(padding[..., None], np.nan, xs)
    jax.tree.map(np.testing.assert_array_equal, gradient(xs), gradient(poisoned))
