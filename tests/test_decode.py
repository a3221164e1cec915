"""Sampling draws from the model's own distribution, and stops where it should."""

import collections
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqjax import CELLS, LearnedStart, Stack
from seqjax.decode import sample
from seqjax.models import LanguageModel
from seqjax.models.language_model import BEFORE_FIRST

V, STOP = 4, 1


@pytest.fixture(scope="module")
def chain():
    """A first-order Markov chain as a step, and its log-probabilities."""
    logits = 1.5 * jax.random.normal(jax.random.key(3), (V + 1, V))

    def step(carry, token):
        return carry, logits[token]  # BEFORE_FIRST indexes the last row

    return step, np.asarray(jax.nn.log_softmax(logits))


def draw(step, count, seed=0, length=3, **options):
    """`count` samples in NumPy: tokens [B, length], lengths [B], log_probs [B]."""
    first = jnp.full(count, BEFORE_FIRST)

    @jax.jit
    def drawn(key):
        return sample(step, (), first, key, stop=STOP, length=length, **options)

    return jax.device_get(drawn(jax.random.key(seed)))


def exact_log_prob(log_probs, sequence):
    before = [BEFORE_FIRST, *sequence[:-1]]
    return sum(log_probs[b, t] for b, t in zip(before, sequence, strict=True))


def test_frequencies_are_the_exact_probabilities(chain):
    step, log_probs = chain
    count = 40_000
    tokens, lengths, _ = draw(step, count)
    seen = collections.Counter(
        tuple(row[:length].tolist())
        for row, length in zip(tokens, lengths, strict=True)
    )
    going_on = [token for token in range(V) if token != STOP]
    for sequence in [(STOP,), *itertools.product(going_on, going_on, range(V))]:
        p = np.exp(exact_log_prob(log_probs, sequence))
        deviation = np.sqrt(p * (1 - p) / count)
        assert abs(seen[sequence] / count - p) < 5 * deviation


def test_log_probs_are_those_of_what_was_drawn(chain):
    step, log_probs = chain
    for tokens, length, log_prob in zip(*draw(step, 50), strict=True):
        exact = exact_log_prob(log_probs, tokens[:length])
        np.testing.assert_allclose(log_prob, exact, rtol=1e-6)
        assert (tokens[length:] == STOP).all()


def frequencies(tokens):
    return np.bincount(tokens, minlength=V) / len(tokens)


def test_a_forbidden_token_is_never_drawn_and_the_rest_keeps_its_proportions(chain):
    step, log_probs = chain
    found = frequencies(draw(step, 20_000, length=1, forbidden=(2,)).tokens[:, 0])
    p = np.exp(log_probs[BEFORE_FIRST])
    p[2] = 0
    assert found[2] == 0
    np.testing.assert_allclose(found, p / p.sum(), atol=0.02)


def test_temperature_zero_is_greedy_and_a_high_one_is_uniform(chain):
    step, log_probs = chain
    greedy = draw(step, 5, temperature=0.0).tokens
    assert (greedy[:, 0] == log_probs[BEFORE_FIRST].argmax()).all()
    hot = draw(step, 20_000, length=1, temperature=1e3).tokens[:, 0]
    np.testing.assert_allclose(frequencies(hot), 1 / V, atol=0.02)


def test_a_seed_repeats_its_samples(chain):
    step, _ = chain
    one, again, other = (draw(step, 20, seed=seed).tokens for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_language_model_steps_as_it_scores(cell):
    layer = Stack((CELLS[cell](features=5), LearnedStart(CELLS[cell](features=3))))
    model = LanguageModel(layer, V)
    tokens = jnp.array([[0, 3, 2, 1], [2, 1, 0, 0]])
    lengths = jnp.array([4, 2])
    variables = model.init(jax.random.key(0), tokens, lengths)
    variables = jax.tree.map(lambda a: a + 0.1, variables)  # no bias is zero
    whole = model.apply(variables, tokens, lengths)
    carry = model.apply(variables, 2, method="initial_carry")
    before = jnp.full(2, BEFORE_FIRST)
    for t in range(4):
        carry, logits = model.apply(variables, carry, before, method="step")
        before = tokens[:, t]
        rows = np.flatnonzero(lengths > t)
        np.testing.assert_allclose(logits[rows], whole[rows, t], rtol=1e-5, atol=1e-6)
