"""Models: padding, empty rows, gradients, noise, what is held fixed."""

import functools
import re

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import jit
from model_data import (
    CLASSIFIERS,
    CLEAN,
    LABELS,
    LENGTHS,
    PADDED_ROWS,
    READERS,
    TARGET,
    TARGET_LENGTHS,
    TOKENS,
    TRANSLATORS,
    V,
    apply,
    arguments,
    call,
    over,
    random_variables,
    random_variables_for,
    shapes_of,
)

from seqjax import CELLS, Stack
from seqjax.cells import LSTM, EchoState
from seqjax.models import (
    Classifier,
    EncoderDecoder,
    FeedForward,
    Tagger,
    WordFeatures,
    Words,
)


@over(READERS)
def test_a_padded_batch_gives_what_single_rows_give(model):
    whole = call(model, *arguments(model))
    for row in PADDED_ROWS:
        length = int(LENGTHS[row])
        alone = call(model, TOKENS[row : row + 1, :length], LENGTHS[row : row + 1])[0]
        found = whole[row] if isinstance(model, Classifier) else whole[row, :length]
        np.testing.assert_allclose(found, alone, rtol=1e-10)


@over(TRANSLATORS)
def test_a_padded_pair_gives_what_it_gives_alone(model):
    whole = call(model, *arguments(model))
    for row in PADDED_ROWS:
        source, target = LENGTHS[row], TARGET_LENGTHS[row]
        alone = call(
            model,
            TOKENS[row : row + 1, :source],
            source[None],
            TARGET[row : row + 1, :target],
            target[None],
        )[0]
        np.testing.assert_allclose(whole[row, :target], alone, rtol=1e-10)


@over(READERS | TRANSLATORS)
def test_an_empty_row_is_finite_and_changes_no_other(model):
    args = arguments(model)
    empty = tuple(a.at[1].set(0) if a.ndim == 1 else a for a in args)
    found, expected = call(model, *empty), call(model, *args)
    assert jnp.isfinite(found).all()
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[2], expected[2])


@functools.cache
def slopes(model):
    """The gradient of a sum of all outputs, each with a weight of its own."""

    def value(variables):
        out = model.apply(variables, *arguments(model))
        return jnp.sum(jnp.sin(out * jnp.arange(1.0, 1 + out.size).reshape(out.shape)))

    return jit(jax.grad(value))(random_variables(model))


@over(READERS | TRANSLATORS)
def test_every_parameter_matters(model):
    for path, slope in jax.tree_util.tree_leaves_with_path(slopes(model)):
        if "'crf'" in jax.tree_util.keystr(path):
            continue  # of the loss alone
        assert jnp.any(slope != 0), jax.tree_util.keystr(path)


@over(READERS | TRANSLATORS)
def test_lean_and_plain_gradients_are_equal(model):
    plain = slopes(model.clone(gradient="plain"))
    chex.assert_trees_all_close(slopes(model), plain, rtol=1e-9, atol=1e-12)


def program(model):
    """What a model computes, to compare: its jaxpr without addresses of functions."""
    args = arguments(model)
    jaxpr = jax.make_jaxpr(model.apply)(random_variables(model), *args)
    return re.sub("0x[0-9a-f]+", "", str(jaxpr))


@over(READERS | TRANSLATORS)
def test_noise_is_for_training_alone(model):
    noisy = model.clone(dropout=0.5)
    assert program(noisy) == program(model) != program(model.clone(gradient="plain"))
    args, expected = arguments(model), call(model, *arguments(model))
    drawn = [
        call(noisy, *args, train=True, rngs={"dropout": jax.random.key(i)})
        for i in (0, 0, 1)
    ]
    chex.assert_trees_all_equal(drawn[0], drawn[1])
    assert jnp.any(drawn[0] != drawn[2]) and jnp.any(drawn[0] != expected)


@over({k: m for k, m in CLASSIFIERS.items() if k.startswith("attention")})
def test_attention_pools_over_valid_steps(model):
    weights = call(model, *arguments(model), method="attention_weights")
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-10)
    assert not weights[np.arange(4) >= LENGTHS[:, None]].any()
    assert weights[0].std() > 0.01


