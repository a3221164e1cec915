"""The unit that counts: the state that follows what is open, traced along strings."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.memory.languages import counts_of
from experiments.memory.model import layer_params
from experiments.memory.problems import Drawn
from seqjax.inspect import quantities, trace
from seqjax.layer import Layer
from seqjax.predict import VectorPredictor

NUMBERS = ("counter", "unit", "correlation", "correlation_beyond")


def counter(
    predictor: VectorPredictor, valid: Drawn, test: Drawn, length: int
) -> dict[str, Any]:
    """Finds the unit that follows the count best, and what it does on longer strings.

    Args:
      predictor: the trained model.
      valid: strings up to the trained length; the unit is chosen on these, and a line,
        its value as a function of the count, is fitted.
      test: a string of each n, in order.
      length: the largest n of training.

    Returns:
      The name of the state, the unit, its correlation with the count where it was
      chosen and on the strings beyond (as far as there are some), and along a trained
      and the longest string its values and those of the fitted line.
    """
    states = states_of(predictor, valid.inputs)
    count = counts_of(valid.inputs)
    found = {name: correlations(s, count, valid.mask) for name, s in states.items()}
    name = max(found, key=lambda n: np.abs(found[n]).max())
    unit = int(np.abs(found[name]).argmax())
    chosen = states[name][..., unit]
    slope, level = np.polyfit(count[valid.mask], chosen[valid.mask], 1)
    beyond = Drawn(*(part[min(length, len(part) - 1) :] for part in test))
    held = states_of(predictor, beyond.inputs)[name][..., unit : unit + 1]
    again = correlations(held, counts_of(beyond.inputs), beyond.mask)[0]
    lines = {}
    for n in dict.fromkeys((length, len(test.mask))):
        row = test.inputs[n - 1 : n, : 2 * n + 1]
        values = states_of(predictor, row)[name][0, :, unit]
        fitted = level + slope * counts_of(row)[0]
        lines[str(n)] = {"value": values.tolist(), "count": fitted.tolist()}
    return {
        "counter": name,
        "unit": unit,
        "correlation": float(found[name][unit]),
        "correlation_beyond": float(again),
        "lines": lines,
    }


def states_of(predictor: VectorPredictor, inputs: np.ndarray) -> dict[str, np.ndarray]:
    """Every state of the layer along inputs [B, T, in]: [B, T, units] by name."""
    params = layer_params(predictor)
    seen = _states(predictor.model.layer, params, jnp.asarray(inputs).swapaxes(0, 1))
    return {name: np.asarray(array).swapaxes(0, 1) for name, array in seen.items()}


@functools.partial(jax.jit, static_argnums=0)
def _states(layer: Layer, params: Any, xs: jax.Array) -> dict[str, jax.Array]:
    every = quantities(trace(layer, params, xs))
    return {name: array for name, array in every.items() if "state " in name}


def correlations(values: np.ndarray, count: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each unit with the count, over valid steps.

    Args:
      values: [B, T, units].
      count: [B, T].
      mask: bool [B, T].

    Returns:
      [units]; 0 for a unit that never changes.
    """
    units = values[mask].astype(float)
    units, levels = units - units.mean(axis=0), count[mask] - count[mask].mean()
    scale = np.sqrt(np.sum(units**2, axis=0) * np.sum(levels**2))
    return levels @ units / np.where(scale > 0, scale, 1)


def in_words(found: dict[str, Any]) -> str:
    """Says which unit it is, and how well it follows."""
    return (
        f"{found['counter']}, unit {found['unit']}, follows the count with a "
        f"correlation of {found['correlation']:.4f}, and beyond the trained n of "
        f"{found['correlation_beyond']:.4f}"
    )
