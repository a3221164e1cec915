"""Compiled programs that the laws share: the values, the gradients, the differences."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqjax import Layer
from seqjax.testing.comparison import Case
from seqjax.testing.data import Arguments, random_like, row_axes
from seqjax.testing.differences import difference_rows

Tree = Any
OPTIONS = ("reverse", "gradient", "chunk")

# The laws' programs compile far longer than they run.
COMPILER_OPTIONS = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}


@contextlib.contextmanager
def settings() -> Iterator[None]:
    """Puts JAX into the configuration of the laws, whatever the caller's is."""
    with contextlib.ExitStack() as stack:
        for setting in (
            jax.enable_x64(True),
            jax.disable_jit(False),
            jax.debug_nans(False),  # the laws put NaN into the padding
            jax.debug_infs(False),
            jax.numpy_rank_promotion("allow"),
            jax.numpy_dtype_promotion("standard"),
            jax.default_matmul_precision("highest"),
            jax.default_device(jax.devices("cpu")[0]),
        ):
            stack.enter_context(setting)
        yield


@functools.cache
def compiler_options() -> dict[str, Any]:
    """Returns those of `COMPILER_OPTIONS` that this version of XLA knows."""

    def is_known(name, value):
        try:
            jax.jit(jnp.negative, compiler_options={name: value})(0.0)
        except jax.errors.JaxRuntimeError:
            return False
        return True

    return {name: v for name, v in COMPILER_OPTIONS.items() if is_known(name, v)}


def jit(function: Callable, **options: Any) -> Callable:
    """Jits for a quick compilation rather than a quick run, at the first call.

    Args:
      function: what to compile.
      **options: further keywords of `jax.jit`.
    """

    @functools.cache
    def jitted():
        return jax.jit(function, compiler_options=compiler_options(), **options)

    @functools.wraps(function)
    def call(*args, **kwargs):
        return jitted()(*args, **kwargs)

    return call


class Outcome(NamedTuple):
    """What `unroll` returns, or a weight for each number of it."""

    carry: Tree  # leaves [rows, ...]
    outputs: Any  # [T, rows, features]


def unroll(layer: Layer, arguments: Arguments, **options: Any) -> Outcome:
    """Calls `layer.unroll`, with names for what goes in and comes out."""
    params, inputs, carry = arguments
    return Outcome(*layer.unroll(params, inputs, carry, **options))


_unroll = jit(unroll, static_argnames=OPTIONS)


def run(layer: Layer, arguments: Arguments, case: Case) -> Outcome:
    """Unrolls a layer, compiled once for calls of the same shapes; NumPy arrays."""
    keywords = case._asdict()
    del keywords["remark"]
    return jax.device_get(_unroll(layer, arguments, **keywords))


step = jit(lambda layer, params, carry, x: layer.step(params, carry, x))


def random_weights(layer: Layer, arguments: Arguments) -> Outcome:
    """Draws a weight for each number that a layer returns."""
    shape = (*arguments.inputs.shape[:-1], layer.features)
    outputs = jax.ShapeDtypeStruct(shape, float)
    return random_like(Outcome(arguments.carry, outputs), seed=7)


def loss(layer: Layer, arguments: Arguments, weights: Outcome, **options: Any) -> Any:
    """Returns the weighted sum of all that a layer returns."""
    outcome = unroll(layer, arguments, **options)
    return sum(jax.tree.leaves(jax.tree.map(jnp.vdot, weights, outcome)))


_gradient = jit(jax.grad(loss, argnums=1), static_argnames=OPTIONS)


def gradient_of(layer: Layer, arguments: Arguments, case: Case) -> Arguments:
    """Returns the gradient of `loss`, compiled once for calls of the same shapes."""
    weights = random_weights(layer, arguments)
    keywords = case._asdict()
    del keywords["remark"]
    return jax.device_get(_gradient(layer, arguments, weights, **keywords))


def differences_of(layer: Layer, arguments: Arguments, case: Case) -> Arguments:
    """Returns what `gradient_of` should, by central differences.

    Going back is going forward over what is flipped, which is a law of its own, so
    both directions share one program.
    """
    weights = random_weights(layer, arguments)
    if case.reverse:
        weights = weights._replace(outputs=weights.outputs[::-1])
        arguments = arguments._replace(inputs=arguments.inputs[::-1])
        case = case.at(slice(None, None, -1))
    found = _differences(layer, arguments, weights, case.mask, case.resets)
    found = jax.device_get(found)
    return found._replace(inputs=found.inputs[::-1]) if case.reverse else found


@jit
def _differences(layer, arguments, weights, mask, resets):
    """Moves every basis direction of one row in all rows at once.

    Rows do not see each other, which is a law of its own, so each row's loss differs
    by its own move alone, and of what rows share the differences add up.
    """
    axes = row_axes(layer, arguments.inputs.shape[-1])

    def one_row(leaf, axis):
        return jnp.zeros_like(
            leaf if axis < 0 else jnp.take(leaf, jnp.array([0]), axis)
        )

    def losses(moved_by):  # [rows]
        moved = jax.tree.map(jnp.add, arguments, moved_by)
        outcome = unroll(layer, moved, mask=mask, resets=resets)
        of_carry, of_outputs = jax.tree.map(jnp.multiply, weights, outcome)
        by_row = [of_outputs.sum((0, 2))]
        by_row += [a.sum(range(1, a.ndim)) for a in jax.tree.leaves(of_carry)]
        return sum(by_row)

    def gather(leaf, axis):  # leaf: [rows, *the shape of one row's part]
        if axis < 0:
            return leaf.sum(0)
        return jnp.moveaxis(jnp.squeeze(leaf, axis + 1), 0, axis)

    by_row = difference_rows(losses, jax.tree.map(one_row, arguments, axes))
    return jax.tree.map(gather, by_row, axes)


class PlainDerivatives(NamedTuple):
    """The derivatives of `loss` by plain autodiff, all by one program."""

    gradient: Arguments
    slope: Any  # the derivative along the tangent, by forward mode
    curvature: Arguments  # the derivative of the gradient along the tangent


def plain_derivatives(
    layer: Layer, arguments: Arguments, tangent: Arguments, case: Case
) -> PlainDerivatives:
    """Returns first and second derivatives along a tangent."""
    weights = random_weights(layer, arguments)
    flags = case.mask, case.resets
    found = _plain(layer, arguments, tangent, weights, *flags, reverse=case.reverse)
    return jax.device_get(found)


@functools.partial(jit, static_argnames=("reverse",))
def _plain(layer, arguments, tangent, weights, mask, resets, reverse):
    def value_and_gradient(arguments):
        options = {"mask": mask, "resets": resets, "reverse": reverse}
        f = functools.partial(loss, layer, weights=weights, gradient="plain", **options)
        return jax.value_and_grad(f)(arguments)

    (_, gradient), (slope, curvature) = jax.jvp(
        value_and_gradient, (arguments,), (tangent,)
    )
    return PlainDerivatives(gradient, slope, curvature)


def at_steps(arguments: Arguments, steps: Any) -> Arguments:
    """Returns the arguments with some of the inputs."""
    return arguments._replace(inputs=arguments.inputs[steps])


def select(flags: np.ndarray, new: Tree, old: Tree) -> Tree:
    """Takes rows of one tree where a flag is True, and of the other elsewhere."""

    def leaf(n, o):
        return np.where(flags.reshape(flags.shape + (1,) * (n.ndim - 1)), n, o)

    return jax.tree.map(leaf, new, old)
