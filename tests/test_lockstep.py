"""Many runs in lockstep: each is what it would be alone, and they share programs."""

import functools
import signal
import warnings

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from training import TRUE_W, adam, evaluate
from training import loss as plain

from seqjax.train import (
    Checkpoints,
    Interrupted,
    NonFinite,
    Task,
    TrainConfig,
    fit,
    in_lockstep,
    lockstep,
    programs,
    resuming,
)
from seqjax.train.checkpoints import done_steps


class Data:
    """Batches of a seed; with `ragged`, in shapes that are other for each seed.

    If they are uneven, so is how many of them go in one dispatch.
    """

    def __init__(self, seed, ragged, uneven=False):
        self.seed, self.ragged, self.uneven = seed, ragged, uneven
        self.run = 2 + seed  # batches of a shape that follow each other

    def run_length(self, step, most):
        return min(most, self.run - step % self.run if self.uneven else 3)

    def stacked(self, step, count):
        other = step // self.run if self.uneven else self.seed + step // 3
        rows = 4 + other % 2 * (self.ragged or self.uneven)
        draws = (np.random.default_rng([self.seed, step + i]) for i in range(count))
        return {"x": np.stack([d.normal(size=(rows, 3)).astype("f4") for d in draws])}


def make_loss(scale=1.0):
    """A loss of its own, equal to others of the same scale; it has a weight to pass on.

    The scale is an array that the function closes over.
    """
    scale = jnp.array([scale, 1.0, 1.0])

    def loss(params, batch, key, state):
        mean, tokens, _ = plain(params, {"x": batch["x"] * scale}, key, state)
        return mean, tokens, 0.9 * state + mean.result()

    return loss


def run(
    folder,
    seed,
    *,
    ragged=False,
    uneven=False,
    loss=None,
    resume=False,
    evaluate=evaluate,
):
    key = jax.random.key(seed)
    params = {"w": jax.random.normal(key, 3), "b": jnp.array(0.1 * seed)}
    task = Task(
        loss or make_loss(),
        evaluate,
        Data(seed, ragged, uneven),
        adam(),
        recurrent_state=jnp.array(0.0),
    )
    config = TrainConfig(20, eval_every=5, checkpoint_every=10, average=0.9)
    folder = folder / str(seed)
    return fit(task, params, folder, key, config, resume=resume, quiet=True)


def together(folder, seeds, **how):
    return in_lockstep([functools.partial(run, folder, s, **how) for s in seeds])


def assert_same(one, other):
    """The same run, to rounding."""
    chex.assert_trees_all_close(one.params, other.params, rtol=1e-6)
    assert one.step == other.step and len(one.history) == len(other.history)
    for line, like in zip(one.history, other.history, strict=True):
        assert line == pytest.approx(like, rel=1e-5)


@pytest.fixture
def calls(monkeypatch):
    """The sizes of the groups of runs that were one call."""
    sizes, run_together = [], lockstep.run_together

    def counted(loss, optimizer, runs, count):
        sizes.append(len(runs))
        return run_together(loss, optimizer, runs, count)

    monkeypatch.setattr(lockstep, "run_together", counted)
    return sizes


@pytest.mark.parametrize("ragged", [False, True])
def test_each_is_what_it_is_alone(ragged, calls, tmp_path):
    """Three runs, which two devices cannot share equally."""
    many = together(tmp_path / "many", range(3), ragged=ragged)
    assert calls == ([] if ragged else [3] * 8)  # 20 steps, 3 or 2 to a dispatch
    for seed, one in enumerate(many):
        assert_same(one, run(tmp_path / "one", seed, ragged=ragged))
    assert not np.allclose(many[0].params["w"], many[1].params["w"], atol=1e-3)


def test_one_batched_program_gives_the_same(monkeypatch, tmp_path):
    """As on a GPU, where the runs are mapped and not done in turn."""
    many = together(tmp_path / "many", range(2))
    monkeypatch.setattr(jax.lax, "map", lambda one, stacked: jax.vmap(one)(stacked))
    programs._together.clear_cache()
    batched = together(tmp_path / "batched", range(2))
    programs._together.clear_cache()
    for one, other in zip(many, batched, strict=True):
        assert_same(one, other)


def test_other_losses_are_not_taken_for_the_same(calls, tmp_path):
    """They differ in an array alone, or in a number."""
    losses = [make_loss(), make_loss(3.0)]
    calls_of = [
        functools.partial(run, tmp_path / "many", seed, loss=loss)
        for seed, loss in enumerate(losses)
    ]
    for seed, one in enumerate(in_lockstep(calls_of)):
        assert_same(one, run(tmp_path / "one", seed, loss=losses[seed]))
    assert not calls


@pytest.mark.parametrize("ragged", [False, True])
def test_a_program_is_compiled_once(ragged, tmp_path):
    """Each loss is traced once a shape to be compared, and one of them to be run."""
    traced = []

    def make_counting(seed):
        loss = make_loss()

        def counting(*arguments):
            traced.append(seed)
            return loss(*arguments)

        return counting

    in_lockstep(
        [
            functools.partial(run, tmp_path, s, ragged=ragged, loss=make_counting(s))
            for s in range(3)
        ]
    )
    shapes = 2 if ragged else 1
    assert len(traced) == shapes * (3 + 1)


