"""Sampling draws from the model's own distribution, and stops where it should."""

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
    first = jnp.full(count, BEFORE_FIRST)
    options = {"stop": STOP, "length": length, **options}
    return jax.jit(lambda key: sample(step, (), first, key, **options))(
        jax.random.key(seed)
    )


def exact(log_probs, sequence):
    before = [BEFORE_FIRST, *sequence[:-1]]
    return sum(log_probs[b, t] for b, t in zip(before, sequence, strict=True))


def test_frequencies_are_the_exact_probabilities(chain):
    step, log_probs = chain
    count = 40_000
    drawn = draw(step, count)
    seen = {}
    for tokens, length in zip(*map(np.asarray, drawn[:2]), strict=True):
        sequence = tuple(tokens[:length].tolist())
        seen[sequence] = seen.get(sequence, 0) + 1
    for sequence in itertools.chain(
        [(STOP,)], itertools.product([0, 2, 3], range(V), range(V))
    ):
        if STOP in sequence[:-1]:
            continue
        p = np.exp(exact(log_probs, sequence))
        deviation = np.sqrt(p * (1 - p) / count)
        assert abs(seen.get(sequence, 0) / count - p) < 5 * deviation


def test_log_probs_are_those_of_what_was_drawn(chain):
    step, log_probs = chain
    drawn = draw(step, 50)
    for tokens, length, log_prob in zip(*map(np.asarray, drawn), strict=True):
        np.testing.assert_allclose(log_prob, exact(log_probs, tokens[:length]), 1e-6)
        assert (tokens[length:] == STOP).all()


def test_a_forbidden_token_is_never_drawn_and_the_rest_keeps_its_proportions(chain):
    step, log_probs = chain
    drawn = np.asarray(draw(step, 20_000, length=1, forbidden=(2,)).tokens)[:, 0]
    p = np.exp(log_probs[BEFORE_FIRST])
    p[2] = 0
    frequencies = np.bincount(drawn, minlength=V) / len(drawn)
    assert frequencies[2] == 0
    np.testing.assert_allclose(frequencies, p / p.sum(), atol=0.02)


def test_temperature_zero_is_greedy_and_a_high_one_is_uniform(chain):
    step, log_probs = chain
    greedy = np.asarray(draw(step, 5, temperature=0.0).tokens)
    assert (greedy[:, 0] == log_probs[BEFORE_FIRST].argmax()).all()
    hot = np.asarray(draw(step, 20_000, length=1, temperature=1e3).tokens)[:, 0]
    np.testing.assert_allclose(
        np.bincount(hot, minlength=V) / len(hot), 1 / V, atol=0.02
    )


def test_a_seed_repeats_its_samples(chain):
    step, _ = chain
    same = [np.asarray(draw(step, 20, seed=seed).tokens) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(same[0], same[1])
    assert (same[0] != same[2]).any()


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_language_model_steps_as_it_scores(cell):
    layer = Stack((CELLS[cell](features=5), LearnedStart(CELLS[cell](features=3))))
    model = LanguageModel(layer, V)
    tokens = jnp.array([[0, 3, 2, 1], [2, 1, 0, 0]])
    lengths = jnp.array([4, 2])
    variables = model.init(jax.random.key(0), tokens, lengths)
    variables = jax.tree.map(lambda a: a + 0.1, variables)
    whole = model.apply(variables, tokens, lengths)
    carry = model.apply(variables, 2, method="initial_carry")
    before = jnp.full(2, BEFORE_FIRST)
    for t in range(4):
        carry, logits = model.apply(variables, carry, before, method="step")
        before = tokens[:, t]
        rows = np.flatnonzero(lengths > t)
        np.testing.assert_allclose(logits[rows], whole[rows, t], rtol=1e-5, atol=1e-6)
