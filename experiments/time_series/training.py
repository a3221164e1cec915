"""Training twice: to choose when to stop, and then on all that is before the test."""

import itertools
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from experiments.shared.cli import Options
from experiments.shared.run import Run
from experiments.time_series.data import TimeSeries
from experiments.time_series.model import (
    Split,
    anchors,
    calibrated,
    choose_anchor,
    examples_of,
    fit_linear,
    loss_of,
    make_predictor,
)
from experiments.time_series.report import judge_of
from seqjax import predict
from seqjax.data import Source
from seqjax.data.anchors import Anchor
from seqjax.predict import ForecastPredictor
from seqjax.train import Interrupted, TrainResult


class Learner(NamedTuple):
    """What both trainings of a run have in common."""

    series: TimeSeries
    split: Split
    variables: Any  # to begin with

    def fit(
        self,
        run: Run,
        predictor: ForecastPredictor,
        until: int,
        penalty: float | None = None,
    ) -> tuple[TrainResult, float | None]:
        """Trains on what is before a step; chooses the penalty of its ridge if None."""
        before = self.series.values[: self.split.test]
        judge = judge_of(self.series, self.split, predictor.model.levels, test=False)
        params = dict(self.variables["params"])
        if predictor.model.lags:
            linear, penalty = fit_linear(predictor, before, until, penalty)
            params["linear"] = jnp.asarray(linear, jnp.float32)

        def evaluate(variables):
            asked = replace(predictor, variables=variables)
            found = asked.walk(before)[judge.origins]
            return {
                "valid": judge.quantile_error(found),
                "valid_mase": judge.error(found),
            }

        result = run.fit(
            predictor.model,
            {"params": params},
            run.batches(examples_of(predictor, before[:until], run.options.window)),
            loss_of(predictor.model),
            evaluate,
            unit="scaled quantile loss",
            loss_per="sequence",
        )
        return result, penalty


def learn(
    options: Any, source: Source, series: TimeSeries, split: Split
) -> tuple[Run, TrainResult, ForecastPredictor]:
    """Trains a model on what is before the test.

    Returns:
      The run, the training that chose when to stop, and the model.
    """
    judge_of(series, split, options.quantiles, test=False)
    place, anchor = choose_anchor(series, split, options.corrects)
    predictor = make_predictor(series, anchor, split.choose, options)
    variables = predict.init(predictor, jax.random.key(options.seed))
    told = facts(series, split, anchor)
    run = Run.begin("time_series", options, source, variables, told)
    learner = Learner(series, split, variables)
    result, penalty = learner.fit(run, predictor, split.choose)
    predictor = replace(predictor, variables=result.params)
    shifts = calibrated(predictor, series.values, split)
    every = anchors(series, split.test, options.corrects)
    anchor = next(itertools.islice(every, place, None))
    predictor = make_predictor(series, anchor, split.test, options)
    part = for_steps(run, result.step)
    try:
        again, _ = learner.fit(part, predictor, split.test, penalty)
    except Interrupted as stop:
        whole = str(stop).replace(str(part.folder), str(run.folder))
        raise Interrupted(whole, stop.name) from None
    return run, result, replace(predictor, variables=again.params, shifts=shifts)


def for_steps(run: Run, steps: int) -> Run:
    """A part of a run that trains for so many steps, and looks once, at the end."""
    steps = max(1, steps)
    changed = {"steps": steps, "eval_every": steps, "quiet": True}
    part = run.within(f"until_the_test_{steps}_steps")
    return replace(part, options=Options(**vars(run.options) | changed))


def facts(series: TimeSeries, split: Split, anchor: Anchor) -> str:
    """How much there is, and which simple forecast the network corrects."""
    gaps = int((series.values != series.values).sum())
    seasons = " and ".join(f"{season:g}" for season in series.seasons) or "no"
    about = f"{len(anchor.frequencies)} waves and " if anchor.frequencies else ""
    smooth = f"smoothing by {anchor.weight:g} over {anchor.period} steps"
    return (
        f"{split.choose:,} steps to learn from, {split.test - split.choose:,} to "
        f"choose by, {split.steps - split.test:,} held out, {gaps:,} gaps; {seasons} "
        f"steps of a season, {series.horizon} ahead; the network corrects {about}"
        f"{smooth if anchor.period else 'the mean'}"
    )
