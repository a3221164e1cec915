"""Means and what is made of them: accuracy, perplexity."""

import numpy as np
from discovered import assert_close

from seqjax.metrics import Mean, accuracy, perplexity


def test_accuracy_counts_valid_steps_and_merges():
    rng = np.random.default_rng(0)
    mask = rng.random((5, 6)) < 0.6  # [T, B]
    logits, labels = rng.normal(size=(5, 6, 4)), rng.integers(0, 4, (5, 6))
    hits = np.argmax(logits, axis=-1) == labels
    assert 0 < hits[mask].mean() < 1
    np.testing.assert_allclose(accuracy(logits, labels).result(), hits.mean())
    found = accuracy(logits, labels, mask)
    np.testing.assert_allclose(found.result(), hits[mask].mean())
    left, right = (
        accuracy(logits[:, rows], labels[:, rows], mask[:, rows])
        for rows in (slice(2), slice(2, None))
    )
    assert_close(left.merge(right), found)


def test_perplexity_is_of_all_tokens():
    found = Mean(6.0, 3.0).merge(Mean(1.0, 1.0))
    np.testing.assert_allclose(perplexity(found), np.exp(7 / 4))
    assert Mean(0.0, 0.0).result() == 0
