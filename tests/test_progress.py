"""What a run says while it goes on: loss with its unit, speed, time left."""

import re
import sys

import numpy as np
import pytest
from training import make_task, run

from seqjax.train import progress
from seqjax.train.progress import Clock, Progress


@pytest.fixture
def tick(monkeypatch):
    """A clock that moves by hand."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def move(seconds):
        now[0] += seconds

    return move


def dispatch(clock, tick, width, seconds, steps=10):
    with clock.dispatch({"x": np.zeros((2, width))}, steps):
        tick(seconds)
        clock.tokens += 1000


def test_what_compiles_counts_neither_in_the_speed_nor_in_the_time_left(tick):
    clock = Clock()
    assert clock.seconds_left(100, 0) is None and clock.tokens_per_second == 0
    dispatch(clock, tick, 3, 60.0)
    dispatch(clock, tick, 4, 50.0)
    assert clock.seconds_left(100, 0) is None and clock.tokens_per_second == 0
    dispatch(clock, tick, 3, 2.0)
    dispatch(clock, tick, 4, 4.0, steps=5)
    assert clock.seconds_left(100, 0) == pytest.approx(6 / 15 * 100)
    assert clock.tokens_per_second == pytest.approx(2000 / 6)
    assert clock.seconds() == pytest.approx(116)


def test_evaluations_count_in_the_time_left_from_the_second_on(tick):
    clock = Clock()
    dispatch(clock, tick, 3, 60.0)
    dispatch(clock, tick, 3, 2.0)
    for seconds in (30.0, 3.0, 5.0):
        left = clock.seconds_left(100, 7)
        with clock.evaluation():
            tick(seconds)
    assert left == pytest.approx(20 + 7 * 3)
    assert clock.seconds_left(100, 7) == pytest.approx(20 + 7 * 4)


def test_a_pipe_gets_a_line_now_and_then(tick, capsys):
    with Progress(2000, 400, unit="nats per letter", every=10.0) as shown:
        tick(9.0)
        shown.update(405, 9.0, 0.0, None)
        tick(2.0)
        shown.update(414, 1.6233, 23_426.3, 77.2)
        shown.update(500, 2.0, 20_000.0, 70.0)
        tick(11.0)
        shown.update(600, 123_456.7, 0.0, None)
    assert capsys.readouterr().err.splitlines() == [
        "step 414/2000, loss 1.62 nats per letter, 23,426 tokens/s, 77 s left",
        "step 600/2000, loss 123,457 nats per letter",
    ]


def test_a_terminal_gets_a_bar_with_the_same_words(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Progress(2000, 400, unit="nats per letter") as shown:
        shown.update(414, 1.6233, 23_426.3, 7000.0)
    words = "step 414/2000, loss 1.62 nats per letter, 23,426 tokens/s, 117 min left"
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("terminal", [True, False])
def test_quiet_is_silent(terminal, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with Progress(20, quiet=True, every=0.0) as shown:
        shown.update(5, 1.0, 2.0, 3.0)
    assert capsys.readouterr().err == ""


def test_a_run_says_its_loss_in_its_unit(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(Progress.__init__, "__defaults__", (0, "", False, 0.0))
    run(tmp_path, task=make_task(unit="squares per token"), quiet=False)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("step 3/20, loss ")
    assert lines[0].endswith(" squares per token")  # it compiles: no speed as yet
    number = r"[\d.,]+"
    expected = f"step 20/20, loss {number} squares per token, {number} tokens/s, "
    assert re.fullmatch(expected + r"0 s left", lines[-1])
