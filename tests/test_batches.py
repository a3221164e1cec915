"""Batches hold each sequence once an epoch, in an order that is a function of step."""

import itertools
from typing import NamedTuple

import numpy as np
import pytest

from seqjax.data import Batches
from seqjax.metrics import Mean


def ragged(count, seed=0):
    """Sequences of 1 to 30 tokens that are all different."""
    rng = np.random.default_rng(seed)
    lengths = 1 + rng.geometric(0.15, count).clip(max=29)
    return [np.append(rng.integers(0, 9, n - 1), 10 + i) for i, n in enumerate(lengths)]


def rows_of(batches):
    """The non-empty rows of batches, padding cut off."""
    return [
        tuple(row[:length])
        for tokens, length_of in batches
        for row, length in zip(tokens, length_of, strict=True)
        if length
    ]


def steps_of(epoch, batches):
    first = epoch * batches.steps_per_epoch
    return range(first, first + batches.steps_per_epoch)


def equal(batch, other):
    return all(np.array_equal(a, b) for a, b in zip(batch, other, strict=True))


several_shapes = pytest.mark.parametrize(
    "count, batch_size, buckets, run",
    [(1, 1, 1, 1), (5, 8, 3, 8), (64, 8, 1, 4), (203, 7, 4, 3), (100, 10, 40, 2)],
)


@several_shapes
def test_an_epoch_shows_every_sequence_once(count, batch_size, buckets, run):
    sequences = ragged(count)
    batches = Batches(sequences, batch_size, buckets=buckets, run=run)
    expected = sorted(map(tuple, sequences))
    for epoch in range(3):
        shown = (batches.at(step) for step in steps_of(epoch, batches))
        assert sorted(rows_of(shown)) == expected
    assert sorted(rows_of(batches.once())) == expected


@several_shapes
def test_batches_are_padded_with_zeros_to_the_longest_of_their_bucket(
    count, batch_size, buckets, run
):
    batches = Batches(ragged(count), batch_size, buckets=buckets, run=run)
    longest = {}  # of each width
    for tokens, lengths in batches.once():
        width = tokens.shape[1]
        assert tokens.dtype == lengths.dtype == np.int32
        assert tokens.shape == (batch_size, width)
        assert not tokens[np.arange(width) >= lengths[:, None]].any()
        longest[width] = max(longest.get(width, 0), lengths.max())
    assert all(width == length for width, length in longest.items())
    assert len(longest) <= buckets
    widths = {batches.at(step).values.shape[1] for step in steps_of(0, batches)}
    assert widths == set(longest)


def test_buckets_hold_equal_counts_of_like_lengths():
    sequences = [np.arange(n) for n in np.random.default_rng(0).permutation(120) + 1]
    batches = Batches(sequences, batch_size=5, buckets=4)
    widths = [tokens.shape[1] for tokens, _ in batches.once()]
    assert widths == sorted([30, 60, 90, 120] * 6)


def test_the_order_is_a_function_of_seed_and_step():
    sequences = ragged(150)
    batches = Batches(sequences, 8, seed=3, buckets=3)
    steps = range(3 * batches.steps_per_epoch)
    walked = [batches.at(step) for step in steps]
    for step in reversed(steps):
        fresh = Batches(sequences, 8, seed=3, buckets=3)
        assert equal(fresh.at(step), walked[step])
        assert equal(batches.at(step), walked[step])


def test_epochs_and_seeds_differ():
    sequences = ragged(150)

    def companies(seed, epoch):
        """Which sequences stand in one batch."""
        batches = Batches(sequences, 8, seed=seed, buckets=3)
        steps = steps_of(epoch, batches)
        return {frozenset(rows_of([batches.at(step)])) for step in steps}

    assert not companies(seed=0, epoch=0) & companies(seed=0, epoch=1)
    assert not companies(seed=0, epoch=0) & companies(seed=1, epoch=0)


@several_shapes
def test_a_stack_is_the_batches_of_its_steps(count, batch_size, buckets, run):
    batches = Batches(ragged(count), batch_size, buckets=buckets, run=run)
    epoch = batches.steps_per_epoch
    for step in range(2 * epoch):
        most = batches.run_length(step, 100)
        last = step + most - 1
        assert step // epoch == last // epoch
        stack = batches.stacked(step, most)
        assert len(stack.values) == len(stack.lengths) == most
        for i in range(most):
            assert equal((stack.values[i], stack.lengths[i]), batches.at(step + i))
        assert batches.run_length(step, 1) == 1
        with pytest.raises(ValueError, match=f"from step {step} on"):
            batches.stacked(step, most + 1)


