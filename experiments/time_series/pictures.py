"""Figures of a run: fans, errors by the steps ahead, and how far intervals hold."""

import numpy as np

from experiments.shared.run import Run
from experiments.time_series.data import TimeSeries
from experiments.time_series.report import Judge
from seqjax import figures
from seqjax.train import TrainResult

SHOWN = 3  # fans in a figure
RIVALS = 3  # baselines in a figure, the best


def draw(
    run: Run,
    result: TrainResult,
    series: TimeSeries,
    judge: Judge,
    found: np.ndarray,
    others: dict[str, np.ndarray],
) -> None:
    """Draws the learning curves and the forecasts of the test."""
    run.learning_curves(
        result,
        figures.Panel(
            "quantile loss (deviations of the errors that are corrected)",
            {"training": "loss"},
        ),
        figures.Panel(
            "quantile loss (errors of the seasonal naive forecast)",
            {"where it chooses when to stop": "valid"},
        ),
    )
    first, *more = sorted(others, key=lambda name: judge.error(others[name]))
    fans(run, series, judge, found, {first: others[first]})
    everyone = {name: others[name] for name in (first, *more[: RIVALS - 1])}
    everyone = {"network": found} | everyone
    ahead = np.arange(1, series.horizon + 1)
    errors = {name: (ahead, judge.by_horizon(each)) for name, each in everyone.items()}
    title = f"{titled(run)}: error by the steps ahead"
    panels = [("steps ahead", errors)]
    unit = "mean absolute scaled error (MASE)"
    run.figure(figures.curves, "horizon", panels, unit, title=title)
    shares = {"as it should be": (np.array([0, 1]), np.array([0, 1]))}
    for name in ("network", first):
        held = judge.coverages(everyone[name])
        nominal = [float(level) for level in held][::-1]
        shares[name] = (np.array(nominal), np.array([*held.values()][::-1]))
    panels = [("share that an interval is to hold", shares)]
    title = f"{titled(run)}: what intervals hold"
    run.figure(figures.curves, "coverage", panels, "share that it holds", title=title)


def fans(
    run: Run,
    series: TimeSeries,
    judge: Judge,
    found: np.ndarray,
    others: dict[str, np.ndarray],
) -> None:
    """Draws forecasts of the variables in turn from origins spread over the test."""
    chosen = np.linspace(0, len(judge.origins) - 1, SHOWN + 2).astype(int)[1:-1]
    shown = [
        fan_of(series, judge, n, place % len(series.names), found, others)
        for place, n in enumerate(chosen)
    ]
    title = f"{titled(run)}: forecasts from {SHOWN} origins"
    x = series.axis.label
    run.figure(figures.fan_chart, "fan", shown, judge.levels, x, title=title)


def fan_of(
    series: TimeSeries,
    judge: Judge,
    n: int,
    i: int,
    found: np.ndarray,
    others: dict[str, np.ndarray],
) -> "figures.Fan":
    """The forecasts of variable i from origin n, after as much as they need to show."""
    origin, axis = judge.origins[n], series.axis
    reach = 2 * max(series.horizon, series.season)
    known = np.arange(max(0, origin + 1 - reach), origin + 1)
    later = origin + 1 + np.arange(series.horizon)
    middle = len(judge.levels) // 2
    return figures.Fan(
        series.names[i] + f" ({series.unit})" * bool(series.unit),
        axis.first + axis.each * known,
        series.values[known, i],
        axis.first + axis.each * later,
        found[n, :, i],
        judge.truth[n, :, i],
        {name: each[n, :, i, middle] for name, each in others.items()},
    )


def titled(run: Run) -> str:
    """The cell and the data of a run."""
    return f"{run.options.cell} on {run.source.name if run.source else 'a series'}"