def test_at_every_step_a_row_gets_what_it_gets_where_it_ends_there():
    model = CLASSIFIERS["last-ahead"]
    found = call(model, *arguments(model), method="at_every_step")
    for t in range(TOKENS.shape[1]):
        ended = call(model, TOKENS, np.minimum(LENGTHS, t + 1))
        reached = LENGTHS > t
        np.testing.assert_allclose(found[reached, t], ended[reached], rtol=1e-10)
    assert found[0].std(axis=0).min() > 0.01
    for name in ("last-both", "max-ahead"):
        other = CLASSIFIERS[name]
        with pytest.raises(ValueError, match="each step has logits of its own where"):
            call(other, *arguments(other), method="at_every_step")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Classifier(LSTM(3), 2, None, "sum"), "pooling must be one of .*, not 'sum'"),
        (EncoderDecoder(LSTM(3), LSTM(3), 5, 5, 4, "dot"), "attention must .*'dot'"),
    ],
    ids=["pooling", "attention"],
)
def test_unknown_options_are_refused(model, message):
    with pytest.raises(ValueError, match=message):
        shapes_of(model, *arguments(model))


def test_a_feed_forward_net_knows_places_and_not_order():
    """Its output is that of the formula; a place that moves changes it."""
    model = FeedForward((6, 4), 2, nn.Embed(V, 3))
    variables = random_variables_for(model, CLEAN)
    found = apply(model, variables, CLEAN)
    p = variables["params"]
    x = np.asarray(p["embed"]["embedding"])[np.asarray(CLEAN)].reshape(3, -1)
    for name in ("Dense_0", "Dense_1"):
        x = np.maximum(x @ p[name]["kernel"] + p[name]["bias"], 0)
    expected = x @ p["Dense_2"]["kernel"] + p["Dense_2"]["bias"]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    moved = apply(model, variables, jnp.roll(CLEAN, 1, axis=1))
    assert jnp.abs(moved - found).max() > 1e-3
    noisy, rngs = model.clone(dropout=0.5), {"dropout": jax.random.key(0)}
    drawn = apply(noisy, variables, CLEAN, train=True, rngs=rngs)
    assert jnp.any(drawn != found)
    quiet = apply(noisy, variables, CLEAN)
    np.testing.assert_array_equal(quiet, found)


def test_what_an_embedding_holds_fixed_is_marked():
    features = WordFeatures(9, 7, 6, 4, EchoState(3))
    one = jnp.ones((1, 1), int)
    words = Words(one, one[..., None], one, one), jnp.ones(1, int)
    for model in (Tagger(LSTM(4), 2, features), Classifier(LSTM(4), 2, features)):
        marks = model.trainable(shapes_of(model, *words))["params"]
        assert not any(jax.tree.leaves(marks["embed"]["read"]))
        assert all(jax.tree.leaves((marks["embed"]["word"], marks["recurrent"])))


def test_what_a_fixed_layer_holds_is_marked():
    model = EncoderDecoder(EchoState(4), Stack((EchoState(3), LSTM(4))), V, LABELS, 6)
    marks = model.trainable(shapes_of(model, *arguments(model)))["params"]
    assert not any(jax.tree.leaves(marks["read"]["layer"]))
    reservoir, lstm = marks["write"].layer
    assert not any(jax.tree.leaves(reservoir)) and all(jax.tree.leaves(lstm))
    assert all(jax.tree.leaves((marks["write"].w_q, marks["source"], marks["readout"])))


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_any_cell_reads_and_writes(cell):
    """As far as shapes go; its numbers are the laws' and the language model's."""
    writer = EncoderDecoder(CELLS[cell](4), CELLS[cell](4), V, LABELS, 6)
    reader = Classifier(CELLS[cell](4), LABELS, nn.Embed(V, 6))
    for model, shape in ((writer, (3, 3, LABELS)), (reader, (3, LABELS))):
        args, variables = arguments(model), random_variables(model)
        assert jax.eval_shape(model.apply, variables, *args).shape == shape
