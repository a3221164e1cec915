"""An exponential moving average of the parameters, as part of the optimizer's state.

a⟨t⟩ = a⟨t−1⟩ + (1 − β⟨t⟩)(p⟨t⟩ − a⟨t−1⟩) after step t = 1, 2, …, from a⟨0⟩ = p⟨0⟩.
The decay warms up, β⟨t⟩ = min(β, (1 + t) / (10 + t)), so that the first parameters are
forgotten soon: TensorFlow's tf.train.ExponentialMovingAverage with `num_updates`. The
average of a trajectory lies closer to the minimum than its end: Polyak and Juditsky
(1992).
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

Array = jax.Array


class AverageState(NamedTuple):
    """The state of an optimizer that `with_average` returned."""

    opt_state: Any  # of the optimizer inside
    count: Array  # [], the number of updates t
    params: Any  # a⟨t⟩, in float32 or wider


@functools.lru_cache(maxsize=8)  # equal arguments share one compiled program
def with_average(
    optimizer: optax.GradientTransformation, decay: float
) -> optax.GradientTransformation:
    """Returns the same optimizer, which also averages the parameters it moves to.

    Args:
      optimizer: the update rule. Its updates are passed on unchanged.
      decay: β, in [0, 1).
    """

    def init(params):
        # In a narrow type, steps of 1 − β would be rounded away.
        wide = jax.tree.map(lambda p: p.astype(_wide(p)), params)
        return AverageState(optimizer.init(params), jnp.zeros((), jnp.int32), wide)

    def update(updates, state, params=None):
        if params is None:
            raise ValueError("an average needs the parameters: update(..., params)")
        updates, opt_state = optimizer.update(updates, state.opt_state, params)
        count = state.count + 1
        rate = 1 - jnp.minimum(decay, (1 + count) / (10 + count))
        moved = optax.apply_updates(params, updates)
        # Written as a + rate · (p − a), a parameter that stands still is kept exactly.
        average = jax.tree.map(
            lambda a, p: a + rate.astype(a.dtype) * (p.astype(a.dtype) - a),
            state.params,
            moved,
        )
        return updates, AverageState(opt_state, count, average)

    return optax.GradientTransformation(init, update)


def averaged(opt_state: Any, params: Any) -> Any:
    """Returns the parameters to evaluate.

    Args:
      opt_state: the state of an optimizer.
      params: the parameters of the last step.

    Returns:
      The average, in the dtypes of `params`, if `with_average` made the optimizer;
      else `params`.
    """
    if not isinstance(opt_state, AverageState):
        return params
    return jax.tree.map(lambda a, p: a.astype(p.dtype), opt_state.params, params)


def _wide(array: Array) -> Any:
    return jnp.promote_types(array.dtype, jnp.float32)
