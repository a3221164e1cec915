"""Loops over time for bodies that are written as the equations are, not for speed.

`scan` computes what depends on constants alone (a gate's slice of a kernel) before the
loop, and stacks no array twice; XLA does neither for a loop on a CPU. `in_chunks` takes
as many steps at a time as fit in a cache.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.core import eval_jaxpr
from jax.extend.core import Jaxpr, Literal

from seqjax import sharded
from seqjax.meshes import BYTES

Array = jax.Array
Tree = Any


def scan(
    body: Callable,
    constants: Tree,
    carry: Tree,
    xs: Tree,
    *,
    reverse: bool = False,
    transposed: bool = False,
) -> tuple[Tree, Tree]:
    """Scans `body`(constants, carry, x) -> (carry, y) over the first axis of `xs`.

    Args:
      body: one step.
      constants: a tree of arrays that are the same in every step.
      carry: the carry before the first step.
      xs: a tree of arrays [T, ...].
      reverse: whether to go from the last step to the first; the ys stay in place.
      transposed: whether to lay out the loop's constant matrices transposed in memory,
        for products with their transposes: to read a matrix along its columns in every
        step takes a CPU 1.2 to 1.7 times as long.

    Returns:
      The last carry, and the ys stacked. A y that is the same array as a part of x, or
      as another y, is not stacked again.
    """
    places: list[int] = []
    tree: Any = None

    # A loop writes each of its ys to memory in every step. Here it gets each distinct
    # array once; `places` and `tree`, which are set while it is traced, say where in
    # xs and in the new ones each y is found.
    def distinct(constants, carry, x):
        nonlocal tree
        carry, y = body(constants, carry, x)
        arrays, tree = jax.tree.flatten(y)
        pool = jax.tree.leaves(x)
        known = len(pool)
        places[:] = [_place(a, pool) for a in arrays]
        return carry, pool[known:]

    x = jax.tree.map(sharded.of_one_step, xs)
    step = hoist(distinct, constants, carry, x, transposed=transposed)
    carry, new = lax.scan(lambda carry, x: step(carry, x), carry, xs, reverse=reverse)
    pool = [*jax.tree.leaves(xs), *new]
    return carry, jax.tree.unflatten(tree, [pool[i] for i in places])


def _place(array: Array, pool: list[Array]) -> int:
    """Returns where in the pool the array is, after adding it if it is not there.

    Identity decides, since tracers have no values to compare: two names of one tracer
    are one array, and two tracers of equal arrays are two.
    """
    for i, other in enumerate(pool):
        if other is array:
            return i
    pool.append(array)
    return len(pool) - 1


def hoist(
    f: Callable, constants: Tree, *args: Tree, transposed: bool = False
) -> Callable:
    """Computes now what `f`(constants, ...) makes of the constants alone.

    It traces `f` to a list of equations and splits that: the first part is evaluated
    here, outside the loop, and what the second part reads of it becomes the constants
    of the function that is returned.

    Args:
      f: a function of the constants, and of args.
      constants: a tree of arrays.
      *args: trees of the shapes and dtypes of the other arguments.
      transposed: as in `scan`.

    Returns:
      The rest of `f`, a function of the other arguments.
    """
    closed, shapes = jax.make_jaxpr(f, return_shape=True)(constants, *args)
    jaxpr, leaves = closed.jaxpr, jax.tree.leaves(constants)
    given = [*jaxpr.constvars, *jaxpr.invars[: len(leaves)]]
    first, rest = _split(jaxpr, given)
    # Of the first part's values (the constants among them), those that the rest reads;
    # in their order, for a set has none and equal programs must share a compilation.
    reads = [*(v for eqn in rest for v in eqn.invars), *jaxpr.outvars]
    kept = set(first.outvars) & {v for v in reads if not isinstance(v, Literal)}
    kept = [v for v in first.outvars if v in kept]
    values = eval_jaxpr(first.replace(outvars=kept), [], *closed.consts, *leaves)
    values = _lay_out(values) if transposed else values
    loop = jaxpr.replace(
        constvars=[], invars=[*kept, *jaxpr.invars[len(leaves) :]], eqns=rest
    )

    def remaining(*args):
        # The equations expect the matrices as they were; XLA reads the product of a
        # transposed one from where it lies, so this copies nothing.
        constants = [_transpose(v) for v in values] if transposed else values
        outputs = eval_jaxpr(loop, [], *constants, *jax.tree.leaves(args))
        return jax.tree.unflatten(jax.tree.structure(shapes), outputs)

    return remaining


def _split(jaxpr: Jaxpr, given: Sequence[Any]) -> tuple[Jaxpr, list[Any]]:
    """Splits the equations: those to compute from `given` alone, and the others."""
    known, first, rest = set(given), [], []
    for eqn in jaxpr.eqns:
        inputs = [v for v in eqn.invars if not isinstance(v, Literal)]
        if not eqn.effects and known.issuperset(inputs) and _is_worthwhile(eqn, inputs):
            first.append(eqn)
            known.update(eqn.outvars)
        else:
            rest.append(eqn)
    outputs = [*given, *(v for eqn in first for v in eqn.outvars)]
    return jaxpr.replace(
        constvars=[], invars=list(given), eqns=first, outvars=outputs
    ), rest


def _is_worthwhile(eqn: Any, inputs: Sequence[Any]) -> bool:
    """Whether an equation's result is better kept in memory than computed each step.

    It is not where the result is larger than what it is made of (a broadcast bias), for
    the loop would read more; nor for a transposition, which XLA does without a copy.
    """
    if not inputs or eqn.primitive.name == "transpose":
        return False
    made = [n for v in eqn.outvars for n in v.aval.shape]
    if not all(isinstance(n, int) for n in made):
        return False  # symbolic, and so of the batch
    read = sum(math.prod(v.aval.shape) for v in inputs)
    return sum(math.prod(v.aval.shape) for v in eqn.outvars) <= read


def _lay_out(values: list[Array]) -> list[Array]:
    """Transposes matrices in memory.

    `remaining` transposes them back, and XLA would cancel the two; the barrier keeps
    it from seeing that they belong together. Each has its own, for behind one barrier
    all would vary over the same devices.
    """
    return [lax.optimization_barrier(_transpose(v)) for v in values]


def gradients_apart(weights: Tree) -> Tree:
    """Returns the same weights, whose gradients a CPU multiplies in its faster way.

    The gradient of a kernel is a product that JAX then transposes. XLA draws the two
    together, and multiplies along the columns of both factors; kept apart, training
    steps take a CPU 0.8 to 0.95 of the time, unless the kernel outgrows its cache.

    Args:
      weights: a tree of arrays; matrices of up to `meshes.BYTES` are changed.
    """
    if jax.default_backend() != "cpu":
        return weights
    return jax.tree.map(
        lambda a: _apart(a) if a.ndim == 2 and a.nbytes <= BYTES else a, weights
    )


@jax.custom_vjp
def _apart(w: Array) -> Array:
    return w


def _apart_backward(_, d_w: Array) -> tuple[Array]:
    return (_transpose(*_lay_out([d_w])),)


_apart.defvjp(lambda w: (w, None), _apart_backward)


def _transpose(a: Array) -> Array:
    return a.T if a.ndim == 2 else a


def in_chunks(
    run: Callable, carry: Tree, xs: Tree, size: int, *, reverse: bool = False
) -> tuple[Tree, Tree]:
    """Runs over chunks of a sequence, one after the other.

    Args:
      run: (carry, a chunk of xs) -> (carry, ys); leaves [steps, ...].
      carry: the carry before the first chunk.
      xs: a tree of arrays [T, ...].
      size: the steps of a chunk. What is left over makes the last one, shorter.
      reverse: whether to go from the last chunk to the first; the ys stay in place.

    Returns:
      The last carry, and the ys [T, ...].
    """
    time = jax.tree.leaves(xs)[0].shape[0]
    if size is time:  # which may be symbolic
        return run(carry, xs)
    border = time // size * size  # chunks of equal size before it, the rest after it
    parts = [slice(border), slice(border, time)] if 0 < border < time else [slice(time)]
    outputs = []
    for part in parts[::-1] if reverse else parts:
        steps = jax.tree.map(lambda a, part=part: a[part], xs)
        carry, ys = _in_equal_chunks(run, carry, steps, size, reverse)
        outputs.append(ys)
    if len(outputs) == 1:
        return carry, outputs[0]
    outputs = outputs[::-1] if reverse else outputs
    return carry, jax.tree.map(lambda *a: jnp.concatenate(a), *outputs)


def _in_equal_chunks(run, carry, steps, size: int, reverse: bool):
    """Scans `run` over chunks of equal size, or runs it over the only one."""
    if len(jax.tree.leaves(steps)[0]) <= size:
        return run(carry, steps)
    split = jax.tree.map(lambda a: a.reshape(-1, size, *a.shape[1:]), steps)
    carry, ys = lax.scan(run, carry, split, reverse=reverse)
    return carry, jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), ys)


def before_each(first: Array, afters: Array, reverse: bool) -> Array:
    """Returns the state before each step, [T, ...].

    Args:
      first: the state before the first step that is taken.
      afters: the state after each step, [T, ...].
      reverse: whether the last step is taken first.
    """
    if reverse:
        return jnp.concatenate([afters, first[None]])[1:]
    return jnp.concatenate([first[None], afters])[:-1]


def divisor(time: int, size: int) -> int:
    """Returns a divisor of `time` near `size`, for equal chunks; `size` if none is."""
    near = [d for d in range(size // 2 + 1, 2 * size) if time % d == 0]
    return min(near, key=lambda d: abs(math.log(d / size)), default=size)
