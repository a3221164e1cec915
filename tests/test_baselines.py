"""N-grams: probabilities, the textbook formula, and data whose entropy is known."""

import collections

import numpy as np
import pytest

from experiments.names.data import TABLE
from seqjax.baselines import Ngram, best_ngram, counts, unigram
from seqjax.baselines.ngram import fit_each
from seqjax.data import Vocabulary

V = 6


def ragged(count, seed=0):
    """Sequences of skewed tokens 1 … V − 2 that end in 0; V − 1 never comes up."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(V - 2))
    return [
        np.append(1 + rng.choice(V - 2, n, p=p), 0) for n in rng.integers(0, 9, count)
    ]


def following(model, context):
    """P(token | context) for every token: [V]."""
    return np.exp([model.log_probs([*context, token])[-1] for token in range(V)])


def models():
    train, valid = ragged(60), ragged(20, seed=1)
    yield from (Ngram.fit(train, order, V) for order in range(1, 7))
    yield Ngram.fit(train, 3, V).scaled(1, 0.3).scaled(2, 7.0)
    yield Ngram.fit([[0], [1, 0]], 4, V)
    yield best_ngram(train, valid, V)


def test_probabilities_are_positive_and_sum_to_one_in_every_context():
    rng = np.random.default_rng(2)
    contexts = [rng.integers(0, V, n) for n in range(6) for _ in range(3)]
    for model in models():
        for context in contexts + ragged(5):
            p = following(model, context)
            assert p.min() > 0
            np.testing.assert_allclose(p.sum(), 1, rtol=1e-12)


def kneser_ney(sequences, order):
    """The textbook's formula, over dictionaries: (context, token) to p."""
    grams = collections.Counter()
    for sequence in sequences:
        read = ["start", *map(int, sequence)]
        for end in range(2, len(read) + 1):
            for length in range(1, min(order, end) + 1):
                grams[tuple(read[end - length : end])] += 1
    before = collections.Counter(gram[1:] for gram in grams)  # different tokens
    counts = {
        g: n if len(g) == order or g[0] == "start" else before[g]
        for g, n in grams.items()
    }

    def discount(gram):
        n = collections.Counter(c for g, c in counts.items() if len(g) == len(gram))
        if not all(n[k] for k in (1, 2, 3, 4)):
            return 0.5
        k = min(counts[gram], 3)
        d = k - (k + 1) * n[1] / (n[1] + 2 * n[2]) * n[k + 1] / n[k]
        return min(max(d, 0.01), k)

    discounts = {g: discount(g) for g in counts}

    def p(context, token):
        lower = p(context[1:], token) if context else 1 / V
        here = [g for g in counts if g[:-1] == context]
        if not here:
            return lower
        gram = (*context, token)
        kept = counts[gram] - discounts[gram] if gram in counts else 0
        passed_on = sum(discounts[g] for g in here)
        return (kept + passed_on * lower) / sum(counts[g] for g in here)

    return p


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_probabilities_are_the_textbooks_formula(order):
    train = ragged(40)
    model, p = Ngram.fit(train, order, V), kneser_ney(train, order)
    for sequence in ragged(4, seed=3):
        read = ["start", *map(int, sequence)]
        expected = [
            p(tuple(read[max(t + 2 - order, 0) : t + 1]), read[t + 1])
            for t in range(len(sequence))
        ]
        np.testing.assert_allclose(np.exp(model.log_probs(sequence)), expected)


def test_the_score_is_the_sum_over_tokens():
    model, data = Ngram.fit(ragged(60), 3, V), ragged(20, seed=1)
    nll = model.nll(iter(data))
    assert type(nll.total) is type(nll.weight) is float
    total = sum(model.log_probs(sequence).sum() for sequence in data)
    np.testing.assert_allclose(nll, [-total, sum(map(len, data))])
    assert model.nll([]) == (0, 0)


def test_a_unigram_is_the_frequencies_up_to_smoothing():
    train = ragged(2000)
    p = following(unigram(train, V), [3, 1])
    frequencies = np.bincount(np.concatenate(train), minlength=V) / sum(map(len, train))
    np.testing.assert_allclose(p, frequencies, atol=1e-3)


