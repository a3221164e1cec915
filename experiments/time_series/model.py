"""The model of a series: its anchor, what it reads, its examples, its loss."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from experiments.shared.layers import layer_of
from experiments.time_series.data import TimeSeries
from seqjax.data import DataError
from seqjax.data.anchors import Anchor, fit_waves
from seqjax.models import Forecaster
from seqjax.models.forecaster import lagged
from seqjax.predict import ForecastPredictor
from seqjax.predict.forecasts import FORMS

KINDS = ("level", "season")
PENALTIES = tuple(10.0**k for k in range(-1, 7))  # of the linear autoregression
WEIGHTS = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02)
BURN = 8  # steps of an example from whose states nothing is learned
READ = 3  # waves of each season that the model reads


class Example(NamedTuple):
    """A stretch of a series as the model reads it, and what comes after each step."""

    inputs: np.ndarray  # [L, in]
    targets: np.ndarray  # [L, H, V], in deviations of the anchor's errors
    known: np.ndarray  # [L, H, V], 1.0 where there is a target


class Split(NamedTuple):
    """Where a series is learned from, chosen by and tested on."""

    choose: int  # the first step that chooses
    test: int  # the first step of the test
    steps: int  # T

    def origins(self, horizon: int, test: bool) -> np.ndarray:
        """The last known steps of the forecasts that lie in a part whole."""
        begin, end = (self.test, self.steps) if test else (self.choose, self.test)
        return np.arange(begin - 1, end - horizon)


def after(values: np.ndarray, horizon: int) -> np.ndarray:
    """The values after each step [T, H, V], NaN beyond the end."""
    padded = np.concatenate([values, np.full((horizon, values.shape[1]), np.nan)])
    return padded[np.arange(len(values))[:, None] + 1 + np.arange(horizon)]


def anchors(series: TimeSeries, until: int, kind: str) -> Iterator[Anchor]:
    """Levels and seasonal profiles of several weights, about waves or about nothing.

    Their waves and means are fitted to the values before `until`.
    """
    shape, _ = FORMS[series.form]
    values = shape(series.values[:until])
    pairs = zip(series.seasons, series.harmonics, strict=True)
    waves = tuple(k / season for season, most in pairs for k in range(1, most + 1))
    periods = sorted({1, *(round(season) for season in series.seasons)})
    for frequencies in dict.fromkeys([(), waves]):
        fitted = fit_waves(values, frequencies)
        plain = Anchor(0, 0.0, (), frequencies, tuple(map(tuple, fitted.tolist())))
        zero = dataclasses.replace(plain, mean=(0.0,) * values.shape[1])
        rest = values - zero.calendar(np.arange(len(values)))
        about = dataclasses.replace(
            plain, mean=tuple(np.nanmean(rest, axis=0).tolist())
        )
        if kind in ("auto", "mean"):
            yield about
        for period, weight in itertools.product(periods, WEIGHTS):
            if until >= 3 * period and kind in ("auto", KINDS[period > 1]):
                yield dataclasses.replace(about, period=period, weight=weight)


def choose_anchor(series: TimeSeries, split: Split, kind: str) -> tuple[int, Anchor]:
    """The anchor that errs least where it chooses, and its place in the list."""
    shape, back = FORMS[series.form]
    values = shape(series.values[: split.test])
    origins = split.origins(series.horizon, test=False)
    truth = after(series.values, series.horizon)[origins]
    unit = np.nanstd(series.values[: split.choose], axis=0)

    def error(anchor):
        forecasts = back(anchor.forecasts(values, series.horizon)[origins])
        return float(np.nanmean(abs(forecasts - truth) / unit))

    found = list(enumerate(anchors(series, split.choose, kind)))
    return min(found, key=lambda pair: error(pair[1]))


def make_predictor(
    series: TimeSeries, anchor: Anchor, until: int, options: Any
) -> ForecastPredictor:
    """A model of what an anchor leaves of the values before `until`."""
    shaped = FORMS[series.form][0](series.values[:until])
    forecasts = anchor.forecasts(shaped, series.horizon)
    errors = (after(shaped, series.horizon) - forecasts)[2 * anchor.period :]
    spread = np.sqrt(np.nanmean(errors**2, axis=0))
    if not np.all(spread > 0):
        raise DataError("a variable has too few values side by side to learn from")
    model = Forecaster(
        layer_of(options, causal=True),
        series.horizon,
        len(series.names),
        tuple(map(float, options.quantiles)),
        options.members,
        options.lags,
        options.dropout,
        options.gradient,
    )
    pairs = zip(series.seasons, series.harmonics, strict=True)
    read = [k / season for season, most in pairs for k in range(1, min(most, READ) + 1)]
    return ForecastPredictor(
        model,
        series.names,
        anchor,
        tuple(spread[0].tolist()),
        tuple(map(tuple, spread.tolist())),
        tuple(read),
        tuple(round(season) for season in series.seasons),
        series.form,
    )


def fit_linear(
    predictor: ForecastPredictor, values: np.ndarray, until: int, penalty: float | None
) -> tuple[np.ndarray, float]:
    """The linear autoregression of a predictor, by ridge regression before `until`.

    Args:
      predictor: whose anchor's errors are regressed on.
      values: of the series up to the test, [T, V].
      until: the first step that is not fitted to.
      penalty: of squared weights; None takes the one that errs least from there on.

    Returns:
      The weights [K V + 1, H V], and the penalty.
    """
    model = predictor.model
    inputs, targets = standardized(predictor, values)
    terms = np.asarray(
        lagged(jnp.asarray(inputs[None, :, : model.channels]), model.lags)
    )
    terms, targets = terms[0].astype(float), targets.reshape(len(values), -1)
    known = ~np.isnan(targets).any(axis=1)
    steps = np.arange(len(values))
    fits = known & (steps >= 2 * predictor.anchor.period + model.lags)
    fits &= steps < until - model.horizon
    x, y = terms[fits], targets[fits]

    def weights(penalty):
        return np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y)

    def error(penalty):
        later = known & (steps >= until)
        return np.mean(np.abs(targets[later] - terms[later] @ weights(penalty)))

    if penalty is None:
        penalty = min(PENALTIES, key=error)
    return weights(penalty), penalty


def standardized(
    predictor: ForecastPredictor, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What is read at each step [T, in], and what is to be said [T, H, V], or NaN."""
    shaped, horizon = FORMS[predictor.form][0](values), predictor.model.horizon
    forecasts = predictor.anchor.forecasts(shaped, horizon)
    targets = (after(shaped, horizon) - forecasts) / np.array(predictor.spread)
    return predictor.inputs(shaped, forecasts), targets


