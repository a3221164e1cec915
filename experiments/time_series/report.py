"""The scores of forecasts from every origin of the test, and what is written."""

from typing import Any, NamedTuple

import numpy as np

from experiments.shared.run import Run
from experiments.time_series import baselines
from experiments.time_series.data import TimeSeries
from experiments.time_series.model import Split, after
from seqjax.data import DataError
from seqjax.metrics import coverage, naive_error, scaled_error
from seqjax.predict import ForecastPredictor
from seqjax.predict.forecasts import FORMS


class Judge(NamedTuple):
    """What forecasts are held against, from the origins of a part."""

    truth: np.ndarray  # [N, H, V], NaN where there is none
    unit: np.ndarray  # [V], the error of the seasonal naive forecast before
    levels: tuple[float, ...]  # Q of them
    origins: np.ndarray  # [N]

    def error(self, quantiles: np.ndarray) -> float:
        """The mean absolute scaled error of the medians of quantiles [N, H, V, Q]."""
        median = quantiles[..., len(self.levels) // 2]
        return float(scaled_error(median, self.truth, self.unit).result())

    def by_horizon(self, quantiles: np.ndarray) -> np.ndarray:
        """The same error for each step ahead, [H]."""
        medians = quantiles[..., len(self.levels) // 2].swapaxes(0, 1)
        pairs = zip(medians, self.truth.swapaxes(0, 1), strict=True)
        return np.array([scaled_error(*pair, self.unit).result() for pair in pairs])

    def quantile_error(self, quantiles: np.ndarray) -> float:
        """Twice the mean pinball loss in the same unit."""
        below = self.truth[..., None] - quantiles
        τ = np.array(self.levels)
        losses = 2 * np.maximum(τ * below, (τ - 1) * below) / self.unit[:, None]
        return float(np.nanmean(losses))

    def coverages(self, quantiles: np.ndarray) -> dict[str, float]:
        """The share of values inside of each interval, by what it should be."""
        found = {}
        for i in range(len(self.levels) // 2):
            nominal = self.levels[-1 - i] - self.levels[i]
            inside = coverage(quantiles[..., i], quantiles[..., -1 - i], self.truth)
            found[f"{nominal:.3g}"] = float(inside.result())
        return found


def judge_of(series: TimeSeries, split: Split, levels: Any, test: bool) -> Judge:
    """The truth, the unit and the origins of the stretch that chooses or tests."""
    origins = split.origins(series.horizon, test)
    truth = after(series.values, series.horizon)[origins]
    try:
        unit = naive_error(series.values[: split.choose], series.season)
    except ValueError as error:
        raise DataError(str(error)) from None
    if len(origins) < 2 or np.isnan(truth).all():
        raise DataError(
            f"{split.steps} steps are too few to forecast {series.horizon} ahead in "
            f"three parts; try a smaller --horizon"
        )
    return Judge(truth, unit, tuple(levels), origins)


def rivals(
    series: TimeSeries, split: Split, predictor: ForecastPredictor
) -> dict[str, np.ndarray]:
    """The quantiles [N, H, V, Q] of each baseline from the origins of the test."""
    levels, found = predictor.model.levels, {}
    shaped = FORMS[series.form][0](series.values)
    shape, back = FORMS[series.form]
    anchors = back(predictor.anchor.forecasts(shaped, series.horizon))
    for i in range(len(series.names)):
        walk = baselines.Walk(
            series.values[:, i],
            split.test,
            split.origins(series.horizon, test=False),
            split.origins(series.horizon, test=True),
            series.horizon,
        )
        inner = walk._replace(values=shape(walk.values))
        seasons = [s for s in series.seasons if s > 1]
        points = {"naive": baselines.naive(walk)}
        for season in dict.fromkeys(map(round, seasons)):
            points[f"seasonal naive, {season}"] = baselines.naive(walk, season)
        smooth = baselines.exponential_smoothing(inner, seasons)
        points["exponential smoothing"] = lambda o, f=smooth: back(f(o))
        arima = baselines.arima(inner, seasons, series.harmonics)
        points["ARIMA"] = lambda o, f=arima: back(f(o))
        points["what the network corrects"] = lambda o, i=i: anchors[o][..., i]
        for name, point in points.items():
            quantiles = baselines.quantiles_of(walk, point, levels)
            found.setdefault(name, []).append(quantiles)
    return {name: np.stack(each, axis=2) for name, each in found.items()}


def report(
    run: Run,
    result: Any,
    judge: Judge,
    found: np.ndarray,
    others: dict[str, np.ndarray],
) -> dict[str, Any]:
    """Prints the scores of all forecasts, and writes the result."""
    everyone = {"network": found} | others
    errors = {name: judge.error(each) for name, each in everyone.items()}
    shares = {name: judge.coverages(each) for name, each in everyone.items()}
    loss = {name: judge.quantile_error(each) for name, each in everyone.items()}
    inside = ", ".join(f"{float(level):.0%}" for level in shares["network"])
    run.say(f"{'forecast':28} MASE   quantile loss   share inside of {inside}")
    for name in sorted(errors, key=lambda name: errors[name]):
        each = "  ".join(f"{share:.3f}" for share in shares[name].values())
        run.say(f"{name:28} {errors[name]:.3f}  {loss[name]:.3f}           {each}")
    del errors["network"]
    first = min(errors, key=lambda name: errors[name])
    return run.finish(
        result,
        metric="mean absolute scaled error of the test (MASE)",
        lower_is_better=True,
        score=judge.error(found),
        baseline=errors[first],
        baseline_name=first,
        baselines=errors,
        best_possible=run.source.best if run.source else None,
        coverage=shares.pop("network"),
        baseline_coverage=shares[first],
        quantile_loss=loss.pop("network"),
        baseline_quantile_loss=loss,
        origins=len(judge.origins),
    )


def as_table(series: TimeSeries, judge: Judge, quantiles: np.ndarray) -> str:
    """Every forecast as a line: origin, steps ahead, variable, truth, quantiles."""
    lines = [
        "\t".join(["origin", "ahead", "variable", "truth", *map(str, judge.levels)])
    ]
    for n, origin in enumerate(judge.origins):
        for h in range(series.horizon):
            for i, name in enumerate(series.names):
                numbers = (judge.truth[n, h, i], *quantiles[n, h, i])
                row = [str(origin), str(h + 1), name, *(f"{x:.6g}" for x in numbers)]
                lines.append("\t".join(row))
    return "\n".join(lines) + "\n"
