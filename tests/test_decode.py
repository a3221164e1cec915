"""Decoding: sampling draws the model's distribution, a wide beam finds what is best."""

import collections
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import jit

from seqjax.decode import Beam, Rules, Sampling, generate, log_probs, rank
from seqjax.models import BOS

V, STOP, LENGTH, ROWS = 4, 1, 3, 2
NO_RULES = Rules()
GOING_ON = [token for token in range(V) if token != STOP]

# log P of a token given the two before it, other for each row; the last index is
# BOS, which -1 selects.
TABLE = jax.random.normal(jax.random.key(3), (ROWS, V + 1, V + 1, V)) * 1.5
EXACT = np.asarray(jax.nn.log_softmax(TABLE), float)


def step(carry, token):
    """Remembers a token, and reads a memory of its row."""
    before, table = carry
    logits = jax.vmap(lambda table, b, t: table[b, t])(table, before, token)
    return (token, table), logits


FIRST = jnp.full(ROWS, BOS)
CARRY = (FIRST, TABLE)


@functools.cache
def program(strategy, length, rules):
    """Decoding both rows, compiled once."""
    options = {"length": length, "eos_id": STOP, "rules": rules}

    def run(key, prefix):
        return generate(step, CARRY, FIRST, strategy, prefix=prefix, key=key, **options)

    return jit(run)


def decoded(strategy, seed=0, length=LENGTH, rules=NO_RULES, prefix=None):
    """The hypotheses of both rows, in NumPy."""
    run = program(strategy, length, rules)
    return jax.device_get(run(jax.random.key(seed), prefix))


@functools.cache
def scorer():
    return jit(functools.partial(log_probs, step))


def repeated(tree, row, count):
    """A row of a tree, so many times."""
    return jax.tree.map(lambda a: jnp.repeat(a[row : row + 1], count, axis=0), tree)


def exact_log_prob(row, sequence):
    fed = [BOS, BOS, *sequence]
    return sum(EXACT[row][fed[i]][fed[i + 1]][y] for i, y in enumerate(sequence))


def possible(length=LENGTH):
    """Every sequence that ends, and every one that is cut off."""
    for n in range(length):
        yield from ((*going, STOP) for going in itertools.product(GOING_ON, repeat=n))
    yield from itertools.product(GOING_ON, repeat=length)


def sequences(found, row):
    """Those of a row as tuples, in order."""
    pairs = zip(found.tokens[row], found.lengths[row], strict=True)
    return [tuple(tokens[:length].tolist()) for tokens, length in pairs]


STRATEGIES = pytest.mark.parametrize(
    "strategy", [Sampling(30), Sampling(2, temperature=0.0), Beam(7)], ids=str
)


def assert_frequencies(found, expected):
    """The share of each sequence of both rows, against its probability."""
    for row in range(ROWS):
        seen = collections.Counter(sequences(found, row))
        count, probabilities = found.tokens.shape[1], expected(row)
        np.testing.assert_allclose(sum(probabilities.values()), 1, rtol=1e-6)
        assert set(seen) <= {s for s, p in probabilities.items() if p > 0}
        for sequence, p in probabilities.items():
            deviation = np.sqrt(p * (1 - p) / count)
            assert abs(seen[sequence] / count - p) <= 5 * deviation + 3 / count, (
                sequence
            )


def test_frequencies_of_samples_are_the_exact_probabilities():
    def probabilities(row):
        return {s: np.exp(exact_log_prob(row, s)) for s in possible()}

    assert_frequencies(decoded(Sampling(20_000)), probabilities)


@STRATEGIES
def test_log_probs_are_the_models_own(strategy):
    found = decoded(strategy, rules=Rules(forbidden=(2,)))
    for row in range(ROWS):
        of_row = sequences(found, row)
        expected = [exact_log_prob(row, sequence) for sequence in of_row]
        real = np.isfinite(found.log_probs[row])
        np.testing.assert_allclose(
            found.log_probs[row][real], np.array(expected)[real], rtol=1e-5
        )
        carry, first = repeated((CARRY, FIRST), row, len(real))
        again = scorer()(carry, first, found.tokens[row], found.lengths[row])
        np.testing.assert_allclose(again.sum(1)[real], np.array(expected)[real], 1e-5)
        ends = [sequence[-1] == STOP for sequence in of_row]
        np.testing.assert_array_equal(found.ended[row], ends)
        for tokens, length in zip(found.tokens[row], found.lengths[row], strict=True):
            assert (tokens[length:] == STOP).all()


