"""Means and what is made of them: accuracy, perplexity, Matthews correlation."""

import numpy as np
import pytest
from discovered import assert_close
from sklearn.metrics import matthews_corrcoef

from seqjax.metrics import Matthews, Mean, accuracy, perplexity


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


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_matthews_is_scikit_learns_and_merges(classes):
    rng = np.random.default_rng(classes)
    gold = rng.choice(classes, 300, p=rng.dirichlet(np.ones(classes)))
    guess = np.where(rng.random(300) < 0.6, gold, rng.integers(0, classes, 300))
    whole = Matthews.of(gold, guess, classes)
    assert whole.result() == pytest.approx(matthews_corrcoef(gold, guess))
    parts = [
        Matthews.of(gold[a:b], guess[a:b], classes) for a, b in ((0, 70), (70, 300))
    ]
    assert parts[0].merge(parts[1]).result() == whole.result()
    assert Matthews.of(gold, 0 * gold, classes).result() == 0
    assert Matthews.of(gold, gold, classes).result() == pytest.approx(1)
    for bad in (gold[:-1], gold + classes):
        with pytest.raises(ValueError, match="labels must be"):
            Matthews.of(gold, bad, classes)