def test_a_run_that_fails_does_not_stop_the_others(tmp_path):
    def failing(params, batch, key, state):
        mean, tokens, state = make_loss()(params, batch, key, state)
        return mean._replace(total=mean.total * jnp.nan), tokens, state

    calls = [
        functools.partial(run, tmp_path, 0, loss=failing),
        functools.partial(run, tmp_path, 1),
    ]
    with pytest.raises(NonFinite, match="step 1: loss is not finite"):
        in_lockstep(calls)
    assert done_steps(tmp_path / "1") == 20


@pytest.mark.parametrize("at", [3, 4])
def test_a_signal_stops_all_at_one_step_and_all_go_on_from_it(at, tmp_path):
    """It comes in the second evaluation of the first, or of the second one."""
    evaluations = []

    def interrupting(params):
        evaluations.append(params)
        if len(evaluations) == at:
            signal.raise_signal(signal.SIGTERM)
        return evaluate(params)

    handler, loss = signal.getsignal(signal.SIGTERM), make_loss()
    with pytest.raises(Interrupted, match="SIGTERM at step"):
        together(tmp_path / "many", range(2), evaluate=interrupting, loss=loss)
    assert signal.getsignal(signal.SIGTERM) is handler
    steps = [done_steps(tmp_path / "many" / str(i)) for i in range(2)]
    assert steps == [10, 10] if at == 3 else [13, 13]
    whole = together(tmp_path / "whole", range(2), loss=loss)
    many = together(tmp_path / "many", range(2), resume=True, loss=loss)
    for one, other in zip(many, whole, strict=True):
        chex.assert_trees_all_equal(one.params, other.params)
        assert one.history == other.history


def test_runs_that_are_far_apart_go_on_from_where_they_are_and_say_so(tmp_path):
    run(tmp_path, 0)
    with pytest.warns(UserWarning) as seen:
        many = together(tmp_path, range(2), resume=True)
    said = {str(warning.message) for warning in seen}
    assert any("at steps 0, 20: they go on to rounding" in one for one in said)
    assert any("lockstep: 1 until now, 2 from now on" in one for one in said)
    assert [one.steps_run for one in many] == [0, 20]


def test_runs_that_a_signal_has_stopped_one_by_one_do_not_go_back(tmp_path):
    """Or one signal after the other could keep them where they are."""
    for seed, at in ((0, 11), (1, 12)):
        checkpoints = Checkpoints(tmp_path / str(seed) / "checkpoints")
        for step, caught in ((10, ""), (at, "SIGTERM")):
            checkpoints.save(step, {}, {"step": str(step), "signal": caught})
    asked = TrainConfig(20, checkpoint_every=10)

    def where(seed):
        return resuming._shared(Checkpoints(tmp_path / seed / "checkpoints"), asked)

    calls = [functools.partial(where, seed) for seed in "01"]
    with pytest.warns(UserWarning, match="at steps 11, 12: they go on to rounding"):
        assert in_lockstep(calls) == [11, 12]
    Checkpoints(tmp_path / "0" / "checkpoints").delete_after(10)
    assert in_lockstep(calls) == [10, 10], "as after a kill amid the saves"


def stopped_after(saves, *runs):
    """Does runs side by side that can save but so often, as if killed then."""
    left, save = [saves], Checkpoints.save

    def counted(*arguments):
        left[0] -= 1
        if left[0] < 0:
            raise SystemExit
        save(*arguments)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(Checkpoints, "save", counted)
        together(*runs[0], **runs[1])


@pytest.mark.parametrize("uneven", [False, True])
def test_killed_between_two_saves_all_go_on_bit_by_bit(uneven, monkeypatch, tmp_path):
    """Those that have saved already go back to where the others are.

    That steps differ by the company that a run does them in is made plain here.
    """
    run_together = lockstep.run_together

    def by_company(loss, optimizer, runs, count):
        found = run_together(loss, optimizer, runs, count)
        more = 1 + 1e-3 * len(runs)
        return [
            (
                state._replace(params=jax.tree.map(lambda a: a * more, state.params)),
                rows,
            )
            for state, rows in found
        ]

    monkeypatch.setattr(lockstep, "run_together", by_company)
    how = {"uneven": uneven, "loss": make_loss()}
    whole = together(tmp_path / "whole", range(2), **how)
    for saves in range(1, 4):
        folder = tmp_path / str(saves)
        stopped_after(saves, (folder, range(2)), how)
        newest = {done_steps(folder / str(i)) for i in range(2)}
        assert len(newest) == 1 + saves % 2
        with warnings.catch_warnings():  # that one begins anew
            warnings.simplefilter("ignore")
            many = together(folder, range(2), resume=True, **how)
        for one, other in zip(many, whole, strict=True):
            chex.assert_trees_all_equal(one.params, other.params)
            assert one.history == other.history and one.step == other.step


def test_a_single_function_is_called_as_it_is():
    assert in_lockstep([lambda: TRUE_W]) == [TRUE_W]
