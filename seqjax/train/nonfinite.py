"""Which array was the first that is not finite."""

from typing import Any

import jax
import numpy as np

from seqjax.train.skipping import Count
from seqjax.train.step import State, StepMetrics, gradient


class NonFinite(RuntimeError):
    """A loss or a gradient is not finite; the message names the first such array."""


def bad_steps(metrics: StepMetrics) -> np.ndarray:
    """Marks the steps whose loss or gradient is not finite: bool [steps].

    Args:
      metrics: NumPy arrays [steps].
    """
    return ~(np.isfinite(metrics.total) & np.isfinite(metrics.grad_norm))


def step_to_stop_at(bad: np.ndarray, most: int, before: Count | None) -> int | None:
    """Returns the first bad step after `most` bad ones in a row, or None.

    Args:
      bad: from `bad_steps`.
      most: how many in a row may be skipped.
      before: what was skipped before the first step, if any may be.
    """
    in_a_row = before.in_a_row if before else 0
    for i, is_bad in enumerate(bad.tolist()):
        in_a_row = in_a_row + 1 if is_bad else 0
        if in_a_row > most:
            return i
    return None


def explain(loss: Any, key: jax.Array, state: State, batch: Any) -> NonFinite:
    """Repeats a step that went wrong, and returns the error that names the array.

    A parameter is looked at before the loss, and the loss before the gradient, since
    what comes later is not finite because of what came before.

    Args:
      loss: as in `run_steps`.
      key: of the run.
      state: before the step.
      batch: of the step.
    """
    value_and_gradient = jax.jit(gradient, static_argnums=0)
    (value, _), grads = value_and_gradient(loss, key, state, batch)
    named = (("parameter", state.params), ("loss", value), ("gradient", grads))
    names = [
        f"{kind} {jax.tree_util.keystr(path, simple=True, separator='/')}".strip()
        for kind, tree in named
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
        if not np.isfinite(leaf).all()
    ]
    return NonFinite(
        f"step {int(state.step) + 1}: {names[0] if names else 'the gradient norm'} is "
        f"not finite; try a lower learning rate, or clipping"
    )
