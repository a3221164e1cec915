"""Loops over time for bodies that are written by the equations, not for the machine.

`scan`: what depends on constants alone (a gate's slice of a kernel) is computed before
the loop, and no array is stacked twice. XLA does neither for a loop on a CPU.
`in_chunks`: as many steps at a time as fit in a cache.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.core import eval_jaxpr
from jax.extend.core import Jaxpr, Literal

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
      constants: what is the same in every step.
      carry: before the first step.
      xs: a tree of arrays [T, ...].
      reverse: from the last step to the first; the ys stay in place.
      transposed: lay out the constant matrices that the loop reads transposed. For
        products with their transposes: to read a matrix along its columns in every
        step takes a CPU 1.2 to 1.7 times as long.

    Returns:
      The last carry, and the ys stacked. A y that is, itself, part of x or the same
      array as another is not stacked again.
    """
    places: list[int] = []
    tree: Any = None

    def distinct(constants, carry, x):
        nonlocal tree
        carry, y = body(constants, carry, x)
        arrays, tree = jax.tree.flatten(y)
        pool = jax.tree.leaves(x)
        known = len(pool)
        places[:] = [_place(a, pool) for a in arrays]
        return carry, pool[known:]

    x = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape[1:], a.dtype), xs)
    step = hoist(distinct, constants, carry, x, transposed=transposed)
    carry, new = lax.scan(lambda carry, x: step(carry, x), carry, xs, reverse=reverse)
    pool = [*jax.tree.leaves(xs), *new]
    return carry, jax.tree.unflatten(tree, [pool[i] for i in places])


def _place(array: Array, pool: list[Array]) -> int:
    """Where in the pool an array is, itself and not its equal; added if it is not."""
    for i, other in enumerate(pool):
        if other is array:
            return i
    pool.append(array)
    return len(pool) - 1


def hoist(
    f: Callable, constants: Tree, *args: Tree, transposed: bool = False
) -> Callable:
    """`f`(constants, ...), of which what needs the constants alone is computed now.

    Args:
      f: takes the constants, and args.
      constants: a tree of arrays.
      *args: trees of the shapes and dtypes of the other arguments.
      transposed: as in `scan`.

    Returns:
      The rest of `f`, a function of the other arguments.
    """
    closed, shapes = jax.make_jaxpr(f, return_shape=True)(constants, *args)
    jaxpr, leaves = closed.jaxpr, jax.tree.leaves(constants)
    given = [*jaxpr.constvars, *jaxpr.invars[: len(leaves)]]
    first, rest = _parted(jaxpr, given)
    reads = [*(v for eqn in rest for v in eqn.invars), *jaxpr.outvars]
    kept = set(first.outvars) & {v for v in reads if not isinstance(v, Literal)}
    kept = [v for v in first.outvars if v in kept]  # in their order
    values = eval_jaxpr(first.replace(outvars=kept), [], *closed.consts, *leaves)
    values = _lay_out(values) if transposed else values
    loop = jaxpr.replace(
        constvars=[], invars=[*kept, *jaxpr.invars[len(leaves) :]], eqns=rest
    )

    def remaining(*args):
        constants = [_transpose(v) for v in values] if transposed else values
        outputs = eval_jaxpr(loop, [], *constants, *jax.tree.leaves(args))
        return jax.tree.unflatten(jax.tree.structure(shapes), outputs)

    return remaining


def _parted(jaxpr: Jaxpr, given: Sequence[Any]) -> tuple[Jaxpr, list[Any]]:
    """The equations that follow from `given` alone and pay, and the others."""
    known, first, rest = set(given), [], []
    for eqn in jaxpr.eqns:
        inputs = [v for v in eqn.invars if not isinstance(v, Literal)]
        if not eqn.effects and known.issuperset(inputs) and _pays(eqn, inputs):
            first.append(eqn)
            known.update(eqn.outvars)
        else:
            rest.append(eqn)
    outputs = [*given, *(v for eqn in first for v in eqn.outvars)]
    return jaxpr.replace(
        constvars=[], invars=list(given), eqns=first, outvars=outputs
    ), rest


def _pays(eqn: Any, inputs: Sequence[Any]) -> bool:
    """Not what is larger than what it is made of; a transposition is free anyway."""
    read = sum(math.prod(v.aval.shape) for v in inputs)
    made = sum(math.prod(v.aval.shape) for v in eqn.outvars)
    return bool(inputs) and made <= read and eqn.primitive.name != "transpose"


def _lay_out(values: list[Array]) -> list[Array]:
    """Matrices transposed in memory; the barrier keeps the compiler from undoing it."""
    return lax.optimization_barrier([_transpose(v) for v in values])


def _transpose(a: Array) -> Array:
    return a.T if a.ndim == 2 else a


def in_chunks(
    run: Callable, carry: Tree, xs: Tree, size: int, *, reverse: bool = False
) -> tuple[Tree, Tree]:
    """Runs over parts of a sequence, one after the other.

    Args:
      run: (carry, a part of xs) -> (carry, ys); leaves [steps, ...].
      carry: before the first part.
      xs: a tree of arrays [T, ...].
      size: steps of a part. What is left makes the last one, shorter.
      reverse: from the last part to the first; the ys stay in place.

    Returns:
      The last carry, and the ys [T, ...].
    """
    time = len(jax.tree.leaves(xs)[0])
    border = time // size * size
    parts = [slice(border), slice(border, time)] if 0 < border < time else [slice(time)]
    outputs = []
    for part in parts[::-1] if reverse else parts:
        steps = jax.tree.map(lambda a, part=part: a[part], xs)
        carry, ys = _evenly(run, carry, steps, size, reverse)
        outputs.append(ys)
    if len(outputs) == 1:
        return carry, outputs[0]
    outputs = outputs[::-1] if reverse else outputs
    return carry, jax.tree.map(lambda *a: jnp.concatenate(a), *outputs)


def _evenly(run, carry, steps, size: int, reverse: bool):
    """Scans `run` over parts of equal size, or runs it over the only one."""
    if len(jax.tree.leaves(steps)[0]) <= size:
        return run(carry, steps)
    split = jax.tree.map(lambda a: a.reshape(-1, size, *a.shape[1:]), steps)
    carry, ys = lax.scan(run, carry, split, reverse=reverse)
    return carry, jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), ys)


def divisor(time: int, size: int) -> int:
    """A divisor of `time` near `size`, so that no part is shorter; else `size`."""
    near = [d for d in range(size // 2 + 1, 2 * size) if time % d == 0]
    return min(near, key=lambda d: abs(math.log(d / size)), default=size)
