"""The gradient by lag: how much of what a loss says reaches the past.

‖∂L⟨T⟩/∂carry⟨T−k⟩‖ for every lag k. Along k it falls or grows like a product of k
Jacobians: it vanishes or explodes (Hochreiter, 1991; Bengio, Simard and Frasconi, 1994;
Pascanu, Mikolov and Bengio, 2013).
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.inspect.trace import trace
from seqjax.layer import Array, Carry, Layer, Params
from seqjax.masks import from_lengths


class LagGradients(NamedTuple):
    """The gradient's norms at one cell, by lag; NaN before the first step of a row."""

    norm: Array  # [T, *batch]: of all leaves of the carry together
    leaves: Carry  # a tree like the carry, whose leaves are norms [T, *batch]


def gradient_by_lag(
    layer: Layer,
    params: Params,
    xs: Array,
    lengths: Array | None = None,
    *,
    loss: Callable[[Array], Array] | None = None,
    key: Array | None = None,
    **options: Any,
) -> dict[str, LagGradients]:
    """Returns how strongly the loss at the last step depends on each earlier state.

    One pass back gives every lag and cell. It may be jitted with `layer` and `loss`
    static.

    Args:
      layer: any layer that runs forward in time alone.
      params: from `init`.
      xs: inputs [T, *batch, in].
      lengths: how many steps of each row are real, [*batch]; all of them if None. The
        last step of a row is its T.
      loss: from each row's last output [*batch, features] to one number a row [*batch].
        None takes the output along a random direction of length one.
      key: of the random direction.
      **options: resets and dtype of `Layer.unroll`.

    Returns:
      The norms by cell, named as in `cells_of`: at [k] those of ∂L⟨T⟩/∂carry⟨T−k⟩.

    Raises:
      ValueError: the layer reads what comes later.
    """
    if not layer.causal:
        raise ValueError(f"lags count from the past; {layer} also reads what is later")
    time, batch = len(xs), xs.shape[1:-1]
    lengths = jnp.broadcast_to(time if lengths is None else lengths, batch)
    mask = from_lengths(lengths, time)
    if loss is None:
        loss = _along_a_direction(jax.random.key(0) if key is None else key)

    def total(nudges):
        seen = trace(layer, params, xs, mask=mask, nudges=nudges, **options)
        last = jnp.maximum(lengths - 1, 0)[None, ..., None]
        return jnp.sum(loss(jnp.take_along_axis(seen.outputs, last, axis=0)[0]))

    shapes = jax.eval_shape(lambda: trace(layer, params, xs, **options).cells)
    zeros = {
        name: jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), cell.carry)
        for name, cell in shapes.items()
    }
    gradients = jax.grad(total)(zeros)
    return {name: _by_lag(tree, lengths) for name, tree in gradients.items()}


def _along_a_direction(key: Array) -> Callable[[Array], Array]:
    def loss(last):
        direction = jax.random.normal(key, last.shape[-1:], last.dtype)
        return last @ (direction / jnp.linalg.norm(direction))

    return loss


def _by_lag(gradient: Carry, lengths: Array) -> LagGradients:
    """Turns gradients at each step, [T, *batch, ...], into norms at each lag."""

    def norms(leaf):  # [T, *batch]
        wide = leaf.astype(jnp.promote_types(leaf.dtype, jnp.float32))
        flat = wide.reshape(*wide.shape[: 1 + lengths.ndim], -1)
        step = lengths - 1 - jnp.arange(len(leaf)).reshape(-1, *[1] * lengths.ndim)
        aligned = jnp.take_along_axis(safe_norm(flat), jnp.maximum(step, 0), axis=0)
        return jnp.where(step < 0, jnp.nan, aligned)

    leaves = jax.tree.map(norms, gradient)
    return LagGradients(safe_norm(jnp.stack(jax.tree.leaves(leaves), -1)), leaves)


def safe_norm(a: Array) -> Array:
    """Returns the norm over the last axis; squares alone would under- or overflow."""
    largest = jnp.max(jnp.abs(a), axis=-1, keepdims=True)
    scaled = a / jnp.where(largest > 0, largest, 1)
    return largest[..., 0] * jnp.linalg.norm(scaled, axis=-1)


class Verdict(NamedTuple):
    """What a gradient does over its lags, and the numbers behind that."""

    word: str  # "vanishing", "healthy" or "exploding"
    rate: float  # by what the norm is multiplied per lag, in the geometric mean
    half_life: float  # lags after which it is halved; infinite if it does not fall
    lags: int  # the largest lag that the rate was measured over

    def in_words(self) -> str:
        """Returns the verdict as a phrase, such as "vanishing, × 0.82 a lag"."""
        life = "" if math.isinf(self.half_life) else f", halved in {self.half_life:.3g}"
        return f"{self.word}, × {self.rate:.3g} a lag{life}"


def verdict(norms: Any, *, horizon: int = 100, most: float = 1e3) -> Verdict:
    """Says whether a gradient vanishes, explodes or neither.

    Args:
      norms: by lag, [K+1, ...]; of rows the geometric mean is taken.
      horizon: a number of lags that the network should bridge.
      most: a gradient that, at its rate, shrinks or grows by more than this over the
        horizon vanishes or explodes.
    """
    mean = geometric_mean(norms)
    mean = mean[np.isfinite(mean)]
    mean = mean[: np.flatnonzero(mean)[-1] + 1] if mean.any() else mean  # not underflow
    lags = len(mean) - 1
    ratio = 1.0 if lags < 1 else float(mean[-1] / mean[0]) if mean[0] else 0.0
    rate = ratio ** (1 / max(lags, 1))
    if rate == 0:
        return Verdict("vanishing", 0.0, 0.0, lags)
    half_life = math.log(0.5) / math.log(rate) if rate < 1 else math.inf
    limit = most ** (1 / horizon)
    words = [(rate < 1 / limit, "vanishing"), (rate > limit, "exploding")]
    word = next((word for holds, word in words if holds), "healthy")
    return Verdict(word, rate, half_life, lags)


def geometric_mean(norms: Any) -> np.ndarray:
    """Returns the geometric mean over rows, [K+1], of norms by lag [K+1, ...]."""
    flat = np.asarray(norms, np.float64).reshape(len(norms), -1)
    with np.errstate(divide="ignore"):
        logs = np.log(flat)
    some = ~np.isnan(logs).all(axis=1)
    mean = np.full(len(flat), np.nan)
    mean[some] = np.exp(np.nanmean(logs[some], axis=1))
    return mean
