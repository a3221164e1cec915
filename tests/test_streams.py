"""Running text in streams: every token once and in order, and where pieces begin."""

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


def test_a_stack_is_its_steps_and_epochs_repeat():
    streams = Streams(TEXT, batch_size=3, length=5)
    count = streams.run_length(1, 3)
    assert count == 3
    stacked = streams.stacked(1, count)
    for i in range(count):
        for whole, part in zip(stacked, streams.stacked(1 + i, 1), strict=True):
            np.testing.assert_array_equal(whole[i], part[0])
    again = streams.stacked(streams.steps_per_epoch + 1, count)
    for first, second in zip(stacked, again, strict=True):
        np.testing.assert_array_equal(first, second)


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
