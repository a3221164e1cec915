"""A batch is split over several devices; on a CPU, each core is one.

Inside one device a small matrix product wakes and joins threads in every step. On
devices of their own, the cores work through their rows without waiting for each other
until something is summed over the batch. The program is the same: where the arrays are
placed decides how it is compiled.
"""

import functools
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.core import Tracer
from jax.sharding import Mesh, PartitionSpec

from seqjax.meshes import BYTES, ROWS, choose, spread_over
from seqjax.placement import gather, replicate, split

__all__ = [
    "BYTES",
    "ROWS",
    "by_rows",
    "choose",
    "data_parallel",
    "gather",
    "one_at_a_time",
    "replicate",
    "split",
    "spread_over",
    "use_every_core",
]


def use_every_core() -> None:
    """Makes every core of a CPU a JAX device; call it before JAX computes anything.

    Where the number of such devices was set already, by JAX_NUM_CPU_DEVICES or by
    XLA_FLAGS=--xla_force_host_platform_device_count, it stays.

    Raises:
      RuntimeError: it was called too late: JAX has its devices, and they are one core.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    by_flag = "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")
    if by_flag or "JAX_NUM_CPU_DEVICES" in os.environ:
        return
    try:
        jax.config.update("jax_num_cpu_devices", cores)
    except RuntimeError:
        devices = jax.local_devices()
        if cores > 1 and len(devices) == 1 and devices[0].platform == "cpu":
            raise RuntimeError(
                "use_every_core must be called before JAX computes anything: "
                "right after the imports"
            ) from None


def data_parallel(
    function: Callable, *, batch: int | Sequence[int] = 1, axis: int = 0, **options: Any
) -> Callable:
    """Compiles a function as `jax.jit` does, its batches split over the devices.

    Where one device is best, as for few rows, it is `jax.jit`. On several, what a
    function sums over the batch (a loss, a gradient) is summed over all of them.

    One such call runs at a time in a process: the next one waits for it, not its
    caller. For on a CPU two programs that run at once may each hold the threads that
    the other's sums wait for, forever.

    Args:
      function: pure; its first argument is the parameters, or a tree with them.
      batch: the place, or places, of the arguments that hold a batch: trees of arrays.
        All other arguments are put whole on every device.
      axis: the axis of the batch in these arrays. One without it, or of a length that
        cannot be divided, is put whole on each device.
      **options: of `jax.jit`, such as `donate_argnums`.

    Returns:
      A function of the same arguments, given by place. Its attribute `place` returns
      the arguments where a call would put them: what is used again is put there once.

    Example:
      >>> import functools, jax.numpy as jnp
      >>> @functools.partial(data_parallel, batch=1, axis=1)
      ... def loss(params, xs):
      ...     return jnp.mean((xs @ params) ** 2)
      >>> print(loss(jnp.ones((3, 2)), jnp.ones((5, 16, 3))))
      9.0
    """
    compiled = jax.jit(function, **options)
    places = (batch,) if isinstance(batch, int) else tuple(batch)

    def mesh_of(arguments: Sequence[Any]) -> Mesh | None:
        rows = _rows([arguments[i] for i in places], axis)
        return choose(arguments[0], rows)

    def put(mesh: Mesh | None, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        if mesh is None:
            return jax.tree.map(_on_one, arguments)
        return tuple(
            split(mesh, a, axis) if i in places else replicate(mesh, a)
            for i, a in enumerate(arguments)
        )

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        mesh = mesh_of(arguments)
        nothing_to_place = mesh is None and not _running
        if nothing_to_place or _traced(arguments):
            return compiled(*arguments)
        if mesh is None:
            return compiled(*put(None, arguments))
        return one_at_a_time(lambda: compiled(*put(mesh, arguments)))

    call.place = lambda *arguments: put(mesh_of(arguments), arguments)  # type: ignore
    return call


def by_rows(static: int) -> Callable[[Callable], Callable]:
    """Compiles a function whose rows are independent, and splits them over the devices.

    Each device runs the whole function on its own rows: a loop that ends early ends
    there alone.

    Args:
      static: how many of the first arguments are hashable, and no arrays. The next one
        is the variables of a model. In all others, and in the result, an array's first
        axis is the rows; a result without axes is summed over the rows.
    """

    def decorate(function: Callable) -> Callable:
        whole = jax.jit(function, static_argnums=range(static))

        @functools.partial(jax.jit, static_argnums=range(static + 1))
        def in_parts(mesh: Mesh, *arguments: Any) -> Any:
            fixed, (variables, *rows) = arguments[:static], arguments[static:]

            is_sum: Any = None

            def part(variables, rows):
                nonlocal is_sum
                result = function(*fixed, variables, *rows)
                is_sum = jax.tree.map(lambda a: a.ndim == 0, result)
                return jax.tree.map(lambda a: a if a.ndim else a[None], result)

            over = jax.tree.map(_spec, tuple(rows))
            parts = jax.shard_map(
                part,
                mesh=mesh,
                in_specs=(PartitionSpec(), over),
                out_specs=PartitionSpec("batch"),
                check_vma=False,
            )(variables, tuple(rows))
            return jax.tree.map(lambda yes, a: a.sum(0) if yes else a, is_sum, parts)

        @functools.wraps(function)
        def call(*arguments: Any) -> Any:
            variables, *rows = arguments[static:]
            mesh = None
            if not _traced(arguments[static:]):
                mesh = choose(variables, _rows(rows, 0))
            if mesh is None:
                return whole(*arguments)

            def place() -> Any:
                placed = replicate(mesh, variables), *split(mesh, rows, 0)
                return in_parts(mesh, *arguments[:static], *placed)

            return one_at_a_time(place)

        return call

    return decorate


def one_at_a_time(call: Callable[[], Any]) -> Any:
    """Calls what starts a program on several devices, when no other one is running.

    Returns:
      What the call does, which may be arrays that are not computed yet.
    """
    global _running
    with _turn:
        jax.block_until_ready([a for a in _running if not a.is_deleted()])
        result = call()
        leaves = [a for a in jax.tree.leaves(result) if isinstance(a, jax.Array)]
        # All results of a program are ready at once, so that one is enough to know.
        _running = sorted(leaves, key=lambda a: a.nbytes)[:1]
    return result


_turn = threading.Lock()
_running: list[jax.Array] = []  # empty before anything was split


def _rows(tree: Any, axis: int) -> int:
    """The length of an axis in all arrays that have it; 1 if they differ."""
    rows = None
    for array in jax.tree.leaves(tree):
        shape = np.shape(array)
        if len(shape) > axis:
            if rows not in (None, shape[axis]):
                return 1
            rows = shape[axis]
    return rows or 1


def _on_one(array: Any) -> Any:
    """An array on one device, if it was on several."""
    several = isinstance(array, jax.Array) and len(array.sharding.device_set) > 1
    return gather(array) if several else array


def _spec(array: Any) -> PartitionSpec:
    return PartitionSpec("batch") if np.ndim(array) else PartitionSpec()


def _traced(tree: Any) -> bool:
    return any(isinstance(a, Tracer) for a in jax.tree.leaves(tree))
