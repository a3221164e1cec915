"""The language model: a distribution, whatever the batch holds; noise; fixed layers."""

import functools
import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqjax import CELLS, Bidirectional, Stack
from seqjax.cells import LSTM, EchoState
from seqjax.masks import from_lengths
from seqjax.models import LanguageModel
from seqjax.models.recurrent import BOS
from seqjax.noise import drop_weights

V = 3


def random_variables(model, tokens, lengths):
    """Initial variables and noise, so that no bias is zero."""
    variables = model.init(jax.random.key(0), tokens, lengths)
    leaves, structure = jax.tree.flatten(variables)
    rng = np.random.default_rng(1)
    return structure.unflatten([a + 0.5 * rng.normal(size=a.shape) for a in leaves])


def log_probs(model, variables, tokens, lengths):
    """log P of each row: [B]."""
    of_each = jax.nn.log_softmax(model.apply(variables, tokens, lengths))
    chosen = jnp.take_along_axis(of_each, tokens[..., None], -1)[..., 0]
    mask = from_lengths(lengths, tokens.shape[1]).T
    return jnp.where(mask, chosen, 0).sum(1)


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_the_probabilities_of_all_sequences_sum_to_one(cell):
    model = LanguageModel(CELLS[cell](features=4), V)
    tokens = jnp.array(list(itertools.product(range(V), repeat=4)))
    lengths = jnp.full(len(tokens), 4)
    variables = random_variables(model, tokens, lengths)
    p = jnp.exp(log_probs(model, variables, tokens, lengths))
    np.testing.assert_allclose(p.sum(), 1, rtol=1e-6)
    assert p.std() > 0.1 / len(p), "they differ"


@pytest.mark.parametrize("embedding", [0, 3])
def test_a_padded_batch_gives_what_single_rows_give(embedding):
    model = LanguageModel(Stack((LSTM(4), LSTM(5))), V, embedding)
    # What stands in the padding is no token.
    tokens = jnp.array([[0, 2, 1, 1], [2, 1, -7, 99], [1, 5, 5, 5]])
    lengths = jnp.array([4, 2, 1])
    variables = random_variables(model, tokens, lengths)
    batch = model.apply(variables, tokens, lengths)
    for row, length, logits in zip(tokens, lengths, batch, strict=True):
        alone = model.apply(variables, row[None, :length], length[None])[0]
        np.testing.assert_allclose(logits[:length], alone, rtol=1e-5)


def test_the_loss_is_that_of_the_logits():
    model = LanguageModel(LSTM(4), V)
    tokens, lengths = jnp.array([[0, 2, 1, 1], [2, 1, -7, 99], [5, 5, 5, 5]]), [4, 2, 0]
    variables = random_variables(model, tokens, jnp.array(lengths))
    found = model.apply(variables, tokens, jnp.array(lengths), method="loss")
    expected = -log_probs(model, variables, tokens, jnp.array(lengths))[:2].mean()
    np.testing.assert_allclose(found.result(), expected, rtol=1e-6)


def test_a_model_that_looks_ahead_is_refused():
    model = LanguageModel(Stack((LSTM(4), Bidirectional(LSTM(4)))), V)
    with pytest.raises(ValueError, match="may not look ahead"):
        model.init(jax.random.key(0), jnp.zeros((1, 2), int), jnp.ones(1, int))


NOISES = ["input_dropout", "dropout", "weight_dropout", "reset_rate"]


@pytest.mark.parametrize("noise", NOISES)
def test_noise_is_for_training_alone_and_repeats_with_its_key(noise):
    tokens, lengths = jnp.array([[0, 2, 1, 1], [2, 1, 0, 0]]), jnp.array([4, 2])
    clean = LanguageModel(LSTM(4), V)
    noisy = LanguageModel(LSTM(4), V, **{noise: 0.5})
    variables = random_variables(clean, tokens, lengths)
    expected = clean.apply(variables, tokens, lengths)
    chex.assert_trees_all_equal(noisy.apply(variables, tokens, lengths), expected)

    def train(seed):
        rngs = {"dropout": jax.random.key(seed)}
        return noisy.apply(variables, tokens, lengths, train=True, rngs=rngs)

    chex.assert_trees_all_equal(train(0), train(0))
    assert jnp.any(train(0) != train(1))
    assert jnp.any(train(0) != expected)


