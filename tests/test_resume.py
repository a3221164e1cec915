"""Resumption: exact, after signals and damage, and without a trace where refused."""

import os
import signal

import chex
import pytest
from training import damage, files, interrupted_task, run

from seqjax.train import CheckpointError, Checkpoints, Interrupted, done_steps


def test_a_resumed_run_equals_an_uninterrupted_one_bit_by_bit(tmp_path):
    whole = run(tmp_path / "whole")
    with pytest.raises(Interrupted, match="SIGTERM at step 5 of 20"):
        run(tmp_path / "broken", task=interrupted_task(1))
    with pytest.raises(Interrupted, match="SIGTERM at step 15 of 20"):
        run(tmp_path / "broken", task=interrupted_task(2), resume=True)
    resumed = run(tmp_path / "broken", resume=True)
    chex.assert_trees_all_equal(resumed.params, whole.params)
    assert resumed.history == whole.history
    assert resumed.step == whole.step


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    whole = run(tmp_path / "whole")
    run(tmp_path / "damaged")
    damage(tmp_path / "damaged", 20)
    with pytest.warns(
        UserWarning, match="passed over: .*/20.safetensors: this file is damaged"
    ):
        resumed = run(tmp_path / "damaged", resume=True)
    chex.assert_trees_all_equal(resumed.params, whole.params)
    assert resumed.history == whole.history
    checkpoints = os.listdir(tmp_path / "damaged" / "checkpoints")
    assert sorted(checkpoints) == ["10.safetensors", "20.safetensors"]


def test_no_sound_checkpoint_and_a_mixed_folder_are_refused(tmp_path):
    run(tmp_path, steps=5)
    with pytest.raises(CheckpointError, match="belongs to another run"):
        run(tmp_path)
    damage(tmp_path, 5)
    with (
        pytest.warns(
            UserWarning, match="passed over: .*/5.safetensors: this file is damaged"
        ),
        pytest.raises(CheckpointError, match="no checkpoint is sound"),
    ):
        run(tmp_path, resume=True)


def test_the_steps_done_are_those_of_the_newest_sound_checkpoint(tmp_path):
    assert done_steps(tmp_path / "none") == 0
    assert not (tmp_path / "none").exists()
    run(tmp_path)
    before = files(tmp_path)
    assert done_steps(tmp_path) == 20
    assert files(tmp_path) == before
    damage(tmp_path, 20)
    before = files(tmp_path)
    assert done_steps(tmp_path) == 10
    assert files(tmp_path) == before
    damage(tmp_path, 10)
    with pytest.raises(CheckpointError, match="no checkpoint is sound"):
        done_steps(tmp_path)


def test_a_refused_resumption_writes_nothing(tmp_path):
    run(tmp_path)
    before = files(tmp_path)
    with pytest.raises(CheckpointError, match="has done 20 steps already.* not 19"):
        run(tmp_path, steps=19, resume=True)
    assert files(tmp_path) == before
    damage(tmp_path, 20)
    before = files(tmp_path)
    with (
        pytest.warns(UserWarning, match="passed over"),
        pytest.raises(CheckpointError, match="has done 10 steps already"),
    ):
        run(tmp_path, steps=9, resume=True)
    assert files(tmp_path) == before


def test_a_complete_run_is_resumed_without_a_step_and_without_a_change(tmp_path):
    whole = run(tmp_path)
    assert whole.steps_run == 20
    before = files(tmp_path)
    again = run(tmp_path, resume=True)
    assert files(tmp_path) == before
    assert again.steps_run == 0
    assert (again.scores, again.step) == (whole.scores, whole.step)
    assert again.history == whole.history
    chex.assert_trees_all_equal(again.params, whole.params)


def test_a_run_that_stopped_before_its_evaluation_is_evaluated(tmp_path, monkeypatch):
    save = Checkpoints.save

    def killed(self, step, tree, about):
        if step > 5:
            raise SystemExit
        save(self, step, tree, about)

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(Checkpoints, "save", killed)
        run(tmp_path / "killed", eval_every=7, checkpoint_every=5)
    late = run(tmp_path / "killed", steps=5, resume=True)
    assert late.steps_run == 0 and late.history[-1]["step"] == 5
    chex.assert_trees_all_equal(late.params, run(tmp_path / "whole", steps=5).params)


EVALUATIONS = 4  # of a run of 20 steps, and then once more of the best parameters


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("at", [EVALUATIONS, EVALUATIONS + 1])
def test_a_signal_at_the_end_is_obeyed_once_all_is_saved(at, number, tmp_path):
    handler, calls = signal.getsignal(number), []
    with pytest.raises(Interrupted, match=f"{number.name} at .* training is complete"):
        run(tmp_path, task=interrupted_task(at, number, calls))
    assert len(calls) == at  # nothing is evaluated after it
    assert signal.getsignal(number) is handler
    assert done_steps(tmp_path) == 20
    rest = run(tmp_path, resume=True)
    assert rest.steps_run == 0
    assert rest.history[-1]["step"] == 20
    with pytest.raises(Interrupted, match="training is complete"):
        run(tmp_path, task=interrupted_task(1), resume=True)


@pytest.mark.parametrize("at, stop", [(10, 12), (20, 20)])
def test_a_signal_while_a_checkpoint_is_written_is_obeyed(
    at, stop, tmp_path, monkeypatch
):
    """The file is finished, and the run stops behind the next steps."""
    save = Checkpoints.save

    def interrupted_save(self, step, tree, about):
        if step == at:
            signal.raise_signal(signal.SIGTERM)
        save(self, step, tree, about)

    monkeypatch.setattr(Checkpoints, "save", interrupted_save)
    with pytest.raises(Interrupted, match=f"SIGTERM at step {stop} of 20"):
        run(tmp_path)
    assert done_steps(tmp_path) == stop
    monkeypatch.undo()
    resumed = run(tmp_path, resume=True)
    assert resumed.history == run(tmp_path / "whole").history