def keeps(rules, sequence):
    """Whether a sequence keeps the rules, by looking at it."""
    n = rules.no_repeat_ngram
    runs = [sequence[i : i + n] for i in range(len(sequence) - n + 1)] if n else []
    return (
        not set(rules.forbidden) & set(sequence)
        and (STOP not in sequence or len(sequence) > rules.min_length)
        and len(set(runs)) == len(runs)
    )


RULES = {
    "forbidden": Rules(forbidden=(2,)),
    "min_length": Rules(min_length=2),
    "no token twice": Rules(no_repeat_ngram=1),
    "no pair twice": Rules(no_repeat_ngram=2),
    "all": Rules(forbidden=(0,), min_length=1, no_repeat_ngram=2),
}
over_rules = pytest.mark.parametrize("rules", RULES.values(), ids=RULES.keys())


@over_rules
def test_samples_keep_rules_and_the_rest_its_proportions(rules):
    length = 4

    def share(row, sequence):
        """The product over steps of P among the tokens that keep the rules."""
        p = 1.0
        for t, token in enumerate(sequence):
            ways = [y for y in range(V) if keeps(rules, (*sequence[:t], y))]
            weights = {y: np.exp(exact_log_prob(row, (*sequence[:t], y))) for y in ways}
            p *= weights.get(token, 0) / (sum(weights.values()) or 1)
        return p

    def probabilities(row):
        return {s: share(row, s) for s in possible(length)}

    assert_frequencies(
        decoded(Sampling(8_000), length=length, rules=rules), probabilities
    )


def best(row, rules=NO_RULES, alpha=0.0, length=LENGTH):
    """All that is possible, the best first."""
    kept = [s for s in possible(length) if keeps(rules, s)]
    return sorted(
        kept, key=lambda s: -exact_log_prob(row, s) / ((5 + len(s)) / 6) ** alpha
    )


@pytest.mark.parametrize("alpha", [0.0, 0.7, 3.0])
@pytest.mark.parametrize("rules", [NO_RULES, *RULES.values()], ids=["none", *RULES])
def test_a_wide_beam_is_enumeration(rules, alpha):
    found = decoded(Beam(len(list(possible())), alpha), rules=rules)
    for row in range(ROWS):
        expected = best(row, rules, alpha)
        assert sequences(found, row)[: len(expected)] == expected
        assert np.isneginf(found.log_probs[row][len(expected) :]).all()


def test_length_penalty_changes_what_is_best():
    orders = [best(row, alpha=alpha) for row in range(ROWS) for alpha in (0.0, 3.0)]
    assert orders[0] != orders[1] and orders[2] != orders[3]