KINDS = {
    "one-hot": {},
    "embedded": {"embedding": 3},
    "tied": {"embedding": 4, "tied": True},
}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())


@each_kind
def test_running_text_in_pieces_is_the_whole(kind):
    model = LanguageModel(LSTM(4), V, **kind)
    text = jnp.asarray(np.random.default_rng(0).integers(V, size=(2, 8)))
    tokens, targets = text[:, :7], text[:, 1:]
    variables = random_variables(model, text, jnp.array([8, 8]))
    stream = functools.partial(model.apply, variables, method="stream")
    begin = model.apply(variables, 2, method="initial_carry")
    expected, whole = stream(begin, tokens, targets)
    carry, total = begin, 0.0
    for part in (slice(0, 3), slice(3, 5), slice(5, 7)):
        carry, nats = stream(carry, tokens[:, part], targets[:, part])
        total += nats.total
    chex.assert_trees_all_close((carry, total), (expected, whole.total), rtol=1e-5)


@each_kind
def test_text_given_at_once_is_the_text_streamed(kind):
    model = LanguageModel(LSTM(4), V, **kind)
    text, lengths = jnp.array([[0, 2, 1, 1], [2, 1, 1, 0]]), jnp.array([4, 4])
    variables = random_variables(model, text, lengths)
    before = jnp.concatenate([jnp.full((2, 1), BOS), text[:, :-1]], axis=1)
    begin = model.apply(variables, 2, method="initial_carry")
    _, streamed = model.apply(variables, begin, before, text, method="stream")
    whole = model.apply(variables, text, lengths, method="loss")
    chex.assert_trees_all_close(streamed, whole, rtol=1e-6)


def test_tied_weights_are_one_array():
    model = LanguageModel(LSTM(4), V, embedding=4, tied=True)
    tokens, lengths = jnp.array([[0, 2, 1]]), jnp.array([3])
    variables = random_variables(model, tokens, lengths)
    params = variables["params"]
    assert "readout" not in params
    states = model.apply(variables, tokens, lengths, method="states")
    logits = model.apply(variables, tokens, lengths)
    expected = states @ params["embedding"].T + params["bias"]
    np.testing.assert_allclose(logits, expected, rtol=1e-6)
    wrong = LanguageModel(LSTM(4), V, embedding=5, tied=True)
    with pytest.raises(ValueError, match="as wide as the layer's output, 4, not 5"):
        wrong.init(jax.random.key(0), tokens, lengths)


def test_dropped_recurrent_weights_keep_their_mean_and_fixed_ones_stay():
    layer = Stack((LSTM(40), EchoState(30)))
    params = layer.init(jax.random.key(0), 5)
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
    params = layer.init(jax.random.key(0), 20)
    ones = jax.tree.map(jnp.ones_like, params)
    first, second = drop_weights(ones, layer.trainable(ones), jax.random.key(1), 0.5)
    assert jnp.any(first.w_h != second.w_h)


def test_what_a_fixed_layer_holds_is_marked():
    model = LanguageModel(Stack((EchoState(4), LSTM(3))), V)
    variables = model.init(jax.random.key(0), jnp.zeros((1, 2), int), jnp.ones(1, int))
    marks = model.trainable(variables)["params"]
    reservoir, lstm = marks["recurrent"]["layer"]
    assert not any(jax.tree.leaves(reservoir))
    assert all(jax.tree.leaves((lstm, marks["readout"])))
    chex.assert_trees_all_equal_structs(variables["params"], marks)
