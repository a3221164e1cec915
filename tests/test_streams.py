"""Running text in streams: every token once and in order, and where pieces begin."""

import chex
import jax
import numpy as np
import pytest

from seqjax.data import Streams

TEXT = np.random.default_rng(0).integers(50, size=103)


def test_pieces_of_an_epoch_are_the_streams_one_after_the_other():
    streams = Streams(TEXT, batch_size=4, length=6)
    assert streams.steps_per_epoch == 4  # 102 targets, 25 a stream
    pieces = [streams.stacked(step, 1) for step in range(4)]
    read = np.concatenate([piece.tokens[0] for piece in pieces], axis=1)
    following = np.concatenate([piece.targets[0] for piece in pieces], axis=1)
    for row in range(4):
        begin = 25 * row
        np.testing.assert_array_equal(read[row], TEXT[begin : begin + 24])
        np.testing.assert_array_equal(following[row], TEXT[begin + 1 : begin + 25])
    assert [bool(piece.begins[0]) for piece in pieces] == [True, False, False, False]


@pytest.mark.parametrize("context", [0, 8])
def test_a_stack_is_its_steps_and_epochs_repeat(context):
    streams = Streams(TEXT, 3, 5, context)
    count = streams.run_length(1, 3)
    assert count == 3
    stacked = streams.stacked(1, count)
    for i in range(count):
        own = jax.tree.map(lambda a, i=i: a[i : i + 1], stacked)
        chex.assert_trees_all_equal(own, streams.stacked(1 + i, 1))
    again = streams.stacked(streams.steps_per_epoch + 1, count)
    chex.assert_trees_all_equal(stacked, again)


@pytest.mark.parametrize("context", [1, 6, 15, 99])
def test_a_context_is_what_stands_before_and_is_masked_before_the_beginning(context):
    plain, windows = Streams(TEXT, 4, 6), Streams(TEXT, 4, 6, context)
    assert windows.steps_per_epoch == plain.steps_per_epoch == 4
    pieces, found = plain.stacked(0, 4), windows.stacked(0, 4)
    np.testing.assert_array_equal(found.begins, pieces.begins)
    for n in range(4):
        there = min(context, 6 * n)
        for name in ("tokens", "targets"):
            text = np.concatenate(getattr(pieces, name)[: n + 1], axis=1)
            window = getattr(found, name)[n]
            assert window.shape == (4, context + 6)
            np.testing.assert_array_equal(
                window[:, context - there :], text[:, 6 * n - there :]
            )
        expected = np.arange(context + 6) >= context - there
        np.testing.assert_array_equal(found.mask[n], [expected] * 4)


def test_no_run_passes_the_end_of_an_epoch():
    streams = Streams(TEXT, batch_size=4, length=6)
    assert [streams.run_length(step, 99) for step in range(6)] == [4, 3, 2, 1, 4, 3]


def test_once_has_every_token_of_a_single_stream():
    pieces = list(Streams(TEXT, batch_size=1, length=10).once())
    following = np.concatenate([piece.targets[0] for piece in pieces])
    np.testing.assert_array_equal(following, TEXT[1:])
    assert [bool(piece.begins) for piece in pieces] == [True] + [False] * 10


@pytest.mark.parametrize(
    ("batch_size", "length", "message"),
    [(0, 3, "batch_size must"), (3, 0, "length must"), (20, 6, "do not fill")],
)
def test_streams_refuse_what_does_not_fit(batch_size, length, message):
    with pytest.raises(ValueError, match=message):
        Streams(TEXT, batch_size, length)
    with pytest.raises(ValueError, match="context must be at least 0, not -1"):
        Streams(TEXT, 4, 6, -1)
