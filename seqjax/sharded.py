"""What runs inside `jax.shard_map`, and on meshes whose axes are explicit.

There the type of an array says over which axes of a mesh it is split or varies, and a
loop must carry one type from step to step. A new state, which is zeros, has no such
axes, while a step that has read an input has those of the input.
"""

from collections.abc import Callable
from typing import Any

import jax
from jax.sharding import PartitionSpec

Array = jax.Array
Tree = Any


def alike(tree: Tree) -> Tree:
    """Makes all arrays of a tree vary over the axes that any of them varies over.

    That is so inside `jax.shard_map`; elsewhere none varies, and the tree is returned.
    The way back of a weight, which is the same on all devices, is the sum over them.
    """
    axes = frozenset().union(*map(varying, jax.tree.leaves(tree)))
    if not axes:
        return tree

    def leaf(a):
        missing = tuple(sorted(axes - varying(a)))
        return jax.lax.pcast(a, missing, to="varying") if missing else a

    return jax.tree.map(leaf, tree)


def varying(array: Any) -> frozenset[str]:
    """Returns the axes of a mesh over which an array varies inside `jax.shard_map`."""
    kind = jax.typeof(array)
    if not hasattr(kind, "manual_axis_type"):  # the older name
        return getattr(kind, "vma", frozenset())
    return kind.manual_axis_type.varying


def of_one_step(array: Array) -> Any:
    """Returns the type of an array without its first axis, to trace a step with."""
    if varying(array) and array.shape[0] != 0:
        return array[0]  # no public type says what it varies over
    return jax.ShapeDtypeStruct(array.shape[1:], array.dtype)


def with_auto_axes(
    run: Callable[..., Tree], initial_carry: Callable[..., Tree], xs: Array
) -> Callable[..., Tree]:
    """Lets the compiler place what `run` computes where a mesh has explicit axes.

    Args:
      run: a function of arrays that returns a carry and ys [T, *batch, features].
      initial_carry: makes a carry like that, leaves [*batch, ...], of a batch shape.
      xs: its inputs [T, *batch, in]; the results are split along time and batch as
        they are.
    """
    sharding = jax.typeof(xs).sharding
    if not sharding.mesh.explicit_axes:
        return run
    time_and_batch = sharding.spec[: xs.ndim - 1]
    of_carry = PartitionSpec(*time_and_batch[1:])
    carry = jax.eval_shape(lambda: initial_carry(xs.shape[1:-1]))
    out = jax.tree.map(lambda _: of_carry, carry), PartitionSpec(*time_and_batch)
    return jax.sharding.auto_axes(run, out_sharding=out)
