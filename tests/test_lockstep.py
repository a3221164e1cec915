"""Many runs in lockstep: each is what it would be alone, and they share programs."""

import functools
import signal

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from training import TRUE_W, adam, evaluate
from training import loss as plain

from seqjax.train import (
    Interrupted,
    NonFinite,
    Task,
    TrainConfig,
    fit,
    in_lockstep,
    lockstep,
)
from seqjax.train.checkpoints import done_steps


class Data:
    """Batches of a seed; with `ragged`, in shapes that are other for each seed."""

    def __init__(self, seed, ragged):
        self.seed, self.ragged = seed, ragged

    def run_length(self, step, most):
        return min(most, 3)

    def stacked(self, step, count):
        rows = 4 + (self.seed + step // 3) % 2 * self.ragged
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


def run(folder, seed, *, ragged=False, loss=None, resume=False, evaluate=evaluate):
    key = jax.random.key(seed)
    params = {"w": jax.random.normal(key, 3), "b": jnp.array(0.1 * seed)}
    task = Task(
        loss or make_loss(),
        evaluate,
        Data(seed, ragged),
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
    sizes, run_together = [], lockstep._run_together

    def counted(requests):
        sizes.append(len(requests))
        run_together(requests)

    monkeypatch.setattr(lockstep, "_run_together", counted)
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
    lockstep._together.clear_cache()
    batched = together(tmp_path / "batched", range(2))
    lockstep._together.clear_cache()
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


def test_a_signal_stops_all_and_each_goes_on_by_itself(tmp_path):
    evaluations = []

    def interrupting(params):
        evaluations.append(params)
        if len(evaluations) == 3:  # the first one's second
            signal.raise_signal(signal.SIGTERM)
        return evaluate(params)

    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted, match="SIGTERM at step"):
        together(tmp_path / "many", range(2), evaluate=interrupting)
    assert signal.getsignal(signal.SIGTERM) is handler
    assert all(0 < done_steps(tmp_path / "many" / str(i)) < 20 for i in range(2))
    for seed, one in enumerate(together(tmp_path / "many", range(2), resume=True)):
        whole = run(tmp_path / "whole", seed)
        chex.assert_trees_all_close(one.params, whole.params, rtol=1e-6)


def test_a_single_function_is_called_as_it_is():
    assert in_lockstep([lambda: TRUE_W]) == [TRUE_W]
