"""What a forecast must beat: naive, seasonal naive, exponential smoothing, ARIMA.

All forecast from every origin, as an origin is walked forward. Parameters are fitted
once, on values before `until`; states and last values follow the series up to each
origin. Which trend, season or order is fitted is chosen by the errors on origins that
are held out for choices, as a network is chosen by them. The intervals around a
forecast are the quantiles of its own errors at these origins.
"""

import itertools
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from seqjax.data.anchors import fit_waves, last_known, waves_at
from seqjax.extras import library

LONGEST = 24  # steps of a season of ARIMA's own, whose state is as long
STARTS = (  # of the search for the likeliest weights, which has several optima
    {},
    {"smoothing_level": 0.2, "smoothing_trend": 0.01, "smoothing_seasonal": 0.4},
    {"smoothing_level": 0.02, "smoothing_trend": 0.002, "smoothing_seasonal": 0.1},
)
RECENT = 1500  # values that ARIMA's parameters are fitted to, at most


class Walk(NamedTuple):
    """A series of one variable, and where it is forecast from."""

    values: np.ndarray  # [T], NaN where there is none
    until: int  # parameters are fitted to values[:until]
    choose: np.ndarray  # [M] origins whose errors choose: the last value that is known
    origins: np.ndarray  # [N] origins to forecast from
    horizon: int  # H, the steps ahead

    def truth(self, origins: np.ndarray) -> np.ndarray:
        """The values after origins, [N, H]."""
        return self.values[origins[:, None] + 1 + np.arange(self.horizon)]


Point = Callable[[np.ndarray], np.ndarray]  # origins [N] to forecasts [N, H]


def quantiles_of(walk: Walk, point: Point, levels: Sequence[float]) -> np.ndarray:
    """The quantiles [N, H, Q] of a point forecast, from its errors at `choose`."""
    errors = walk.truth(walk.choose) - point(walk.choose)
    around = np.nanquantile(errors, levels, axis=0).T  # [H, Q]
    return point(walk.origins)[..., None] + around


def naive(walk: Walk, season: int = 1) -> Point:
    """The value one season before, or the last one if the season is one step."""
    filled = last_known(walk.values)
    ahead = np.arange(walk.horizon) % season

    def point(origins):
        return filled[np.maximum(origins[:, None] + 1 - season + ahead, 0)]

    return point


def exponential_smoothing(walk: Walk, seasons: Sequence[float]) -> Point:
    """Additive ETS with or without a trend, damped or not, and a season or none.

    Its gaps are filled by a straight line. Hyndman et al. (2008), Forecasting with
    Exponential Smoothing, chapter 2.
    """
    trends = (None, False), ("add", False), ("add", True)
    usable = [m for m in map(round, seasons) if m > 1 and walk.until >= 2 * m + 2]
    kinds = itertools.product(trends, [None, *usable], STARTS)
    return _best(walk, (_ets(walk, *kind) for kind in kinds))


def _ets(
    walk: Walk, trend: tuple[str | None, bool], season: int | None, start: Any
) -> Point:
    ets = library("statsmodels.tsa.exponential_smoothing.ets", "series")
    steps, known = np.arange(len(walk.values)), ~np.isnan(walk.values)
    filled = np.interp(steps, steps[known], walk.values[known])
    how = {"trend": trend[0], "damped_trend": trend[1]}
    how |= {"seasonal": "add", "seasonal_periods": season} if season else {}
    how["initialization_method"] = "heuristic"
    model = ets.ETSModel(filled[: walk.until], **how)
    begin = np.array(model.start_params)
    for name, value in start.items():
        if name in model.param_names:
            begin[model.param_names.index(name)] = value
    params = model.fit(start_params=begin, disp=False).params
    found = ets.ETSModel(filled, **how).smooth(params)
    ahead = np.arange(1, walk.horizon + 1)
    φ = found.damping_trend if trend[1] else 1.0
    slopes = np.cumsum(φ**ahead)

    def point(origins):
        forecast = np.repeat(found.level[origins][:, None], walk.horizon, axis=1)
        if trend[0]:
            forecast += found.slope[origins][:, None] * slopes
        if season:
            forecast += found.season[
                origins[:, None] - season + 1 + (ahead - 1) % season
            ]
        return forecast

    return point


def arima(walk: Walk, seasons: Sequence[float], harmonics: Sequence[int]) -> Point:
    """ARIMA of several orders, with a season if it is short, around waves or not.

    Gaps are left to its Kalman filter. Hyndman and Athanasopoulos (2021), Forecasting:
    Principles and Practice, sections 9.9 and 10.5.
    """
    m = next((round(s) for s in seasons if 1 < s <= LONGEST), 1)
    waves = _waves(walk, seasons, harmonics)
    orders = [(1, 0, 0), (2, 0, 1)] + [(0, 1, 1)] * (m <= 12)
    none, about = (0, 0, 0, 0), waves.any()
    kinds = [(waves * about, order, none) for order in orders]
    if m > 1:
        kinds += [(0 * waves, order, (0, 1, 1, m)) for order in orders]
    if 3 < m <= 12:
        kinds.append((0 * waves, (m - 1, 0, 0), none))
    if m > 12 and about:
        kinds += [(waves, order, (1, 0, 1, m)) for order in orders]
    return _best(walk, (_around(walk, *kind) for kind in kinds))


def _waves(walk: Walk, seasons: Sequence[float], harmonics: Sequence[int]):
    """Waves of each season, fitted beside a straight line and drawn on: [T]."""
    pairs = zip(seasons, harmonics, strict=True)
    frequencies = [k / season for season, most in pairs for k in range(1, most + 1)]
    weights = fit_waves(walk.values[: walk.until, None], frequencies)
    return waves_at(np.arange(len(walk.values)), frequencies) @ weights[:, 0]


def _around(walk: Walk, waves: np.ndarray, order: Any, seasonal: Any) -> Point:
    """ARIMA of what waves leave of a series."""
    rest = _sarima(walk, walk.values - waves, order, seasonal)
    ahead = 1 + np.arange(walk.horizon)
    return lambda origins: rest(origins) + waves[origins[:, None] + ahead]


def _sarima(walk: Walk, values: np.ndarray, order: Any, seasonal: Any) -> Point:
    make = library("statsmodels.tsa.statespace.sarimax", "series").SARIMAX
    how = {"order": order, "seasonal_order": seasonal}
    how |= {"enforce_stationarity": True, "concentrate_scale": True}
    differenced = order[1] or seasonal[1]
    center = 0.0 if differenced else float(np.nanmean(values[: walk.until]))
    scale = float(np.nanstd(values[: walk.until])) or 1.0
    scaled = (values - center) / scale
    recent = scaled[max(0, walk.until - RECENT) : walk.until]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a search that starts badly or ends early
        short = make(recent, simple_differencing=True, **how)
        params = short.fit(disp=False, maxiter=30).params
        model = make(scaled, **how)
        found = model.filter(params)
    states = found.predicted_state[:, 1:]  # after each value, of the next: [k, T]
    design, step = (model.ssm[name] for name in ("design", "transition"))

    def point(origins):
        state, forecast = states[:, origins], []
        for _ in range(walk.horizon):
            forecast.append((design @ state)[0])
            state = step @ state
        return center + scale * np.stack(forecast, axis=1)

    return point


def _best(walk: Walk, points: Iterable[Point]) -> Point:
    """The forecast whose errors at the origins that choose are smallest."""
    truth = walk.truth(walk.choose)
    errors = {point: np.nanmean(abs(point(walk.choose) - truth)) for point in points}
    return min(errors, key=lambda point: errors[point])
