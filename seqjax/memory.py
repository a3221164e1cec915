"""How much memory there is, and whether arrays fit into it."""

import os
import pathlib
from typing import Any

import jax

_LIMIT = pathlib.Path("/sys/fs/cgroup/memory.max")  # of a container
_SMALL = 2**24  # bytes that fit anywhere
_MACHINE = pathlib.Path("/proc/meminfo")


class DoesNotFit(MemoryError):
    """Arrays that would be larger than the memory; the message says how much."""


def check(shapes: Any, what: str) -> None:
    """Raises DoesNotFit if arrays cannot be held where JAX would place them.

    Args:
      shapes: a tree of arrays, or of their shapes and dtypes.
      what: they are, for the message.
    """
    leaves = [a for a in jax.tree.leaves(shapes) if hasattr(a, "dtype")]
    size = sum(leaf.size * _width(leaf) for leaf in leaves)
    if size > _SMALL and size > (free := of_device()):
        raise DoesNotFit(
            f"{what} would take {readable(size)} of memory, where {readable(free)} "
            f"are free"
        )


def of_device() -> int:
    """Returns the bytes that an array may take on JAX's first device.

    An accelerator has memory of its own; a CPU's is `available`.
    """
    device = jax.local_devices()[0]
    found = device.memory_stats() if device.platform != "cpu" else None
    limit = (found or {}).get("bytes_limit")
    return available() if limit is None else limit


def available() -> int:
    """Returns the bytes that a process may still take.

    It is the least of what the machine has free, what its container may have, and
    what the process was limited to (``ulimit -v``). Where none of them can be found
    out, it is 2⁶² bytes.
    """
    found = [_free(), _of_container(), _of_process()]
    return min((size for size in found if size is not None), default=2**62)


def readable(size: float) -> str:
    """Returns a size in bytes as it is said, such as "3.2 GB".

    Example:
      >>> readable(3_210_000_000), readable(999), readable(10**40)
      ('3.2 GB', '999 bytes', '1e+28 TB')
    """
    for unit, bytes_of in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 1000)):
        if size >= bytes_of:
            return f"{size / bytes_of:.2g} {unit}"
    return f"{size} bytes"


def _width(leaf: Any) -> int:
    """Bytes of a number; of a random key, which is of another kind, a few."""
    return getattr(leaf.dtype, "itemsize", 8)


def _free() -> int | None:
    try:
        for line in _MACHINE.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    names = getattr(os, "sysconf_names", {})
    if {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(names):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _of_container() -> int | None:
    try:
        text = _LIMIT.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def _of_process() -> int | None:
    try:
        import resource
    except ImportError:  # not of Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit
