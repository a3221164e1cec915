"""Programs of runs that are one: whether they compute the same, and all in one call."""

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jax.sharding import AxisType, Mesh, PartitionSpec

from seqjax import devices
from seqjax.train.step import State, steps

Array = jax.Array


class Program(NamedTuple):
    """A loss and an optimizer, and what they compute on arrays of some shapes.

    Two are the same if their traces and the arrays these close over are equal. What a
    derivative written by hand closes over is no part of a trace, and is not compared.
    """

    loss: Any
    optimizer: optax.GradientTransformation
    text: str
    constants: list[Any]
    names: set[Any]

    @classmethod
    def of(
        cls,
        loss: Callable[..., Any],
        optimizer: optax.GradientTransformation,
        arrays: tuple[Any, State, Any],
    ) -> "Program":
        """Traces a loss and an optimizer.

        Args:
          loss: as in `run_steps`.
          optimizer: as there.
          arrays: key, state and batches, as there.
        """
        key, state, batches = arrays
        batch = jax.tree.map(
            lambda a: jax.ShapeDtypeStruct(a.shape[1:], a.dtype), batches
        )
        traced = (
            jax.make_jaxpr(loss)(state.params, batch, key, state.recurrent_state),
            jax.make_jaxpr(optimizer.update)(
                state.params, state.opt_state, state.params
            ),
        )
        # Functions are printed with their addresses, which say nothing.
        text = re.sub(r"\b0x[0-9a-f]+", "", "".join(map(str, traced)))
        constants = [np.asarray(c) for closed in traced for c in closed.consts]
        return cls(loss, optimizer, text, constants, set())

    def same(self, other: "Program") -> bool:
        """Whether both compute the same."""
        return self.text == other.text and all(
            map(np.array_equal, self.constants, other.constants)
        )


def shapes(tree: Any) -> Any:
    """Returns the structure of a tree, and its arrays' shapes and dtypes; hashable."""
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple((a.shape, a.dtype) for a in leaves)


def run_together(
    loss: Callable[..., Any],
    optimizer: optax.GradientTransformation,
    runs: Sequence[tuple[Any, State, Any]],
    count: Array | int,
) -> Sequence[tuple[State, Array]]:
    """Runs the same steps of several runs as one program.

    Args:
      loss: as in `run_steps`.
      optimizer: as there.
      runs: key, state and batches of each, as there.
      count: as there.

    Returns:
      The result of each, on one device.
    """
    mesh = _mesh(len(runs))
    arrays = devices.replicate(mesh, tuple(map(devices.gather, runs)))
    results = devices.one_at_a_time(
        lambda: _together(loss, optimizer, mesh, arrays, count)
    )
    return devices.gather(results)


def _mesh(runs: int) -> Mesh | None:
    """As many devices as there are, but not more than runs."""
    chosen = jax.local_devices()[:runs]
    if len(chosen) == 1:
        return None
    return Mesh(np.array(chosen), ("runs",), axis_types=(AxisType.Auto,))


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _together(
    loss: Callable,
    optimizer: optax.GradientTransformation,
    mesh: Mesh | None,
    arrays: tuple[Any, ...],
    count: Array | int,
) -> tuple[Any, ...]:
    """Runs `steps` for each tuple of arrays."""

    def each(stacked, count):
        def one(arrays):
            key, state, batches = arrays
            return steps(loss, optimizer, None, key, state, batches, count)

        on_cpu = jax.local_devices()[0].platform == "cpu"
        return lax.map(one, stacked) if on_cpu else jax.vmap(one)(stacked)

    runs = len(arrays)
    if mesh is not None:
        arrays += (arrays[-1],) * (-runs % mesh.size)  # as many for each device
        over = PartitionSpec("runs")
        each = jax.shard_map(
            each,
            mesh=mesh,
            in_specs=(over, PartitionSpec()),
            out_specs=over,
            check_vma=False,
        )
    stacked = each(jax.tree.map(lambda *a: jnp.stack(a), *arrays), count)
    return tuple(jax.tree.map(lambda a: a[i], stacked) for i in range(runs))  # noqa: B023
