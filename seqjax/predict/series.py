"""A model of a time series to ask: what comes next, and how it goes on."""

import dataclasses
import functools
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.layer import Carry, Layer
from seqjax.layers import Feedback, FeedbackCarry, FeedbackParams, ReadoutParams
from seqjax.predict.predictor import precision_of


class Scale(NamedTuple):
    """Values as a network reads them: (x − center) / width, or tanh of that."""

    center: tuple[float, ...]  # [n]
    width: tuple[float, ...]  # [n]
    squash: bool = False  # as Jaeger and Haas (2004) do with Mackey–Glass

    @classmethod
    def of(cls, values: np.ndarray) -> "Scale":
        """Returns the scale in which values [T, n] have mean 0 and variance 1."""
        width = values.std(axis=0)
        safe = np.where(width > 0, width, 1.0)
        return cls(tuple(values.mean(axis=0).tolist()), tuple(safe.tolist()))

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Returns values [..., n] as the network reads them."""
        scaled = (np.asarray(values, float) - np.array(self.center)) / self.width
        return np.tanh(scaled) if self.squash else scaled

    def decode(self, scaled: np.ndarray) -> np.ndarray:
        """Returns the values [..., n] of what a network wrote."""
        scaled = np.asarray(scaled, float)
        if self.squash:
            scaled = np.arctanh(np.clip(scaled, -SATURATED, SATURATED))
        return scaled * np.array(self.width) + np.array(self.center)


SATURATED = 0.999  # where a network that went astray is cut, before arctanh


@dataclasses.dataclass(frozen=True, eq=False)
class SeriesPredictor:
    """A trained model that reads numbers and gives numbers at each step, in float64.

    Attributes:
      model: a `Tagger` without `embed`; its logits are the outputs, scaled.
      reads: the scale of the inputs.
      writes: that of the outputs; the same where they are the next inputs.
      variables: of the model.

    Example:
      >>> import seqjax
      >>> predictor = seqjax.load("runs/echo_state")  # doctest: +SKIP
      >>> predictor.forecast(series, 3)  # doctest: +SKIP
      array([0.91724816, 0.95417131, 0.99312044])
    """

    wide: ClassVar[bool] = True

    model: Any
    reads: Scale
    writes: Scale
    variables: Any = None

    def __post_init__(self):
        if self.model.labels != len(self.writes.center):
            raise ValueError("the model and the scale of its outputs differ in width")

    def example(self) -> tuple[Any, ...]:
        """Returns a sequence of one step, for the model's `init`."""
        return jnp.zeros((1, 1, len(self.reads.center))), jnp.ones(1, int)

    def predict(self, series: Any) -> np.ndarray:
        """Returns the output at each step: of the next value, where that was learned.

        Args:
          series: inputs [T, n] or [*batch, T, n]; [T] where n is 1.

        Returns:
          [..., T, m], or [T] for [T] where m is 1.

        Raises:
          ValueError: the inputs have another width, or a number is not finite.
        """
        xs, flat = self._checked(series)
        with precision_of(self):
            layer, (params, readout) = self.model.layer, self._params()
            scaled = _outputs(layer, params, readout, jnp.moveaxis(xs, -2, 0))
        ys = self.writes.decode(np.moveaxis(np.asarray(scaled), 0, -2))
        return ys[:, 0] if flat and ys.shape[-1] == 1 else ys

    def forecast(self, series: Any, steps: int) -> np.ndarray:
        """Returns how a series goes on, by a network that reads its own outputs.

        Args:
          series: the values so far, as for `predict`; T ≥ 1.
          steps: how many values to return.

        Returns:
          [..., steps, n], or [steps] for [T].

        Raises:
          ValueError: as for `predict`, or the model does not predict what it reads.
        """
        if self.reads != self.writes:
            raise ValueError("this model's outputs are not its next inputs")
        xs, flat = self._checked(series)
        with precision_of(self):
            layer, (params, readout) = self.model.layer, self._params()
            begin = begun(layer, params, readout, jnp.moveaxis(xs, -2, 0))
            scaled = go_on(layer, params, readout, begin, steps)
        ys = self.writes.decode(np.moveaxis(np.asarray(scaled), 0, -2))
        return ys[:, 0] if flat else ys

    def _params(self) -> tuple[Any, ReadoutParams]:
        own = self.variables["params"]
        dense = own["readout"]
        return own["recurrent"]["layer"], ReadoutParams(dense["kernel"], dense["bias"])

    def _checked(self, series: Any) -> tuple[np.ndarray, bool]:
        """The scaled inputs [..., T, n], and whether they came as [T]."""
        series, width = np.asarray(series, float), len(self.reads.center)
        flat = series.ndim == 1 and width == 1
        values = series[:, None] if flat else series
        if values.ndim < 2 or values.shape[-1] != width or not values.size:
            raise ValueError(f"the series must be [T, {width}], not {series.shape}")
        if not np.isfinite(values).all():
            raise ValueError("the series holds a number that is not finite")
        return self.reads.encode(values), flat


@functools.partial(jax.jit, static_argnums=0)
def begun(layer: Layer, params: Any, readout: ReadoutParams, xs: Any) -> FeedbackCarry:
    """Returns the state after inputs [T, *batch, n], and what is read out there."""
    carry, ys = layer.unroll(params, xs)
    return FeedbackCarry(carry, ys[-1] @ readout.w + readout.b)


@functools.partial(jax.jit, static_argnums=(0, 4))
def go_on(
    layer: Layer, params: Any, readout: ReadoutParams, begin: Carry, steps: int
) -> jax.Array:
    """Returns [steps, *batch, n]: what was read out, and what follows from it."""
    loop = Feedback(layer, begin.y.shape[-1])
    none = jnp.zeros((steps - 1, *begin.y.shape[:-1], 0), begin.y.dtype)
    ys = loop.unroll(FeedbackParams(params, readout), none, begin)[1]
    return jnp.concatenate([begin.y[None], ys])


@functools.partial(jax.jit, static_argnums=0)
def _outputs(layer: Layer, params: Any, readout: ReadoutParams, xs: Any) -> jax.Array:
    return layer.unroll(params, xs)[1] @ readout.w + readout.b
