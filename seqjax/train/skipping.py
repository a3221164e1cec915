"""Steps that are not finite, skipped and counted: `optax.apply_if_finite`."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from seqjax.train.averaging import AverageState

Array = jax.Array


class Count(NamedTuple):
    """How many steps were skipped."""

    in_a_row: int
    in_all: int


def only_finite(
    optimizer: optax.GradientTransformation, most: int
) -> optax.GradientTransformation:
    """Returns the optimizer, which lets up to `most` bad steps in a row change nothing.

    A step is bad if its gradient is not finite; see `marked`.
    """
    return optax.apply_if_finite(optimizer, most) if most else optimizer


def marked(opt_state: Any, finite: Array, grads: Any) -> Any:
    """Returns the gradient; NaN where the loss is not finite and steps may be skipped.

    Args:
      opt_state: of the optimizer, which says whether they may.
      finite: bool [], whether the loss and the gradient's norm are.
      grads: the gradient.
    """
    if _state(opt_state) is None:
        return grads
    return jax.tree.map(lambda g: jnp.where(finite, g, jnp.nan), grads)


def kept(opt_state: Any, finite: Array, new: Any, old: Any) -> Any:
    """Returns a new recurrent state, or the old one where its step is skipped."""
    if _state(opt_state) is None:
        return new
    return jax.tree.map(lambda n, o: jnp.where(finite, n, o), new, old)


def counted(opt_state: Any) -> Count | None:
    """Returns how many steps were skipped; None where none may be."""
    state = _state(opt_state)
    if state is None:
        return None
    return Count(int(state.notfinite_count), int(state.total_notfinite))


def _state(opt_state: Any) -> Any:
    inner = opt_state.opt_state if isinstance(opt_state, AverageState) else opt_state
    return inner if isinstance(inner, optax.ApplyIfFiniteState) else None
