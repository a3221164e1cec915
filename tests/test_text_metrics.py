"""Error rates against a search over all edits, and BLEU."""

import functools
import math

import numpy as np
import pytest

from seqjax.metrics import (
    Mean,
    character_error_rate,
    corpus_bleu,
    word_error_rate,
)


@functools.cache
def slow_distance(a, b):
    """By its recursive definition."""
    if not a or not b:
        return len(a) + len(b)
    substituted = slow_distance(a[1:], b[1:]) + (a[0] != b[0])
    return min(substituted, slow_distance(a[1:], b) + 1, slow_distance(a, b[1:]) + 1)


def random_pairs(count=150, letters="abc"):
    rng = np.random.default_rng(0)
    for _ in range(count):
        yield tuple(
            "".join(rng.choice(list(letters), rng.integers(0, 10))) for _ in range(2)
        )


def test_error_rates_are_edits_over_the_length_of_the_references():
    pairs = list(random_pairs(40, "ab c"))
    hypotheses, references = zip(*pairs, strict=True)
    words = [(tuple(h.split()), tuple(r.split())) for h, r in pairs]
    expected = Mean(
        sum(slow_distance(*pair) for pair in words), sum(len(r) for _, r in words)
    )
    assert word_error_rate(hypotheses, references) == expected
    expected = Mean(
        sum(slow_distance(*pair) for pair in pairs), sum(map(len, references))
    )
    assert character_error_rate(hypotheses, references) == expected
    assert expected.result() > 1  # there may be more edits than characters


@pytest.mark.parametrize("rate", [word_error_rate, character_error_rate])
def test_error_rates_merge_and_know_the_perfect_and_the_silent(rate):
    hypotheses = ["the cat sat", "", "on a the mat", "x"]
    references = ["the fat cat sat", "here", "on the mat", ""]
    whole = rate(hypotheses, references)
    parts = rate(hypotheses[:1], references[:1]).merge(
        rate(hypotheses[1:], references[1:])
    )
    assert parts == whole
    assert rate(references, references).result() == 0
    assert rate([""] * 4, references).result() == 1
    with pytest.raises(ValueError):
        rate(hypotheses, references[:-1])


def slow_bleu(hypotheses, references):
    """BLEU by its definition, of words that no tokenizer would change."""
    matches, totals = np.zeros(4), np.zeros(4)
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        for n in range(1, 5):
            grams, others = (
                [
                    tuple(text.split()[i : i + n])
                    for i in range(len(text.split()) - n + 1)
                ]
                for text in (hypothesis, reference)
            )
            totals[n - 1] += len(grams)
            matches[n - 1] += sum(
                min(grams.count(g), others.count(g)) for g in set(grams)
            )
    lengths = [sum(len(t.split()) for t in texts) for texts in (hypotheses, references)]
    penalty = min(1.0, math.exp(1 - lengths[1] / lengths[0]))
    return 100 * penalty * math.exp(np.mean(np.log(matches / totals)))


def test_bleu_is_that_of_its_definition_with_its_signature():
    pytest.importorskip("sacrebleu")
    references = ["the cat sat on the old mat", "where is the small dog now"]
    hypotheses = ["the cat sat on the old mat", "where is a small dog"]
    score, signature = corpus_bleu(hypotheses, references)
    assert score == pytest.approx(slow_bleu(hypotheses, references))
    assert 10 < score < 95
    assert "tok:13a" in signature and "version:" in signature
    assert corpus_bleu(references, references).score == pytest.approx(100)
    with pytest.raises(ValueError, match="2 hypotheses, 1 references"):
        corpus_bleu(hypotheses, references[:1])
    with pytest.raises(ValueError, match="0 hypotheses"):
        corpus_bleu([], [])
