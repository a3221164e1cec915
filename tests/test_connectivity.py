"""How much each earlier input mattered, and which unit knows."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import IN, jit
from random_data import random_like

from seqjax import Bidirectional, Stack
from seqjax.cells import GRU, LSTM
from seqjax.data import Tokenizer
from seqjax.inspect import (
    area_under_curve,
    best_unit,
    connectivity,
    quantities,
    read_text,
    trace,
)
from seqjax.models import LanguageModel
from seqjax.predict import LanguagePredictor, init

STEPS = 6
LAYER = Stack((LSTM(3), GRU(4)))
DIRECTION = np.array([0.4, -1.2, 0.7, 0.3])


def data(layer):
    shapes = jax.eval_shape(lambda: layer.init(jax.random.key(0), IN))
    xs = np.random.default_rng(1).normal(size=(STEPS, IN))
    return jax.tree.map(jnp.asarray, random_like(shapes, 2)), jnp.asarray(xs)


def score(ys):
    return jnp.sin(ys @ DIRECTION) * (1 + jnp.arange(len(ys)))


@jit
def slope(params, xs, t):
    """The gradient of one step's score, by plain autodiff."""

    def at(xs):
        return score(LAYER.unroll(params, xs, gradient="plain")[1])[t]

    return jax.grad(at)(xs)


@pytest.mark.parametrize("chunk", [4, 64])
def test_connectivity_is_a_gradient_for_each_step(chunk):
    params, xs = data(LAYER)
    how = {"score": score, "chunk": chunk}
    found = jit(functools.partial(connectivity, LAYER, **how))(params, xs)
    assert found.shape == (STEPS, STEPS) and found.dtype == jnp.float64
    for t in range(STEPS):
        expected = np.linalg.norm(slope(params, xs, t), axis=-1)
        np.testing.assert_allclose(found[t], expected, rtol=1e-9)
        assert found[t, : t + 1].all() and not found[t, t + 1 :].any()


def test_connectivity_is_of_one_causal_row():
    layer = Bidirectional(GRU(2))
    params, xs = data(layer)
    with pytest.raises(ValueError, match="later"):
        connectivity(layer, params, xs, score)
    params, xs = data(LAYER)
    with pytest.raises(ValueError, match=r"\[T, in\]"):
        connectivity(LAYER, params, xs[:, None], score)


@functools.cache
def predictor(stream=True, tied=False):
    tokenizer = Tokenizer.build(["anna said, hello"], "chars")
    how = {"embedding": 3 if not tied else 4, "tied": tied}
    model = LanguageModel(LAYER, len(tokenizer.tokens), **how)
    made = LanguagePredictor(model, tokenizer, stream)
    drawn = random_like(init(made, jax.random.key(0)), 3)
    variables = jax.tree.map(jnp.asarray, drawn)
    return dataclasses.replace(made, variables=variables)


@pytest.mark.parametrize("stream", [True, False])
def test_a_text_is_read_as_it_is_scored(stream):
    text = "hanna\nsaid" if stream else "hanna said"
    reading = read_text(predictor(stream), text, guesses=2)
    scored = predictor(stream).score(text)[:-1]
    assert reading.tokens == [token for token, _ in scored]
    log_p = [value for _, value in scored]
    np.testing.assert_allclose(reading.log_p, log_p, rtol=1e-6)
    ranked, best = predictor(stream).rank(text[:7], 2), reading.likeliest[7]
    assert [token for token, _ in best] == [token for token, _ in ranked]
    shares = [[p for _, p in pairs] for pairs in (best, ranked)]
    np.testing.assert_allclose(*shares, rtol=1e-6)
    assert "state " in next(iter(reading.quantities))
    assert set(reading.quantities) > {"0.LSTM state c", "1.GRU state h", "1.GRU gate u"}
    assert {a.shape for a in reading.quantities.values()} == {(10, 3), (10, 4)}


def test_the_connectivity_of_a_text_is_by_the_embedding_of_each_letter():
    """Finite differences: the letter's vector is moved at one place alone."""
    made, text = predictor(tied=True), "hanna"
    found = read_text(made, text).connectivity
    ids = made.tokenizer.vocabulary.encode(list(text), eos=False)
    read = jnp.array([made.first, *ids[:-1]])
    xs = made.model.apply(made.variables, read, method="embed")
    params = made.variables["params"]["recurrent"]["layer"]

    @jit
    def log_p(moves):  # [many, T, in]
        _, ys = LAYER.unroll(params, (xs + moves).swapaxes(0, 1))
        logits = made.model.apply(made.variables, ys, method="read")
        chosen = jax.nn.log_softmax(logits)[jnp.arange(len(ids)), :, ids]
        return chosen  # [T, many]

    T, width = xs.shape
    moves = 1e-6 * np.eye(T * width).reshape(-1, T, width)
    slopes = (log_p(moves) - log_p(-moves)) / 2e-6
    expected = np.linalg.norm(slopes.reshape(T, T, width), axis=-1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)
    assert (found[np.tril_indices(T)] > 1e-6).all()


def test_a_text_that_cannot_be_read_is_refused():
    with pytest.raises(ValueError, match="line break"):
        read_text(predictor(stream=False), "an\nna")
    with pytest.raises(ValueError, match="no text"):
        read_text(predictor(), "")


def test_the_area_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 6, (40, 3)).astype(float)  # many ties
    labels = rng.random(40) < 0.3
    pairs = values[labels][:, None] - values[~labels][None]
    expected = ((pairs > 0) + 0.5 * (pairs == 0)).mean(axis=(0, 1))
    np.testing.assert_allclose(area_under_curve(values, labels), expected)
    with pytest.raises(ValueError, match="the same"):
        area_under_curve(values, np.ones(40, bool))


def test_the_unit_that_knows_is_found_and_measured_elsewhere():
    """Of two that are equally good where they are chosen, one knows; with its sign."""
    rng = np.random.default_rng(1)
    labels = rng.random((2, 300)) < 0.4
    noise = rng.normal(size=(2, 2, 300, 5))
    noise[:, 1, :, 3] = 2 * noise[:, 1, :, 3] - 6 * labels + 1
    parts = [{"state h": a, "gate u": b} for a, b in noise]
    found = best_unit(parts[0], labels[0], parts[1], labels[1])
    assert (found.quantity, found.unit, found.sign) == ("gate u", 3, -1)
    areas = [
        area_under_curve(-part["gate u"][:, 3:4], y)[0]
        for part, y in zip(parts, labels, strict=True)
    ]
    assert [found.chosen, found.area] == pytest.approx(areas) and areas[0] != areas[1]
    values = parts[0]["gate u"][:, 3]

    def right(cut):
        return ((values < cut) == labels[0]).sum()

    assert right(found.threshold) == max(map(right, [*values, np.inf]))


def test_quantities_are_all_states_and_gates():
    params, xs = data(LAYER)
    seen = trace(LAYER, params, jnp.stack([xs, xs], axis=1))
    found = quantities(seen)
    lstm, gru = seen.cells.values()
    np.testing.assert_array_equal(found["0.LSTM state c"], lstm.carry.c)
    np.testing.assert_array_equal(found["1.GRU gate r"], gru.gates["r"])
    assert len(found) == 2 + len(lstm.gates) + 1 + len(gru.gates)
    alone = trace(GRU(4), params[1], jnp.ones((2, 3)))
    assert list(quantities(alone))[0] == "state h"