def split(sequences, seed):
    """Eight tenths, one, and one, at random."""
    order = np.random.default_rng(seed).permutation(len(sequences))
    tenth = len(order) // 10
    parts = order[2 * tenth :], order[tenth : 2 * tenth], order[:tenth]
    return [[sequences[i] for i in part] for part in parts]


@pytest.mark.parametrize("seed", [0, 1])
def test_context_helps_with_dinosaurs(seed):
    names = TABLE.load("dinosaurs").examples
    vocabulary = Vocabulary.build(names)
    train, valid, test = split([vocabulary.encode(name) for name in names], seed)
    size = len(vocabulary)

    def score(model, data=test):
        return float(model.nll(data).result())

    best = best_ngram(train, valid, size)
    orders = [Ngram.fit(train, order, size) for order in range(1, 8)]
    assert score(best, valid) < min(score(model, valid) for model in orders)
    assert score(best) < 1.65
    assert score(unigram(train, size)) > 2.7


def test_a_trigram_approaches_the_entropy_of_a_second_order_chain():
    rng = np.random.default_rng(0)
    size = none = 4  # tokens 0 … 3, of which 0 ends; none before the first
    chain = rng.dirichlet(np.full(size, 0.5), (size + 1, size + 1))
    chain = 0.9 * chain + 0.1 * np.eye(size)[0]  # P(token | two before)

    def draw():
        tokens = [none, none]
        while tokens[-1] != 0:
            tokens.append(int(rng.choice(size, p=chain[tokens[-2], tokens[-1]])))
        return np.array(tokens[2:])

    def exact_nll(tokens):
        read = np.array([none, none, *tokens])
        return -np.log(chain[read[:-2], read[1:-1], tokens]).sum()

    def score(order):
        return float(Ngram.fit(train, order, size).nll(test).result())

    train, test = ([draw() for _ in range(n)] for n in (4000, 1000))
    entropy = sum(map(exact_nll, test)) / sum(map(len, test))
    assert score(order=3) == pytest.approx(entropy, abs=0.01)
    assert score(order=2) > entropy + 0.05
    assert score(order=5) < entropy + 0.05


@pytest.mark.parametrize(
    "sequences, order, message",
    [
        ([[1, 0]], 0, "order"),
        ([], 2, "no tokens"),
        ([[V, 0]], 2, "tokens"),
        ([[-1]], 1, "tokens"),
    ],
)
def test_what_cannot_be_counted_is_refused(sequences, order, message):
    with pytest.raises(ValueError, match=message):
        Ngram.fit(sequences, order, V)


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(ValueError, match="tokens"):
        unigram([[0]], V).log_probs([V])
    with pytest.raises(ValueError, match="choose"):
        best_ngram([[0]], [], V)


@pytest.mark.parametrize("size", [V, 10**9])
def test_tables_and_sorting_count_the_same(size, monkeypatch):
    train, valid = ragged(300), ragged(30, seed=1)
    quick = best_ngram(train, valid, size), *fit_each(train, [3, 1, 9], size)
    monkeypatch.setattr(counts, "TABLE", 0)
    slow = best_ngram(train, valid, size), *fit_each(train, [3, 1, 9], size)
    assert [model.order for model in quick[1:]] == [3, 1, 9]
    for one, other in zip(quick, slow, strict=True):
        assert one.order == other.order and len(one.levels) == len(other.levels) > 0
        for level, sorted_level in zip(one.levels, other.levels, strict=True):
            for array, expected in zip(level, sorted_level, strict=True):
                np.testing.assert_array_equal(array, expected)
                assert array.dtype == expected.dtype


def test_orders_that_are_counted_together_are_those_counted_alone():
    train = ragged(200)
    for model in fit_each(train, [1, 2, 5, 12], V):
        alone = Ngram.fit(iter(train), model.order, V)
        probe = ragged(9, seed=4)
        assert model.nll(probe) == alone.nll(probe)
        assert len(model.levels) == len(alone.levels) <= model.order
