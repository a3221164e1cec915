"""The series: electricity, carbon dioxide, the sea, sunspots, an economy; your own."""

import csv
import io
import pathlib
from typing import NamedTuple

import numpy as np

from experiments.time_series import synthetic
from seqjax.data import DataError, Dataset, Table, read_variables, wheels

STATSMODELS = wheels.Wheel(
    "statsmodels",
    "0.15.0",
    "b67886b66d9c7ca118526accedb5c6de7ffd74c015dc0492ea0b1690192b65da",
    12,
    "of statsmodels BSD-3; its series are in the public domain, but for the demand for "
    "electricity, of AEMO, with attribution",
    ("3.11", "manylinux_2_28_x86_64"),
)
FEWEST = 40  # values of a series to learn from


class Axis(NamedTuple):
    """Where steps are in time, for figures."""

    first: float
    each: float
    label: str


class TimeSeries(NamedTuple):
    """Variables over time, at steps of one length."""

    names: tuple[str, ...]  # V of them
    values: np.ndarray  # [T, V], NaN where there is none
    seasons: tuple[float, ...]  # in steps, the shortest first; of one step if none
    harmonics: tuple[int, ...]  # waves of each season that are fitted
    horizon: int  # H, how many steps ahead it is to be forecast
    axis: Axis
    form: str = "none"  # "sqrt" or "log" if that is what is modelled
    unit: str = ""  # of the values

    @property
    def season(self) -> int:
        """The steps of the first season, or 1."""
        return max(1, round(self.seasons[0])) if self.seasons else 1

    def pick(self, names: tuple[str, ...]) -> "TimeSeries":
        """The variables of these names alone."""
        for name in names:
            if name not in self.names:
                known = ", ".join(self.names)
                raise DataError(f"there is no variable {name!r}; there are {known}")
        places = [self.names.index(name) for name in names]
        return self._replace(names=names, values=self.values[:, places])


