"""Training twice: to choose when to stop, and then on all that is before the test."""

import itertools
from dataclasses import replace
from typing import Any

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
from seqjax.train import TrainResult


def learn(
    options: Any, source: Source, series: TimeSeries, split: Split
) -> tuple[Run, TrainResult, ForecastPredictor]:
    """Trains a model on what is before the test.

    Returns:
      The run, the training that chose when to stop, and the model.
    """
    judge = judge_of(series, split, options.quantiles, test=False)
    place, anchor = choose_anchor(series, split, options.corrects)
    predictor = make_predictor(series, anchor, split.choose, options)
    variables = predict.init(predictor, jax.random.key(options.seed))
    told = facts(series, split, anchor)
    run = Run.begin("time_series", options, source, variables, told)
    before = series.values[: split.test]

    def fit(
        run: Run, predictor: ForecastPredictor, until: int, penalty: float | None
    ) -> tuple[TrainResult, float | None]:
        params = dict(variables["params"])
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

        data = examples_of(predictor, series.values[:until], options.window)
        trained = run.fit(
            predictor.model,
            {"params": params},
            run.batches(data),
            loss_of(predictor.model),
            evaluate,
            unit="scaled quantile loss",
            loss_per="sequence",
        )
        return trained, penalty

    result, penalty = fit(run, predictor, split.choose, None)
    predictor = replace(predictor, variables=result.params)
    shifts = calibrated(predictor, series.values, split)
    anchor = next(
        itertools.islice(anchors(series, split.test, options.corrects), place, None)
    )
    predictor = make_predictor(series, anchor, split.test, options)
    again, _ = fit(for_steps(run, result.step), predictor, split.test, penalty)
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
