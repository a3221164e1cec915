"""Generators: sequences that are written from a single input."""

import functools
import itertools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import jit
from model_data import (
    CLEAN,
    LENGTHS,
    PADDED_ROWS,
    V,
    apply,
    random_variables_for,
    shapes_of,
    step_of,
)

from seqjax import Stack
from seqjax.cells import GRU, LSTM, EchoState
from seqjax.decode import log_probs
from seqjax.models import BOS, Generator, LanguageModel

GENERATORS = {
    "vector": (
        Generator(LanguageModel(Stack((LSTM(4), GRU(3))), V, 6)),
        jnp.array([[0.3, -1.0], [2.0, 0.1], [-0.4, 0.8]]),
    ),
    "integer": (Generator(LanguageModel(LSTM(4), V), nn.Embed(4, 5)), jnp.arange(3)),
}
each_generator = pytest.mark.parametrize(
    ("model", "x"), GENERATORS.values(), ids=GENERATORS.keys()
)


@each_generator
def test_a_generator_writes_from_x_alone(model, x):
    variables = random_variables_for(model, x, CLEAN, LENGTHS)
    ask = functools.partial(apply, model, variables)
    logits = ask(x, CLEAN, LENGTHS)
    for row in PADDED_ROWS:
        one, n = slice(row, row + 1), int(LENGTHS[row])
        alone = ask(x[one], CLEAN[one, :n], LENGTHS[one])[0]
        np.testing.assert_allclose(logits[row, :n], alone, rtol=1e-5, atol=1e-6)
    assert jnp.abs(logits[0, 0] - logits[1, 0]).max() > 1e-3, "x matters"

    every = jnp.array(list(itertools.product(range(V), repeat=2)))
    many = jnp.repeat(x[1:2], len(every), axis=0)
    scores = ask(many, every, jnp.full(len(every), 2))
    log_p = jnp.take_along_axis(jax.nn.log_softmax(scores), every[..., None], -1)
    np.testing.assert_allclose(jnp.exp(log_p.sum((1, 2))).sum(), 1, rtol=1e-5)

    begin, first = ask(x, method="initial_carry"), jnp.full(3, BOS)
    score = jit(functools.partial(log_probs, step_of(model, variables)))
    each = score(begin, first, CLEAN, LENGTHS)
    loss = ask(x, CLEAN, LENGTHS, method="loss")
    np.testing.assert_allclose(loss.result(), -each.sum() / 3, rtol=1e-5)


@each_generator
def test_every_parameter_of_a_generator_matters(model, x):
    variables = random_variables_for(model, x, CLEAN, LENGTHS)

    def value(variables):
        return model.apply(variables, x, CLEAN, LENGTHS, method="loss").total

    slopes = jit(jax.grad(value))(variables)
    for path, slope in jax.tree_util.tree_leaves_with_path(slopes):
        assert jnp.any(slope != 0), jax.tree_util.keystr(path)
    assert all(jax.tree.leaves(model.trainable(variables)))


def test_what_a_generator_holds_fixed_is_marked():
    fixed, x = Generator(LanguageModel(EchoState(4), V)), jnp.ones((3, 2))
    shapes = shapes_of(fixed, x, CLEAN, LENGTHS)
    marks = fixed.trainable(shapes)["params"]
    assert not any(jax.tree.leaves(marks["write"]["recurrent"]))
    assert all(jax.tree.leaves(marks["begin"]))
