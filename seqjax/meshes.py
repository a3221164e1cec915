"""Over which devices a batch is split."""

import functools
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh

ROWS = 8  # fewer rows than this on a core do not fill its vector units
BYTES = 2**22  # a larger matrix does not stay in the cache of each core


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
    devices = _devices()
    on_cpu = devices[0].platform == "cpu"
    counts = range(min(len(devices), batch_size // (ROWS if on_cpu else 1)), 1, -1)
    count = next((n for n in counts if batch_size % n == 0), 1)
    if count == 1 or (on_cpu and _largest(params) > BYTES):
        return None
    return Mesh(np.array(devices[:count]), ("batch",), axis_types=(AxisType.Auto,))


def spread_over(count: int = 0) -> Mesh | None:
    """Takes a number of devices to split a batch over, equally many of each process.

    Args:
      count: the number in all processes; 0 takes all there are.

    Returns:
      A mesh with the axis "batch", or None for a single device.

    Raises:
      ValueError: there are fewer, or the processes cannot have equally many.
    """
    there, processes = jax.devices(), jax.process_count()
    count = count or len(there)
    if count % processes:
        raise ValueError(f"{processes} processes cannot have equally many of {count}")
    own = [
        [device for device in there if device.process_index == index]
        for index in range(processes)
    ]
    each = count // processes
    if each > min(map(len, own)):
        raise ValueError(
            f"there are {len(there)} devices; a CPU is made several by "
            f"XLA_FLAGS=--xla_force_host_platform_device_count={each}"
        )
    chosen = np.array([device for devices in own for device in devices[:each]])
    return Mesh(chosen, ("batch",), axis_types=(AxisType.Auto,)) if count > 1 else None


@functools.cache
def _devices() -> list[Any]:
    return jax.local_devices()


def _largest(params: Any) -> int:
    """Bytes of the largest parameter."""
    leaves = (a for a in jax.tree.leaves(params) if hasattr(a, "dtype"))
    return max((a.size * a.dtype.itemsize for a in leaves), default=0)
