"""Figures of a run: fans, errors by the steps ahead, and how far intervals hold."""

import numpy as np

from experiments.shared.run import Run
from experiments.time_series.data import TimeSeries
from experiments.time_series.report import Judge
from seqjax import figures
from seqjax.train import TrainResult

SHOWN = 3  # fans in a figure


def draw(
    run: Run,
    result: TrainResult,
    series: TimeSeries,
    judge: Judge,
    found: np.ndarray,
    others: dict[str, np.ndarray],
) -> None:
    """Draws the learning curves and the forecasts of the test."""
    lines = {"training": "loss", "validation": "valid"}
    run.learning_curves(result, figures.Panel("quantile loss, scaled", lines))
    first = min(others, key=lambda name: judge.error(others[name]))
    fans(run, series, judge, found, {first: others[first]})
    everyone = {"network": found} | others
    ahead = np.arange(1, series.horizon + 1)
    errors = {name: (ahead, judge.by_horizon(each)) for name, each in everyone.items()}
    title = f"{run.options.cell} on {run.source.name}: error by the steps ahead"  # pyright: ignore[reportOptionalMemberAccess]
    panels = [("steps ahead", errors)]
    unit = "mean absolute scaled error (MASE)"
    run.figure(figures.curves, "horizon", panels, unit, title=title)
    shares = {"as it should be": (np.linspace(0, 1, 9), np.linspace(0, 1, 9))}
    for name in ("network", first):
        held = judge.coverages(everyone[name])
        nominal = [float(level) for level in held][::-1]
        shares[name] = (np.array(nominal), np.array([*held.values()][::-1]))
    panels = [("share that an interval is to hold", shares)]
    title = f"{run.options.cell} on {run.source.name}: what intervals hold"  # pyright: ignore[reportOptionalMemberAccess]
    run.figure(figures.curves, "coverage", panels, "share that it holds", title=title)


def fans(
    run: Run,
    series: TimeSeries,
    judge: Judge,
    found: np.ndarray,
    others: dict[str, np.ndarray],
) -> None:
    """Draws forecasts of the first variables from origins spread over the test."""
    horizon, count = series.horizon, len(judge.origins)
    chosen = np.linspace(0, count - 1, SHOWN + 2).astype(int)[1:-1]
    axis, shown = series.axis, []
    for place, n in enumerate(chosen):
        i = place % len(series.names)
        origin = judge.origins[n]
        known = np.arange(
            max(0, origin + 1 - 4 * max(horizon, series.season)), origin + 1
        )
        later = origin + 1 + np.arange(horizon)
        shown.append(
            figures.Fan(
                series.names[i],
                axis.first + axis.each * known,
                series.values[known, i],
                axis.first + axis.each * later,
                found[n, :, i],
                judge.truth[n, :, i],
                {
                    name: each[n, :, i, each.shape[-1] // 2]
                    for name, each in others.items()
                },
            )
        )
    title = f"{run.options.cell} on {run.source.name}: forecasts from {SHOWN} origins"  # pyright: ignore[reportOptionalMemberAccess]
    levels = judge.levels
    run.figure(figures.fan_chart, "fan", shown, levels, axis.label, title=title)