def test_a_beam_of_one_is_greedy():
    one, greedy = decoded(Beam(1)), decoded(Sampling(temperature=0.0))
    for a, b in zip(one, greedy, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_wider_beam_finds_no_worse():
    widths = (1, 2, 4, 40)
    found = np.stack([decoded(Beam(width)).log_probs[:, 0] for width in widths])
    assert (np.diff(found, axis=0) >= -1e-6).all()
    assert (found[-1] > found[0]).any(), "greedy misses something here"


@STRATEGIES
def test_a_prefix_is_forced_row_by_row(strategy):
    prefix = jnp.array([[2, 0], [3, 99]]), jnp.array([2, 1])
    found = decoded(strategy, prefix=prefix)
    for row, begin in enumerate([(2, 0), (3,)]):
        real = np.isfinite(found.log_probs[row])
        for sequence in itertools.compress(sequences(found, row), real):
            assert sequence[: len(begin)] == begin


def test_after_a_prefix_samples_have_their_conditional_probabilities():
    def probabilities(row):
        p = {s: np.exp(exact_log_prob(row, s)) for s in possible() if s[0] == 2}
        return {s: value / sum(p.values()) for s, value in p.items()}

    prefix = jnp.full((ROWS, 1), 2), jnp.ones(ROWS, int)
    assert_frequencies(decoded(Sampling(10_000), prefix=prefix), probabilities)


def first_tokens(row):
    return np.exp(EXACT[row][BOS][BOS])


def drawn_first(**options):
    found = decoded(Sampling(20_000, **options), length=1)
    return [np.bincount(row[:, 0], minlength=V) / len(row) for row in found.tokens]


@pytest.mark.parametrize(
    "options",
    [{"top_k": 2}, {"top_p": 0.75}, {"top_p": 1e-6}, {"top_k": 3, "top_p": 0.5}],
)
def test_truncated_samples_are_the_likeliest_in_their_proportions(options):
    for row, found in enumerate(drawn_first(**options)):
        p = first_tokens(row)
        order = np.argsort(-p)[: options.get("top_k", V)]
        p = np.where(np.isin(np.arange(V), order), p, 0)
        p /= p.sum()
        before = np.cumsum(p[order]) - p[order]
        kept = order[before < options.get("top_p", 1.0)]
        p = np.where(np.isin(np.arange(V), kept), p, 0)
        assert set(np.flatnonzero(found)) == set(kept.tolist())
        np.testing.assert_allclose(found, p / p.sum(), atol=0.02)


def test_temperature_sharpens_and_flattens():
    for row, found in enumerate(drawn_first(temperature=0.0)):
        assert found.argmax() == first_tokens(row).argmax() and found.max() == 1
    for found in drawn_first(temperature=1e3):
        np.testing.assert_allclose(found, 1 / V, atol=0.02)
    for row, found in enumerate(drawn_first(temperature=0.5)):
        p = first_tokens(row) ** 2
        np.testing.assert_allclose(found, p / p.sum(), atol=0.02)


def test_a_seed_repeats_its_samples_and_samples_differ():
    one, again, other = (decoded(Sampling(20), seed=s).tokens for s in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    assert (one[0, :10] != one[0, 10:]).any()


def test_where_rules_leave_nothing_the_sequence_ends():
    found = decoded(
        Sampling(5), length=6, rules=Rules(forbidden=(0, 2), no_repeat_ngram=1)
    )
    assert (found.lengths <= 2).all() and found.ended.all()


def test_ranked_tokens_are_the_sorted_distribution():
    tokens, lengths = jnp.array([[2, 0], [3, 9]]), jnp.array([2, 1])
    found = jit(functools.partial(rank, step, k=3))(CARRY, FIRST, tokens, lengths)
    for row, (b, t) in enumerate([(2, 0), (BOS, 3)]):
        order = np.argsort(-EXACT[row][b][t])[:3]
        np.testing.assert_array_equal(found.tokens[row], order)
        np.testing.assert_allclose(
            found.log_probs[row], EXACT[row][b][t][order], rtol=1e-5
        )
    every = jit(functools.partial(rank, step, k=V))
    nothing = every(CARRY, FIRST, tokens[:, :0], jnp.zeros(ROWS, int))
    assert [row[0] for row in nothing.tokens.tolist()] == [
        first_tokens(row).argmax() for row in range(ROWS)
    ]


BAD = {
    "width must be at least 1": lambda: Sampling(0),
    "width must be at least 1: -1": lambda: Beam(-1),
    "temperature must be 0 or more": lambda: Sampling(temperature=-0.1),
    "top_k must be 0 or more": lambda: Sampling(top_k=-1),
    r"top_p must be in \(0, 1\]": lambda: Sampling(top_p=0.0),
    "length_penalty must be 0 or more": lambda: Beam(length_penalty=-1.0),
    "min_length must be 0 or more": lambda: Rules(min_length=-1),
    "no_repeat_ngram must be 0 or more": lambda: Rules(no_repeat_ngram=-2),
}


@pytest.mark.parametrize("message", BAD)
def test_numbers_out_of_range_are_refused(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()


@pytest.mark.parametrize(
    ("length", "prefix", "message"),
    [
        (0, None, "length must be at least 1, not 0"),
        (1, 2, "length counts the tokens of the prefix, .* at least 2, not 1"),
    ],
)
def test_a_length_that_is_too_short_is_refused(length, prefix, message):
    if prefix:
        prefix = jnp.zeros((ROWS, prefix), int), jnp.zeros(ROWS, int)
    with pytest.raises(ValueError, match=message):
        decoded(Sampling(), length=length, prefix=prefix)


def test_a_prefix_as_long_as_the_sequence_is_the_sequence():
    prefix = jnp.array([[2, 0, 3], [3, 2, 0]]), jnp.full(ROWS, 3)
    found = decoded(Beam(2), prefix=prefix)
    assert found.tokens[:, 0].tolist() == prefix[0].tolist()
    assert not found.ended[:, 0].any()
