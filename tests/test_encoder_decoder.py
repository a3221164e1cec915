"""Encoders and decoders: distributions, steps, beams, attention, scheduled sampling."""

import functools
import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import jit
from model_data import (
    LABELS,
    LENGTHS,
    TARGET,
    TARGET_LENGTHS,
    TOKENS,
    TRANSLATORS,
    arguments,
    call,
    over,
    random_variables,
    step_of,
)
from random_data import random_params

from seqjax.cells import GRU, LSTM
from seqjax.decode import Beam, generate, log_probs
from seqjax.layers.attention import AdditiveAttention, MultiplicativeAttention
from seqjax.models import BOS


@over(TRANSLATORS)
def test_the_probabilities_of_all_targets_sum_to_one(model):
    targets = jnp.array(list(itertools.product(range(LABELS), repeat=3)))
    count = len(targets)
    source = jnp.repeat(TOKENS[1:2], count, 0), jnp.repeat(LENGTHS[1:2], count)
    logits = call(model, *source, targets, jnp.full(count, 3))
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], -1)
    p = jnp.exp(chosen[..., 0].sum(1))
    np.testing.assert_allclose(p.sum(), 1, rtol=1e-10)
    assert p.std() > 0.01 / count


@functools.cache
def scorer(model):
    return jit(functools.partial(log_probs, step_of(model, random_variables(model))))


@over(TRANSLATORS)
def test_a_translator_steps_as_it_scores(model):
    logits = call(model, *arguments(model))
    chosen = jnp.take_along_axis(
        jax.nn.log_softmax(logits), jnp.clip(TARGET, 0, LABELS - 1)[..., None], -1
    )[..., 0]
    valid = np.arange(3) < TARGET_LENGTHS[:, None]
    begin = call(model, TOKENS, LENGTHS, method="initial_carry")
    first = jnp.full(len(TOKENS), BOS)
    found = scorer(model)(begin, first, TARGET, TARGET_LENGTHS)
    np.testing.assert_allclose(found, np.where(valid, chosen, 0), rtol=1e-6)
    loss = call(model, *arguments(model), method="loss").total
    np.testing.assert_allclose(loss, -np.sum(chosen[valid]), rtol=1e-10)


@over(TRANSLATORS)
def test_a_beam_over_a_translator_is_enumeration(model):
    """With memory and carry of each hypothesis its own row's."""
    length, stop, rows = 3, 0, len(TOKENS)
    ends = [
        sequence
        for n in range(length)
        for sequence in ((*g, stop) for g in itertools.product((1, 2), repeat=n))
    ] + list(itertools.product((1, 2), repeat=length))
    begin = call(model, TOKENS, LENGTHS, method="initial_carry")
    first = jnp.full(rows, BOS)
    options = {"strategy": Beam(len(ends)), "length": length, "eos_id": stop}
    step = step_of(model, random_variables(model))
    found = jit(functools.partial(generate, step, **options))(begin, first)

    padded = np.array([(*s, *[0] * (length - len(s))) for s in ends])
    lengths = np.array([len(s) for s in ends])
    many, firsts = jax.tree.map(lambda a: jnp.repeat(a, len(ends), 0), (begin, first))
    each = scorer(model)(
        many, firsts, np.tile(padded, (rows, 1)), np.tile(lengths, rows)
    )
    totals = np.sum(each, axis=1).reshape(rows, len(ends))
    for row, log_p in enumerate(totals):
        order = np.argsort(-log_p)
        np.testing.assert_allclose(found.log_probs[row], log_p[order], rtol=1e-6)
        np.testing.assert_array_equal(found.tokens[row][0], padded[order[0]])


@over({k: m for k, m in TRANSLATORS.items() if not k.startswith("none")})
def test_attention_weights_are_distributions_over_the_source(model):
    found = call(model, TOKENS, LENGTHS, TARGET, method="attention_weights")
    assert found.shape == (3, 3, 4)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-10)
    outside = np.arange(4) >= LENGTHS[:, None]
    assert not np.moveaxis(found, 1, 2)[outside].any()
    assert found[0].std(0).max() > 1e-3, "it moves"


@over(TRANSLATORS)
def test_scheduled_sampling_feeds_back_what_the_model_draws(model):
    def loss(sampled, seed=0):
        rngs = {"dropout": jax.random.key(seed)}
        args = arguments(model)
        return call(model, *args, method="loss", sampled=sampled, rngs=rngs).total

    clean = call(model, *arguments(model), method="loss").total
    assert len({float(loss(1.0, seed=seed)) for seed in range(8)}) > 1
    assert loss(1e-9) == pytest.approx(clean)


ATTENTIONS = {
    "additive": AdditiveAttention(LSTM(3), 2),
    "multiplicative": MultiplicativeAttention(GRU(3), 2),
}


@pytest.mark.parametrize("layer", ATTENTIONS.values(), ids=ATTENTIONS.keys())
def test_attention_differentiates_with_respect_to_its_memory(layer):
    rng = np.random.default_rng(0)
    params = random_params(layer, 2)
    xs, values = (
        jnp.asarray(rng.normal(size=(5, 3, 2))),
        jnp.asarray(rng.normal(size=(3, 4, 2))),
    )
    mask = jnp.arange(4) < jnp.array([4, 2, 1])[:, None]
    flags = {"mask": jnp.arange(5)[:, None] < jnp.array([5, 3, 0])}

    def value(params, xs, values, gradient):
        remembered = layer.remember(params, values, mask)
        carry, ys = layer.unroll(remembered, xs, gradient=gradient, **flags)
        return jnp.sum(jnp.sin(ys)) + sum(jnp.sum(a) for a in jax.tree.leaves(carry))

    slopes = jit(jax.grad(value, argnums=(0, 1, 2)), static_argnums=3)
    lean, plain, remat = (
        slopes(params, xs, values, gradient) for gradient in ("lean", "plain", "remat")
    )
    chex.assert_trees_all_close(lean, plain, rtol=1e-10, atol=1e-12)
    chex.assert_trees_all_close(remat, plain, rtol=1e-10, atol=1e-12)
    read = mask & jnp.array([True, True, False])[:, None]  # the last row is empty
    assert not lean[2][~read].any() and lean[2][read].all()