def read_file(path: str | pathlib.Path, names: tuple[str, ...] = ()) -> TimeSeries:
    """Reads variables of a CSV file, and finds the season of the first.

    Raises:
      DataError: as `read_variables` does, or a variable has too few values or is
        constant.
    """
    found = read_variables(path, names)
    for name, column in zip(found.names, found.values.T, strict=True):
        known = column[~np.isnan(column)]
        if len(known) < FEWEST:
            raise DataError(
                f"{path}: {len(known)} values of {name}, where {FEWEST} are needed"
            )
        if np.ptp(known[: len(known) // 2]) == 0:
            raise DataError(f"{path}: the first half of {name} is constant")
    season = find_season(found.values[:, 0])
    horizon = min(season if 1 < season <= 48 else 12, len(found.values) // 12)
    seasons = (float(season),) if season > 1 else ()
    waves = (min(3, season // 2),) if seasons else ()
    axis = Axis(0, 1, "step")
    return TimeSeries(found.names, found.values, seasons, waves, horizon, axis)


def find_season(values: np.ndarray) -> int:
    """The lag at which a series resembles itself most, or 1 if it does so nowhere.

    It is the first peak of the autocorrelation, about a straight line, that is near to
    the highest and above 0.3.
    """
    steps, known = np.arange(len(values)), ~np.isnan(values)
    filled = np.interp(steps, steps[known], values[known])
    rest = filled - np.polyval(np.polyfit(steps, filled, 1), steps)
    lags = range(1, len(rest) // 3 + 1)
    alike = [
        rest[:-k] @ rest[k:] / (rest @ rest) * len(rest) / (len(rest) - k) for k in lags
    ]
    r = np.array([1.0, *alike])
    peaks = [k for k in range(2, len(r) - 1) if r[k - 1] < r[k] >= r[k + 1]]
    peaks = [k for k in peaks if r[k] > 0.3]
    highest = max((r[k] for k in peaks), default=0)
    return next((k for k in peaks if r[k] > 0.8 * highest), 1)


def _columns(member: str) -> list[dict[str, str]]:
    (raw,) = wheels.read(STATSMODELS, f"statsmodels/{member}")
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))


def _electricity() -> tuple[TimeSeries, None]:
    rows = _columns("tsa/stl/tests/results/mstl_elec_vic.csv")
    values = np.array([[float(row["y"])] for row in rows])
    axis = Axis(0, 1 / 24, "days since the beginning of 2012")
    return TimeSeries(
        ("demand",), values, (24, 168), (12, 40), 24, axis, unit="MW"
    ), None


def _co2() -> tuple[TimeSeries, None]:
    rows = _columns("datasets/co2/co2.csv")
    values = np.array([[float(row["co2"] or "nan")] for row in rows])
    weeks = 365.25 / 7
    axis = Axis(1958.24, 1 / weeks, "year")
    return TimeSeries(("co2",), values, (weeks,), (4,), 26, axis, unit="ppm"), None


def _elnino() -> tuple[TimeSeries, None]:
    rows = _columns("datasets/elnino/elnino.csv")
    months = [float(v) for row in rows for k, v in row.items() if k != "YEAR"]
    axis = Axis(float(rows[0]["YEAR"]), 1 / 12, "year")
    return TimeSeries(
        ("temperature",), np.array(months)[:, None], (12,), (3,), 12, axis, unit="°C"
    ), None


def _sunspots() -> tuple[TimeSeries, None]:
    rows = _columns("datasets/sunspots/sunspots.csv")
    values = np.array([[float(row["SUNACTIVITY"])] for row in rows])
    axis = Axis(1700, 1, "year")
    return TimeSeries(("sunspots",), values, (11,), (0,), 5, axis, "sqrt"), None


def _macrodata() -> tuple[TimeSeries, None]:
    rows = _columns("datasets/macrodata/macrodata.csv")
    names = ("unemp", "infl", "tbilrate")
    values = np.array([[float(row[name]) for name in names] for row in rows])
    axis = Axis(1959, 0.25, "year")
    return TimeSeries(names, values, (), (), 4, axis, unit="%"), None


def _synthetic() -> tuple[TimeSeries, float]:
    values, profile = synthetic.draw(0)
    axis = Axis(0, 1, "step")
    horizon = synthetic.HORIZON
    series = TimeSeries(("value",), values, (len(profile),), (3,), horizon, axis)
    return series, synthetic.best_error(values, *parts(len(values)))


def parts(steps: int) -> tuple[int, int]:
    """Where the stretch to choose by begins, and where the one to test on does."""
    return int(0.7 * steps), int(0.85 * steps)


def _of_statsmodels(name, load, description) -> Dataset:
    return Dataset(
        name, load, STATSMODELS.licence, "the wheel statsmodels 0.15.0", description
    )


TABLE = Table(
    format="A CSV file with a header: a column named value, or those of --variables; "
    "and one with times if you like. Empty fields and times left out are gaps.",
    read=read_file,
    datasets=(
        _of_statsmodels(
            "electricity",
            _electricity,
            "the demand of Victoria, Australia, each hour of 150 days of 2012, in MW.",
        ),
        _of_statsmodels(
            "co2",
            _co2,
            "carbon dioxide over Mauna Loa each week from 1958 to 2001, in ppm; 59 "
            "weeks are missing.",
        ),
        _of_statsmodels(
            "elnino",
            _elnino,
            "the temperature of the sea off Peru each month from 1950 to 2010, in °C.",
        ),
        _of_statsmodels(
            "sunspots", _sunspots, "the number of sunspots each year from 1700 to 2008."
        ),
        _of_statsmodels(
            "macrodata",
            _macrodata,
            "three variables of the United States each quarter from 1959 to 2009: "
            "unemployment, inflation, and the rate of treasury bills, in %.",
        ),
        Dataset(
            name="synthetic",
            load=_synthetic,
            licence="none needed: generated",
            origin="experiments.time_series.synthetic.draw(0)",
            description="1200 steps of a season and what is left of a shock, a fifth "
            "of them missing; the best error that can be expected is known.",
        ),
    ),
)
