"""What the flags say about a series: its variables, season, horizon and quantiles."""

import functools
from dataclasses import replace
from typing import Any

import numpy as np

from experiments.shared.errors import UsageError
from experiments.shared.ranges import numbers
from experiments.time_series.data import TABLE, TimeSeries, read_file
from seqjax.data import Source
from seqjax.predict.forecasts import LEAST


def load(options: Any) -> tuple[Source, TimeSeries]:
    """The data, and the series as the flags want it.

    Raises:
      UsageError: a flag is not one that a forecast can have.
      DataError: the data cannot be used.
    """
    options.quantiles = numbers(options, "quantiles")
    levels = np.array(options.quantiles)
    middle = levels[len(levels) // 2]
    if np.any(np.diff(levels) <= 0) or levels[0] <= 0 or levels[-1] >= 1:
        raise UsageError("--quantiles: levels must grow, between 0 and 1")
    if len(levels) % 2 == 0 or middle != 0.5:
        raise UsageError("--quantiles: 0.5 must stand in the middle")
    seasons = numbers(options, "season")
    if any(season < 1 for season in seasons) or seasons != sorted(seasons):
        raise UsageError("--season: steps must be 1 or more, the shortest season first")
    names = tuple(options.variables)
    read = functools.partial(read_file, names=names)
    source = replace(TABLE, read=read).load(options.dataset, options.data)
    series = source.examples.pick(names or source.examples.names)
    if seasons:
        longer = tuple(season for season in seasons if season > 1)
        waves = tuple(int(min(3, season // 2)) for season in longer)
        series = series._replace(seasons=longer, harmonics=waves)
    if options.horizon not in (0, series.horizon):
        series = series._replace(horizon=options.horizon)
        source = source._replace(best=None)
    if options.form != "as it is":
        series = series._replace(form=options.form)
    if np.nanmin(series.values) < LEAST[series.form]:
        raise UsageError(f"--form: there are values that have no {series.form}")
    return source, series