def test_runs_keep_a_bucket_for_some_steps_and_are_shuffled():
    batches = Batches(ragged(1000), 8, buckets=3, run=5)
    widths = [batches.at(step).values.shape[1] for step in steps_of(0, batches)]
    runs = [width for width, _ in itertools.groupby(widths)]
    assert 3 * len(runs) < len(widths)
    assert len(runs) > 6


def test_once_keeps_the_order_given():
    sequences = ragged(30)
    assert rows_of(Batches(sequences, 7).once()) == list(map(tuple, sequences))


@several_shapes
def test_rows_come_back_in_the_order_given(count, batch_size, buckets, run):
    sequences = ragged(count)
    batches = Batches(sequences, batch_size, buckets=buckets, run=run)
    sums = batches.map_rows(lambda batch: batch.values.sum(-1) + 100 * batch.lengths)
    assert sums == [sequence.sum() + 100 * len(sequence) for sequence in sequences]


@several_shapes
def test_a_mean_is_of_all_examples(count, batch_size, buckets, run):
    sequences = ragged(count)
    batches = Batches(sequences, batch_size, buckets=buckets, run=run)
    found = batches.mean(lambda b: Mean(b.values.sum(), b.lengths.sum()))
    assert found == (sum(map(sum, sequences)), sum(map(len, sequences)))


class Pair(NamedTuple):
    source: object
    target: object


class Tagged(NamedTuple):
    letters: object  # [T, C]
    pair: Pair
    label: object  # []


def test_parts_of_an_example_stay_together():
    """Each padded by itself, along each of its axes."""
    rng = np.random.default_rng(0)
    examples = [
        Tagged(
            rng.normal(size=(rng.integers(1, 9), rng.integers(1, 5))),
            Pair(*(rng.integers(1, 99, n) for n in rng.integers(1, 20, 2))),
            label,
        )
        for label in range(1, 60)
    ]
    batches = Batches(examples, 7, seed=1, buckets=3)
    found = {}
    for step in steps_of(1, batches):
        values, lengths = batches.at(step)
        assert values.letters.dtype == np.float32 and values.label.dtype == np.int32
        for row in np.flatnonzero(lengths.label):
            one = values.letters[row], values.pair.source[row], values.pair.target[row]
            n = lengths.letters[row], lengths.pair.source[row], lengths.pair.target[row]
            found[values.label[row]] = (*(a[:k] for a, k in zip(one, n, strict=True)),)
            assert not any(a[k:].any() for a, k in zip(one, n, strict=True))
        for row in np.flatnonzero(lengths.label == 0):
            assert not lengths.letters[row] and not lengths.pair.source[row]
    assert sorted(found) == list(range(1, 60))
    for example in examples:
        letters, source, target = found[example.label]
        width = example.letters.shape[1]
        np.testing.assert_allclose(letters[:, :width], example.letters, rtol=1e-6)
        assert not letters[:, width:].any()
        np.testing.assert_array_equal(source, example.pair.source)
        np.testing.assert_array_equal(target, example.pair.target)


def test_buckets_are_by_the_longest_part():
    sizes = [(1, 9), (1, 2), (9, 1), (2, 1)]
    pairs = [Pair(np.ones(a, int), np.ones(b, int)) for a, b in sizes]
    widths = {
        (values.source.shape[1], values.target.shape[1])
        for values, _ in Batches(pairs, 1, buckets=2).once()
    }
    assert widths == {(2, 2), (9, 9)}


BAD_ARGUMENTS = [
    ([], {}, "no examples"),
    ([[1], np.zeros(0, int)], {}, "example 1"),
    ([[1], [0.5]], {}, "example 1"),
    ([[1], [[1]]], {}, "example 1"),
    ([["a"]], {}, "example 0"),
    ([[1], Pair([1], [1])], {}, "example 1 has other parts"),
    ([Pair([1], [1]), Pair([1], [])], {}, "example 1"),
    ([[1]], {"batch_size": 0}, "batch_size"),
    ([[1]], {"buckets": 0}, "buckets"),
    ([[1]], {"run": 0}, "run"),
]


@pytest.mark.parametrize("sequences, options, message", BAD_ARGUMENTS)
def test_what_cannot_be_batched_is_named(sequences, options, message):
    with pytest.raises(ValueError, match=message):
        Batches(sequences, **{"batch_size": 2, **options})
