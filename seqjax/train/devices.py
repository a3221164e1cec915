"""A batch is split over several devices; on a CPU, each core is one.

Inside one device a small matrix product wakes and joins threads in every step. On
devices of their own, the cores work through their rows without waiting for each other
until the gradients are summed. The program is the same: where the arrays are placed
decides how it is compiled.
"""

import os
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

ROWS = 8  # fewer rows than this on a core do not fill its vector units
BYTES = 2**22  # a larger matrix does not stay in the cache of each core


def use_every_core() -> None:
    """Makes every core of a CPU a JAX device; call it before JAX is first used."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    jax.config.update("jax_num_cpu_devices", cores)


def choose(params: Any, batch_size: int) -> Mesh | None:
    """Chooses the devices that a batch is split over.

    On a CPU these are as many cores as divide the batch with at least `ROWS` rows
    each, if no parameter is larger than `BYTES`. On other hardware they are as many
    devices as divide the batch.

    Args:
      params: the parameters; arrays, or anything with `shape` and `dtype`.
      batch_size: the number of rows of a batch.

    Returns:
      A mesh with the axis "batch", or None where one device is best.
    """
    devices, fewest = jax.local_devices(), 1
    if devices[0].platform == "cpu":
        largest = max(
            (a.size * a.dtype.itemsize for a in jax.tree.leaves(params)), default=0
        )
        fewest = ROWS if largest <= BYTES else batch_size
    counts = range(min(len(devices), batch_size // fewest), 1, -1)
    count = next((n for n in counts if batch_size % n == 0), 1)
    if count == 1:
        return None
    return Mesh(np.array(devices[:count]), ("batch",), axis_types=(AxisType.Auto,))


def split(mesh: Mesh | None, tree: Any, axis: int) -> Any:
    """Puts arrays on the devices of a mesh, in equal parts along an axis.

    An array without that axis, or with a length that cannot be divided, is put whole
    on each device.

    Args:
      mesh: from `choose`; None returns the tree as it is.
      tree: arrays.
      axis: the axis of the batch.
    """
    if mesh is None:
        return tree

    def sharding(a):
        divisible = a.ndim > axis and a.shape[axis] % mesh.size == 0
        spec = PartitionSpec(*[None] * axis, "batch") if divisible else PartitionSpec()
        return NamedSharding(mesh, spec)

    return jax.device_put(tree, jax.tree.map(sharding, tree))


def replicate(mesh: Mesh | None, tree: Any) -> Any:
    """Puts arrays whole on every device of a mesh; in a trace, it is a constraint."""
    if mesh is None:
        return tree
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))


def gather(tree: Any) -> Any:
    """Puts arrays on the first device alone."""
    return jax.device_put(tree, jax.local_devices()[0])


def spread(params: Any, batch: Any, axis: int = 0) -> tuple[Any, Any]:
    """Places parameters and a batch as `fit` does; jitted functions follow them.

    Wait for each result before the next call (`jax.block_until_ready`): on a CPU, two
    calls that run at once may wait for each other's sums forever.

    Args:
      params: the parameters, put whole on every device that is used.
      batch: arrays whose `axis` is the batch, split over those devices.
      axis: the axis of the batch.

    Returns:
      (params, batch) with the same numbers.
    """
    mesh = choose(params, jax.tree.leaves(batch)[0].shape[axis])
    return replicate(mesh, params), split(mesh, batch, axis)