def examples_of(
    predictor: ForecastPredictor, values: np.ndarray, length: int
) -> list[Example]:
    """Stretches of a series, each begun a twelfth of its length after the last."""
    inputs, targets = standardized(predictor, values)
    known = (~np.isnan(targets)).astype(np.float32)
    targets = np.nan_to_num(targets).astype(np.float32)
    first = min(2 * predictor.anchor.period, len(values) // 4)
    length = min(length, len(values) - first)
    examples = []
    for begin in range(first, len(values) - length + 1, max(1, length // 12)):
        of = slice(begin, begin + length)
        burned = (
            known[of] * (np.arange(length) >= min(BURN, length // 4))[:, None, None]
        )
        examples.append(Example(inputs[of], targets[of], burned))
    return [example for example in examples if example.known.any()]


def loss_of(model: Forecaster) -> Callable[..., Any]:
    """The loss is the quantile loss of what is known of the steps ahead."""

    def loss(variables, batch, key, recurrent_state):
        values, lengths = batch.values, batch.lengths.inputs
        known = values.known > 0
        nats = model.apply(
            variables,
            values.inputs,
            values.targets,
            known,
            lengths,
            True,
            rngs={"dropout": key},
            method="loss",
        )
        return nats, jnp.sum(lengths), recurrent_state

    return loss


def calibrated(
    predictor: ForecastPredictor, values: np.ndarray, split: Split
) -> tuple[float, ...]:
    """How far quantiles are to be shifted to hold what they say where it chose.

    Each is moved by its own quantile of what the truth is above it, in deviations, as
    conformal prediction does; baselines are moved alike. Romano, Patterson and Candès
    (2019), "Conformalized quantile regression".

    Returns:
      The shifts, [Q].
    """
    horizon = predictor.model.horizon
    origins = split.origins(horizon, test=False)
    shape = FORMS[predictor.form][0]
    found = shape(predictor.walk(values[: split.test])[origins])
    truth = shape(after(values, horizon)[origins])[..., None]
    above = (truth - found) / np.array(predictor.spread)[..., None]
    return tuple(
        float(np.nanquantile(above[..., i], level))
        for i, level in enumerate(predictor.model.levels)
    )
