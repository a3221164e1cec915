"""The language model: a distribution, whatever the batch holds; noise; fixed layers."""

import functools
import itertools
import re

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import jit
from model_data import apply, random_variables_for, shapes_of
from random_data import random_params

from seqjax import CELLS, Bidirectional, LearnedInitialCarry, Stack
from seqjax.cells import LSTM, EchoState
from seqjax.masks import from_lengths
from seqjax.models import BOS, LanguageModel
from seqjax.noise import drop_weights

V = 3
# What stands in the padding is no token.
TOKENS = jnp.array([[0, 2, 1, 1], [2, 1, -7, 99], [1, 5, 5, 5]])
LENGTHS = jnp.array([4, 2, 1])
KINDS = {
    "one-hot": LanguageModel(LSTM(4), V),
    "embedded": LanguageModel(Stack((LSTM(4), LSTM(5))), V, embedding=3),
    "tied": LanguageModel(LSTM(4), V, embedding=4, tied=True),
}
each_kind = pytest.mark.parametrize("model", KINDS.values(), ids=KINDS.keys())


@functools.cache
def random_variables(model):
    return random_variables_for(model, TOKENS, LENGTHS)


def call(model, *arguments, **options):
    return apply(model, random_variables(model), *arguments, **options)


def initial_carry(model):
    """The state before three rows, in float64."""
    carry = model.apply(random_variables(model), 3, method="initial_carry")
    return jax.tree.map(lambda a: a.astype(float), carry)


def log_probs(logits, tokens, lengths):
    """log P of each row: [B]."""
    tokens = jnp.clip(tokens, 0, V - 1)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), tokens[..., None], -1)
    mask = from_lengths(lengths, tokens.shape[1]).T
    return jnp.where(mask, chosen[..., 0], 0).sum(1)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_the_probabilities_of_all_sequences_sum_to_one(cell):
    model = LanguageModel(CELLS[cell](features=4), V)
    tokens = jnp.array(list(itertools.product(range(V), repeat=4)))
    lengths = jnp.full(len(tokens), 4)
    p = jnp.exp(log_probs(call(model, tokens, lengths), tokens, lengths))
    np.testing.assert_allclose(p.sum(), 1, rtol=1e-10)
    assert p.std() > 0.1 / len(p), "they differ"


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_language_model_steps_as_it_scores(cell):
    layer = Stack((CELLS[cell](5), LearnedInitialCarry(CELLS[cell](3))))
    model = LanguageModel(layer, V)
    whole = call(model, TOKENS, LENGTHS)
    carry = initial_carry(model)
    before = jnp.full(3, BOS)
    for t in range(4):
        carry, logits = call(model, carry, before, method="step")
        before = TOKENS[:, t]
        rows = np.flatnonzero(LENGTHS > t)
        np.testing.assert_allclose(logits[rows], whole[rows, t], rtol=1e-5, atol=1e-6)


@each_kind
def test_a_padded_batch_gives_what_single_rows_give(model):
    batch = call(model, TOKENS, LENGTHS)
    for row in (1, 2):
        length = int(LENGTHS[row])
        alone = call(model, TOKENS[row : row + 1, :length], LENGTHS[row : row + 1])[0]
        np.testing.assert_allclose(batch[row, :length], alone, rtol=1e-10)


@each_kind
def test_the_loss_is_that_of_the_logits(model):
    """A row that is empty counts for nothing."""
    lengths = LENGTHS.at[2].set(0)
    found = call(model, TOKENS, lengths, method="loss")
    logits = call(model, TOKENS, lengths)
    expected = -log_probs(logits, TOKENS, lengths)[:2].mean()
    np.testing.assert_allclose(found.result(), expected, rtol=1e-10)


def test_a_model_that_looks_ahead_is_refused():
    model = LanguageModel(Stack((LSTM(4), Bidirectional(LSTM(4)))), V)
    with pytest.raises(ValueError, match="may not look ahead"):
        shapes_of(model, TOKENS, LENGTHS)


def program(model):
    """What a model computes, to compare: its jaxpr without addresses of functions."""
    jaxpr = jax.make_jaxpr(model.apply)(random_variables(model), TOKENS, LENGTHS)
    return re.sub("0x[0-9a-f]+", "", str(jaxpr))


NOISES = ["input_dropout", "dropout", "weight_dropout", "reset_rate"]


