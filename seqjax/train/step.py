"""Training steps: the gradient of one, and several in one compiled loop."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.sharding import Mesh

from seqjax import devices
from seqjax.metrics import Mean
from seqjax.train import skipping

Array = jax.Array


class State(NamedTuple):
    """All that changes from step to step."""

    step: Array  # [], the number of steps done
    params: Any
    opt_state: Any  # the optimizer's state
    recurrent_state: Any  # what the next step's loss receives


class StepMetrics(NamedTuple):
    """What one step reports."""

    total: Array  # of the loss
    weight: Array  # of the loss
    grad_norm: Array
    tokens: Array


def only_trainable(loss: Callable, trainable: Any) -> Callable:
    """Returns the loss with a zero gradient wherever `trainable` is False."""
    if trainable is None:
        return loss

    def masked(params, batch, key, recurrent_state):
        params = jax.tree.map(
            lambda p, mark: p if mark else lax.stop_gradient(p), params, trainable
        )
        return loss(params, batch, key, recurrent_state)

    return masked


def gradient(
    loss: Callable, key: Array, state: State, batch: Any
) -> tuple[tuple[Array, tuple[Mean, Array, Any]], Any]:
    """Returns the loss of a step with what comes with it, and the gradient.

    The key of a step is folded from the run's here and nowhere else, so that it is a
    function of the step alone, however the steps are grouped or resumed.
    """

    def objective(params):
        step_key = jax.random.fold_in(key, state.step)
        mean, tokens, recurrent_state = loss(
            params, batch, step_key, state.recurrent_state
        )
        return mean.result(), (mean, tokens, recurrent_state)

    return jax.value_and_grad(objective, has_aux=True)(state.params)


def steps(
    loss: Callable,
    optimizer: optax.GradientTransformation,
    mesh: Mesh | None,
    key: Array,
    state: State,
    batches: Any,
    count: Array | int,
) -> tuple[State, Array]:
    """Runs one step on each of the first `count` batches of a stack.

    The count is not static: a stack that is filled up to one shape serves any number
    of steps, and is compiled once. So the loop is a `fori_loop`, not a scan.

    Args:
      loss: as in `Task`, after `only_trainable`.
      optimizer: as in `Task`.
      mesh: the devices that the batches are split over; None for one device.
      key: of the run.
      state: before the first step.
      batches: leaves [most, ...].
      count: how many steps to run, at most `most`.

    Returns:
      The state after the last step, and the `StepMetrics` of each as rows
      [most, fields], zero from `count` on.
    """
    most = jax.tree.leaves(batches)[0].shape[0]
    metrics = jnp.zeros((most, len(StepMetrics._fields)))

    def body(i, loop_state):
        state, metrics = loop_state
        batch = jax.tree.map(lambda a: a[i], batches)
        (value, out), grads = gradient(loss, key, state, batch)
        (mean, tokens, recurrent_state), norm = out, optax.tree.norm(grads)
        finite = jnp.isfinite(value) & jnp.isfinite(norm)
        grads = skipping.marked(state.opt_state, finite, grads)
        recurrent_state = skipping.kept(
            state.opt_state, finite, recurrent_state, state.recurrent_state
        )
        updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        total, weight = map(jnp.asarray, mean)
        new = StepMetrics(total, weight, norm, tokens)
        metrics = metrics.at[i].set(jnp.stack(new))
        state = State(state.step + 1, params, opt_state, recurrent_state)
        # Without this the compiler may leave the new state in parts on the devices.
        return devices.replicate(mesh, state), metrics

    return lax.fori_loop(0, count, body, (state, metrics))


_compiled = functools.partial(jax.jit, static_argnums=(0, 1, 2))(steps)


@functools.wraps(steps)
def run_steps(*arguments: Any) -> tuple[State, Array]:
    """Runs `steps`, compiled, when no other program on several devices is running."""
    return devices.one_at_a_time(lambda: _compiled(*arguments))
