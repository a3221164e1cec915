"""Steps that are not finite are skipped and counted, up to a number in a row."""

import json

import chex
import jax.numpy as jnp
import numpy as np
import pytest
from training import PARAMS, Data, loss, make_task, restored, run

from seqjax.train import NonFinite
from seqjax.train.skipping import only_finite


class Numbered(Data):
    """Batches that know their step."""

    def stacked(self, step, count):
        return super().stacked(step, count) | {"step": np.arange(step, step + count)}


def task_with(bad_steps, state=()):
    """The loss of some steps is NaN, with a gradient that is finite."""

    def bad(params, batch, key, state):
        mean, count, _ = loss(params, batch, key, state)
        is_bad = jnp.isin(batch["step"], jnp.array(bad_steps))
        total = jnp.where(is_bad, jnp.nan, mean.total)
        state = tuple(jnp.where(is_bad, jnp.nan, s + 1) for s in state)
        return mean._replace(total=total), count, state

    return make_task(bad, recurrent_state=state)._replace(data=Numbered())


def lines(folder):
    """Those of metrics.jsonl, which is JSON as it stands in the standard."""

    def refuse(name):
        raise ValueError(name)

    text = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line, parse_constant=refuse) for line in text]


def test_bad_steps_change_nothing_and_are_counted(tmp_path):
    task, config = task_with([3, 4, 9]), {"skip_nonfinite": 2, "average": 0.9}
    run(tmp_path / "whole", 12, task, **config)
    written = lines(tmp_path / "whole")
    assert [line["skipped"] for line in written if "loss" in line][-1] == 3
    assert any("loss" not in line for line in written)  # where all were skipped
    state, _ = restored_with(tmp_path / "whole", task, 0.9)
    chex.assert_tree_all_finite(state.params)
    run(tmp_path / "parts", 4, task, **config)  # it ends within a run of bad steps
    run(tmp_path / "parts", 12, task, resume=True, **config)
    again, _ = restored_with(tmp_path / "parts", task, 0.9)
    chex.assert_trees_all_equal(again, state)


def restored_with(folder, task, average):
    optimizer = only_finite(task.optimizer, 2)
    return restored(folder, task._replace(optimizer=optimizer), average)


def test_a_skipped_step_is_as_if_its_batch_had_not_been(tmp_path):
    """Of the optimizer's own state, too, and of what goes on to the next step."""
    task = task_with([2], state=(jnp.array(0.0),))
    run(tmp_path, 3, task, skip_nonfinite=1, per_dispatch=3)
    after, _ = restored_with(tmp_path, task, 0.0)
    run(tmp_path / "before", 2, task, skip_nonfinite=1, per_dispatch=3)
    before, _ = restored_with(tmp_path / "before", task, 0.0)
    assert int(after.step) == 3
    chex.assert_trees_all_equal(after.params, before.params)
    assert after.recurrent_state[0] == before.recurrent_state[0] == 2
    inner, earlier = (s.opt_state.inner_state for s in (after, before))
    chex.assert_trees_all_equal(inner, earlier)
    assert not np.allclose(after.params["w"], PARAMS["w"])


def test_one_more_in_a_row_stops_and_is_named(tmp_path):
    task = task_with([3, 4, 6, 7, 8])
    with pytest.raises(NonFinite, match="^step 9: loss is not finite"):
        run(tmp_path, 20, task, skip_nonfinite=2, eval_every=100)
    with pytest.raises(ValueError, match="skip_nonfinite must be at least 0"):
        run(tmp_path / "negative", 20, task, skip_nonfinite=-1)