@pytest.mark.parametrize("noise", NOISES)
def test_noise_is_for_training_alone_and_repeats_with_its_key(noise):
    clean = KINDS["one-hot"]
    noisy = clean.clone(**{noise: 0.5})
    assert program(noisy) == program(clean)
    one, again, other = (
        call(noisy, TOKENS, LENGTHS, train=True, rngs={"dropout": jax.random.key(i)})
        for i in (0, 0, 1)
    )
    chex.assert_trees_all_equal(one, again)
    assert jnp.any(one != other)
    assert jnp.any(one != call(clean, TOKENS, LENGTHS))


TEXT = jnp.asarray(np.random.default_rng(0).integers(V, size=(3, 4)))


@each_kind
def test_running_text_in_pieces_is_the_whole(model):
    """And given at once, it is a batch of lines whose tokens are shifted."""
    lengths = jnp.full(3, 4)
    read = jnp.concatenate([jnp.full((3, 1), BOS), TEXT[:, :-1]], axis=1)
    begin = initial_carry(model)
    expected, whole = call(model, begin, read, TEXT, method="stream")
    lines = call(model, TEXT, lengths, method="loss")
    chex.assert_trees_all_close(whole, lines, rtol=1e-10)
    carry, total = begin, 0.0
    for part in (slice(0, 1), slice(1, 4)):
        carry, nats = call(model, carry, read[:, part], TEXT[:, part], method="stream")
        total += nats.total
    chex.assert_trees_all_close((carry, total), (expected, whole.total), rtol=1e-10)


@each_kind
def test_what_is_masked_before_running_text_changes_nothing(model):
    @jit
    def stream(variables, carry, tokens, targets, mask):
        arguments = carry, tokens, targets, False, mask
        return model.apply(variables, *arguments, method="stream")

    given = random_variables(model), initial_carry(model)
    junk = jnp.array([[99, -7]] * 3)
    padded = (jnp.concatenate([junk, text], axis=1) for text in (TEXT, TEXT[::-1]))
    mask = jnp.tile(jnp.arange(6) >= 2, (3, 1))
    plain = stream(*given, TEXT, TEXT[::-1], None)
    chex.assert_trees_all_close(stream(*given, *padded, mask), plain, rtol=1e-10)


def test_tied_weights_are_one_array():
    model = KINDS["tied"]
    params = random_variables(model)["params"]
    assert "readout" not in params
    states = call(model, TOKENS, LENGTHS, method="states")
    expected = states @ params["embedding"].T + params["bias"]
    np.testing.assert_allclose(call(model, TOKENS, LENGTHS), expected, rtol=1e-10)
    wrong = LanguageModel(LSTM(4), V, embedding=5, tied=True)
    with pytest.raises(ValueError, match="as wide as the layer's output, 4, not 5"):
        shapes_of(wrong, TOKENS, LENGTHS)


def test_dropped_recurrent_weights_keep_their_mean_and_fixed_ones_stay():
    layer = Stack((LSTM(40), EchoState(30)))
    params = random_params(layer, 5)
    lstm, reservoir = params
    trainable = layer.trainable(params)
    dropped, same = drop_weights(params, trainable, jax.random.key(1), 0.25)
    chex.assert_trees_all_equal(same, reservoir)
    chex.assert_trees_all_equal(dropped.w_x, lstm.w_x)
    chex.assert_trees_all_equal(dropped.b, lstm.b)
    kept = dropped.w_h != 0
    np.testing.assert_allclose(kept.mean(), 0.75, atol=0.02)
    np.testing.assert_allclose(dropped.w_h[kept], lstm.w_h[kept] / 0.75, rtol=1e-6)


def test_two_layers_drop_different_weights():
    layer = Stack((LSTM(20), LSTM(20)))
    ones = jax.tree.map(jnp.ones_like, random_params(layer, 20))
    first, second = drop_weights(ones, layer.trainable(ones), jax.random.key(1), 0.5)
    assert jnp.any(first.w_h != second.w_h)


def test_what_a_fixed_layer_holds_is_marked():
    model = LanguageModel(Stack((EchoState(4), LSTM(3))), V)
    shapes = shapes_of(model, TOKENS, LENGTHS)
    marks = model.trainable(shapes)["params"]
    reservoir, lstm = marks["recurrent"]["layer"]
    assert not any(jax.tree.leaves(reservoir))
    assert all(jax.tree.leaves((lstm, marks["readout"])))
    chex.assert_trees_all_equal_structs(shapes["params"], marks)
