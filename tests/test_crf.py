"""The conditional random field, against enumeration of every labelling."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from differences import central_differences, close_to_differences
from random_data import patterns, poison

from seqjax.losses import crf

LABELS, STEPS = 3, 4
MASK = patterns(STEPS)  # every pattern of valid steps, none at all among them
ROWS = MASK.shape[1]

log_partition, log_likelihood, marginals, viterbi = map(
    jax.jit, (crf.log_partition, crf.log_likelihood, crf.marginals, crf.viterbi)
)


@functools.cache
def problem():
    """Parameters and logits [T, B, K], in NumPy float64."""
    rng = np.random.default_rng(0)
    shapes = ((LABELS, LABELS), (LABELS,), (LABELS,), (STEPS, ROWS, LABELS))
    *params, logits = (2 * rng.normal(size=shape) for shape in shapes)
    return crf.CRFParams(*params), logits


def labellings(row):
    """Each labelling of a row's valid steps, with its score."""
    params, logits = problem()
    steps = np.flatnonzero(MASK[:, row])
    for labels in itertools.product(range(LABELS), repeat=len(steps)):
        score = sum(logits[t, row, y] for t, y in zip(steps, labels, strict=True))
        score += sum(params.transitions[a, b] for a, b in itertools.pairwise(labels))
        if labels:
            score += params.start[labels[0]] + params.end[labels[-1]]
        yield labels, score


def poisoned():
    params, logits = problem()
    return params, poison(MASK, logits)


def test_the_partition_is_the_sum_over_all_labellings():
    found = log_partition(*poisoned(), MASK)
    for row in range(ROWS):
        scores = [score for _, score in labellings(row)]
        np.testing.assert_allclose(found[row], np.logaddexp.reduce(scores), atol=1e-12)


def test_likelihoods_are_shares_of_the_partition():
    rng = np.random.default_rng(1)
    labels = np.where(MASK, rng.integers(LABELS, size=MASK.shape), 99)
    found = log_likelihood(*poisoned(), labels, MASK)
    for row in range(ROWS):
        scores = dict(labellings(row))
        chosen = tuple(labels[MASK[:, row], row].tolist())
        total = np.logaddexp.reduce(list(scores.values()))
        np.testing.assert_allclose(found[row], scores[chosen] - total, atol=1e-12)


def test_marginals_are_sums_over_the_labellings_with_a_label():
    found = marginals(*poisoned(), MASK)
    assert not found[~MASK].any()
    for row in range(ROWS):
        scores = dict(labellings(row))
        total = np.logaddexp.reduce(list(scores.values()))
        for place, t in enumerate(np.flatnonzero(MASK[:, row])):
            for k in range(LABELS):
                with_k = [s for labels, s in scores.items() if labels[place] == k]
                p = np.exp(np.logaddexp.reduce(with_k) - total)
                np.testing.assert_allclose(found[t, row, k], p, atol=1e-12)


def test_viterbi_finds_the_best_labelling():
    labels, scores = viterbi(*poisoned(), MASK)
    assert not labels[~MASK].any()
    for row in range(ROWS):
        best, score = max(labellings(row), key=lambda pair: pair[1])
        assert tuple(labels[MASK[:, row], row].tolist()) == best
        np.testing.assert_allclose(scores[row], score, atol=1e-12)


def test_without_a_mask_all_steps_are_valid():
    params, logits = problem()
    everything = np.ones_like(MASK)
    for f in (log_partition, marginals, viterbi):
        jax.tree.map(
            np.testing.assert_array_equal,
            f(params, logits),
            f(params, logits, everything),
        )


@pytest.mark.parametrize("argument", [0, 1])
def test_gradients_of_the_likelihood_are_central_differences(argument):
    params, logits = problem()
    labels = np.random.default_rng(1).integers(LABELS, size=MASK.shape)
    rows = slice(3, None, 4)  # differences over some rows

    def value(params, logits):
        rowwise = crf.log_likelihood(params, logits, labels[:, rows], MASK[:, rows])
        return jnp.sum(jnp.sin(rowwise))

    given = jax.tree.map(jnp.asarray, (params, logits[:, rows]))
    found = jax.jit(jax.grad(value, argnums=argument))(*given)

    def alone(changed):
        return value(*(changed if i == argument else g for i, g in enumerate(given)))

    differences = jax.jit(lambda x: central_differences(alone, x))
    close_to_differences(found, differences(given[argument]))


def test_zero_parameters_are_independent_labels():
    _, logits = problem()
    zeros = crf.init(jax.random.key(0), LABELS, jnp.float64)
    found = marginals(zeros, logits)
    np.testing.assert_allclose(found, jax.nn.softmax(logits), atol=1e-12)
    assert (viterbi(zeros, logits)[0] == logits.argmax(-1)).all()
