"""What all implementations in JAX share: one jitted call, its loss, its gradients.

Each says how its parameters come from ours (`convert`, linear up to a constant) and
what it computes from them; the pull-back of `convert` brings its gradients home.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.speed.cases import Case, Weights, named
from experiments.speed.peers import Runner

Params = Any
Convert = Callable[[Weights], Params]
# parameters, inputs and a mask (None: all is valid) to outputs
Apply = Callable[[Params, jax.Array, jax.Array | None], jax.Array]
# parameters, the state and an input to the next state and the output
Step = Callable[[Params, Any, jax.Array], tuple[Any, jax.Array]]
# like `jax.jit`; an attribute `place` of what it returns puts arguments in place
Compiler = Callable[..., Callable]


def placed(function: Callable, args: tuple) -> tuple:
    """The arguments of a compiled function, where a call needs them."""
    return function.place(*args) if hasattr(function, "place") else args


def sequence(
    case: Case,
    convert: Convert,
    apply: Apply,
    batch_major: bool = False,
    note: str = "",
    compiler: Compiler = jax.jit,
) -> Runner:
    """The outputs of a whole sequence, or the gradient of their mean square.

    Args:
      case: to run.
      convert: our weights to its parameters.
      apply: the network.
      batch_major: `apply` takes and gives [B, T, ...] instead of [T, B, ...].
      note: see `Runner`.
      compiler: of (parameters, inputs, a mask).
    """

    def turn(a):
        return None if a is None else a.swapaxes(0, 1) if batch_major else a

    def loss(params, xs, mask):
        return mean_of_squares(apply(params, xs, mask), mask)

    def outputs(ys):
        ys, mask = np.asarray(turn(ys)), case.sequences().mask
        return {"outputs": ys if mask is None else np.where(mask[..., None], ys, 0)}

    xs, _, mask = case.sequences()
    args = jax.tree.map(jnp.asarray, (convert(case.weights()), turn(xs), turn(mask)))
    if case.mode == "forward":
        f, numbers = compiler(apply), outputs
    else:
        f, numbers = compiler(jax.grad(loss)), lambda g: _at_home(case, convert, g)
    args = placed(f, args)
    return Runner(lambda: jax.block_until_ready(f(*args)), numbers, note)


def streaming(case: Case, convert: Convert, step: Step, state: Any) -> Runner:
    """Step after step, each a compiled call that waits for its output.

    Args:
      case: to run.
      convert: our weights to its parameters.
      step: one step.
      state: before the first step.
    """
    f = jax.jit(step)
    params, state = jax.tree.map(jnp.asarray, (convert(case.weights()), state))
    xs = [jnp.asarray(x) for x in case.sequences().xs]

    def run():
        after, ys = state, []
        for x in xs:
            after, y = f(params, after, x)
            ys.append(jax.block_until_ready(y))
        return ys

    return Runner(run, lambda ys: {"outputs": np.stack(ys)})


def language_model(
    case: Case,
    convert: Convert,
    nats: Callable,
    compiler: Compiler = jax.jit,
) -> Runner:
    """A training step: cross entropy summed over time, clipping, descent.

    Args:
      case: to run.
      convert: our weights to its parameters.
      nats: (parameters, tokens [T, B], targets [T, B]) to the cross entropies' sum.
      compiler: of (parameters, the optimiser's state, tokens, targets).
    """
    optimizer = optax.chain(optax.clip_by_global_norm(5.0), optax.sgd(1.0))

    def loss(params, tokens, targets):
        return nats(params, tokens, targets) / case.B

    def step(params, state, tokens, targets):
        value, gradient = jax.value_and_grad(loss)(params, tokens, targets)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), state, value

    f = compiler(step, donate_argnums=(0, 1))
    begin, *text = jax.tree.map(jnp.array, (convert(case.weights()), *case.text()))
    params = jax.tree.map(jnp.copy, begin)
    params, state, *text = placed(f, (params, optimizer.init(params), *text))

    def run():
        nonlocal params, state
        params, state, value = jax.block_until_ready(f(params, state, *text))
        return params, value

    def numbers(result):
        after, value = result
        moved = jax.tree.map(np.subtract, jax.device_get(after), begin)
        return {"loss": np.asarray(value), **_at_home(case, convert, moved)}

    return Runner(run, numbers)


def cross_entropy(logits: jax.Array, targets: jax.Array) -> jax.Array:
    """The sum of the cross entropies of logits [T, B, V] with targets [T, B]."""
    return jnp.sum(optax.softmax_cross_entropy_with_integer_labels(logits, targets))


def mean_of_squares(ys: jax.Array, mask: jax.Array | None) -> jax.Array:
    """The loss of the race, over what is valid; `mask` lacks the last axis of `ys`."""
    if mask is None:
        return jnp.mean(jnp.square(ys))
    squares = jnp.square(jnp.where(mask[..., None], ys, 0))
    return jnp.sum(squares) / (jnp.sum(mask) * ys.shape[-1])


def _at_home(case: Case, convert: Convert, gradient: Params) -> dict[str, np.ndarray]:
    """A gradient by its parameters as one by ours."""

    @jax.jit
    def pull(weights, gradient):
        (ours,) = jax.vjp(convert, weights)[1](gradient)
        return ours

    return named(pull(case.weights(), gradient))
