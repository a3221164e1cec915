"""A model of time series to ask: quantiles of what comes after a series."""

import dataclasses
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from seqjax.data.anchors import Anchor, last_known, waves_at
from seqjax.predict.batched import apply

FORMS = {  # of values as the model reads them, and back
    "none": (lambda x: x, lambda x: x),
    "sqrt": (np.sqrt, lambda x: np.square(np.maximum(x, 0))),
    "log": (np.log, np.exp),
}
LEAST = {"none": -np.inf, "sqrt": 0.0, "log": float(np.finfo(float).tiny)}  # values


class Forecast(NamedTuple):
    """Quantiles of the next steps of a series."""

    levels: tuple[float, ...]  # Q of them, ½ in the middle
    quantiles: np.ndarray  # [steps, V, Q], in units of the series

    @property
    def median(self) -> np.ndarray:
        """The middle quantile, [steps, V]."""
        return self.quantiles[..., len(self.levels) // 2]


@dataclasses.dataclass(frozen=True, eq=False)
class ForecastPredictor:
    """A trained model of a time series of one variable or of several.

    Attributes:
      model: a `Forecaster`.
      names: of the variables, V.
      anchor: the forecast whose errors the model forecasts.
      scale: the deviation of the anchor's errors one step ahead, [V].
      spread: their deviation each step ahead, [H][V].
      calendar: waves a step that the model reads as sines and cosines.
      seasons: in steps; of each, the model reads what came next a season ago.
      form: "sqrt" or "log" if the model reads that of the values, else "none".
      shifts: what is added to each quantile in units of `spread`, [Q].
      variables: of the model.

    Example:
      >>> import numpy as np, seqjax
      >>> predictor = seqjax.load("runs/electricity")  # doctest: +SKIP
      >>> predictor.forecast(demand).median[:, 0]  # doctest: +SKIP
      array([7512.4, 7118.9, …])
      >>> predictor.forecast([*demand, np.nan, 8034.1], steps=2).quantiles.shape
      ... # doctest: +SKIP
      (2, 1, 7)
    """

    model: Any
    names: tuple[str, ...]
    anchor: Anchor
    scale: tuple[float, ...]
    spread: tuple[tuple[float, ...], ...]
    calendar: tuple[float, ...] = ()
    seasons: tuple[int, ...] = ()
    form: str = "none"
    shifts: tuple[float, ...] = ()
    variables: Any = None

    def example(self) -> tuple[Any, ...]:
        """Returns a series of one step, for the model's `init`."""
        each = 4 + len(self.seasons) * len(self._places)
        width = each * len(self.names) + 2 * len(self.calendar)
        return jnp.zeros((1, 1, width)), jnp.ones(1, int)

    def forecast(
        self, values: Any, steps: int | None = None, start: int = 0
    ) -> Forecast:
        """Returns the quantiles of the steps after a series.

        Args:
          values: [T, V], or [T] of one variable; NaN where a value is missing. T should
            be long enough to show a season or two.
          steps: how many to forecast; all that the model can if None.
          start: how many steps the first value is after the first one that the model
            learned from, by which it knows the season.

        Returns:
          A `Forecast`.

        Raises:
          ValueError: the values have another number of variables, are none, or are
            outside of what the model's form can read; or `steps` is out of range.
        """
        horizon = self.model.horizon
        ahead = horizon if steps is None else steps
        if not 1 <= ahead <= horizon:
            raise ValueError(f"this model forecasts 1 to {horizon} steps, not {ahead}")
        last = self.walk(self.checked(values), start)[-1]
        return Forecast(self.model.levels, last[:ahead])

    def walk(self, values: np.ndarray, start: int = 0) -> np.ndarray:
        """Returns the quantiles after each step of a series, [T, H, V, Q].

        Entry t knows the values up to t alone; see `forecast`.
        """
        shaped = FORMS[self.form][0](values)
        anchors = self.anchor.forecasts(shaped, self.model.horizon, start)
        inputs = jnp.asarray(self.inputs(shaped, anchors, start))[None]
        one = inputs, jnp.array([len(values)])
        found = np.asarray(apply(self.model, "__call__", self.variables, *one))[0]
        found = np.sort(found + np.array(self.shifts or (0.0,)), axis=-1)
        spread = np.array(self.spread)[..., None]
        return FORMS[self.form][1](anchors[..., None] + spread * found)

    def inputs(self, shaped: Any, anchors: Any, start: int = 0) -> np.ndarray:
        """Returns what the model reads at each step, float32 [T, in].

        They are the errors of the anchor one step ahead in units of `scale`, 0 where
        there is no value; whether there is one; the time that has gone by since the
        last one, as log(1 + steps); where the anchor is; what came a third of the
        horizon, two thirds and all of it later when it was a season ago, against what
        was then; and the calendar.

        Args:
          shaped: values in the model's form, [T, V].
          anchors: the anchor's forecasts, [T, H, V].
          start: as in `forecast`.
        """
        expected = np.concatenate([anchors[:1, 0] * np.nan, anchors[:-1, 0]])
        errors = (shaped - expected) / self.scale
        seen = ~np.isnan(errors)
        steps = np.arange(len(shaped))[:, None]
        last = np.maximum.accumulate(np.where(seen, steps, -1), axis=0)
        elapsed = np.log1p(np.minimum(steps - last, 100))
        place = (anchors[:, 0] - self.anchor.mean) / np.array(self.spread)[-1]
        calendar = waves_at(start + steps[:, 0], self.calendar)
        parts = [np.where(seen, errors, 0), seen, elapsed, np.tanh(place / 3)]
        rest = last_known(shaped - self.anchor.calendar(start + steps[:, 0]))
        for season in self.seasons:
            before = rest[np.maximum(steps[:, 0] - season, 0)]
            for ahead in self._places:
                later = np.maximum(steps[:, 0] - season + min(ahead, season), 0)
                change = (rest[later] - before) / np.array(self.spread)[ahead - 1]
                parts.append(np.where(steps >= season, np.tanh(change / 3), 0))
        return np.concatenate([*parts, calendar], axis=1).astype(np.float32)

    @property
    def _places(self) -> list[int]:
        """Steps ahead whose values a season ago are read."""
        horizon = self.model.horizon
        return sorted({-(-horizon * k // 3) for k in (1, 2, 3)})

    def checked(self, values: Any) -> np.ndarray:
        """Returns a series as [T, V], if it is one that the model can read.

        Raises:
          ValueError: see `forecast`.
        """
        values = np.asarray(values, float)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or values.shape[1] != len(self.names) or not len(values):
            names = ", ".join(self.names)
            raise ValueError(f"values must be [T, V] of {names}, not {values.shape}")
        least = LEAST[self.form]
        if np.isinf(values).any() or np.nanmin(values, initial=np.inf) < least:
            raise ValueError(
                f"a model that reads the {self.form} of values needs finite ones of at "
                f"least {least:.3g}"
            )
        return values
