"""Sizes at the edges: no steps, one, 50,000; one row; one token, 100,000 of them."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import IN, over
from model_data import random_variables_for
from random_data import random_params

from seqjax import CELLS, Bidirectional
from seqjax.cells import GRU, LSTM
from seqjax.models import (
    Classifier,
    EncoderDecoder,
    LanguageModel,
    Tagger,
    Transcriber,
)

H = 2


def classifier(V):
    model = Classifier(Bidirectional(LSTM(H)), V, nn.Embed(V, H), "attention")

    def loss(variables, tokens, lengths):
        log_p = jax.nn.log_softmax(model.apply(variables, tokens, lengths))
        return -jnp.sum(log_p[:, V - 1] * (lengths > 0))

    return model, loss


def tagger(V):
    labels = min(max(V, 2), 50)  # a CRF needs two
    model = Tagger(GRU(H), labels, nn.Embed(V, H), crf=True)

    def loss(variables, tokens, lengths):
        tags = tokens % labels
        return model.apply(variables, tokens, tags, lengths, method="loss").result()

    return model, loss


def language_model(V):
    model = LanguageModel(LSTM(H), V, embedding=H)

    def loss(variables, tokens, lengths):
        return model.apply(variables, tokens, lengths, method="loss").result()

    return model, loss


def encoder_decoder(V):
    model = EncoderDecoder(Bidirectional(GRU(H)), LSTM(H), V, V, H, "additive")

    def loss(variables, tokens, lengths):
        few = tokens[:, :3], jnp.minimum(lengths, 3)  # all against all
        pair = tokens, lengths, *few
        return model.apply(variables, *pair, method="loss").result()

    return model, loss


def transcriber(V):
    model = Transcriber(LSTM(H), V + 1)

    def loss(variables, tokens, lengths):
        xs = jnp.sin(tokens[..., None] + jnp.arange(3.0))
        labels = 1 + tokens[:, :3] % V, jnp.minimum(lengths, 3) // 2
        return model.apply(variables, xs, lengths, *labels, method="loss").result()

    return model, loss


MODELS = {
    make.__name__: make
    for make in (classifier, tagger, language_model, encoder_decoder, transcriber)
}
SIZES = {  # vocabulary, and a batch's rows and steps, and lengths to try
    "usual": (5, 3, 4, [[4, 0, 1], [0, 0, 0]]),
    "one": (1, 1, 1, [[1], [0]]),
    "many tokens": (100_000, 1, 2, [[2]]),
    "many steps": (3, 1, 50_000, [[50_000], [3]]),
}


def variables_of(model, tokens, lengths):
    arguments = tokens, lengths
    if isinstance(model, EncoderDecoder):
        arguments = tokens, lengths, tokens[:, :3], jnp.minimum(lengths, 3)
    if isinstance(model, Transcriber):
        arguments = jnp.zeros((*tokens.shape, 3)), lengths
    drawn = random_variables_for(model, *arguments)
    return jax.tree.map(lambda a: a.astype(jnp.float32), drawn)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_a_loss_and_its_gradient_are_finite(make, size):
    V, rows, time, all_lengths = SIZES[size]
    model, loss = make(V)
    tokens = jnp.array(np.random.default_rng(0).integers(0, V, (rows, time)))
    variables = variables_of(model, tokens, jnp.full(rows, time))
    both = jax.jit(jax.value_and_grad(loss))
    for lengths in all_lengths:
        value, grads = both(variables, tokens, jnp.array(lengths))
        assert np.isfinite(value)
        for leaf in jax.tree.leaves(grads):
            assert np.isfinite(leaf).all()
        if not any(lengths):
            assert value == 0
            assert not any(np.any(leaf) for leaf in jax.tree.leaves(grads))


@functools.cache
def drift_of(cell, time):
    """The largest error of float32 in an output, in roundings of one."""
    params = random_params(cell)
    xs = np.random.default_rng(1).normal(size=(time, 2, IN))
    carry = cell.initial_carry((2,), jnp.float64)
    exact = jax.jit(cell.unroll)(params, xs, carry)[1]
    narrow = jax.tree.map(lambda a: a.astype(jnp.float32), (params, xs, carry))
    found = jax.jit(cell.unroll)(*narrow)[1]
    assert found.dtype == jnp.float32
    error = jnp.abs(found - exact).max() / jnp.abs(exact).max()
    return float(error / jnp.finfo(jnp.float32).eps)


CELLS_TO_DRIFT = {name: make(4) for name, make in CELLS.items()}


@over(CELLS_TO_DRIFT)
def test_float32_drifts_from_float64_by_a_bounded_number_of_roundings(layer):
    """After 2,000 steps; the most was measured of lstm_1997, 16."""
    assert drift_of(layer, 2000) < 50
