"""Which array was the first that is not finite."""

from typing import Any

import jax
import numpy as np

from seqjax.train.step import State, StepMetrics, gradient


class NonFinite(RuntimeError):
    """A loss or a gradient is not finite; the message names the first such array."""


def first_bad_step(metrics: StepMetrics) -> int | None:
    """Returns the first step whose loss or gradient is not finite, or None.

    Args:
      metrics: NumPy arrays [steps].
    """
    bad = ~(np.isfinite(metrics.total) & np.isfinite(metrics.grad_norm))
    return int(bad.argmax()) if bad.any() else None


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
