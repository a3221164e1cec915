"""Several processes train one model, on one machine or on many: `jax.distributed`.

All run the same program on the same data, and split each batch: every process reads
whole batches, since the data of a task fit into memory, and puts its own rows on its
devices. The first process alone writes files that stay. What each of the others writes
goes to a folder of its own that is deleted, so that a program need not ask who it is.
"""

import contextlib
import ctypes
import functools
import hashlib
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils

LOST = (
    "another process has ended, or cannot be reached, and none can go on without it: "
    "begin them all again from the last checkpoint"
)
# What the messages have that JAX raises when another process is gone.
_SIGNS = ("gloo", "nccl", "peer", "coordination", "unavailable", "connection")


class PeerLost(RuntimeError):
    """Another process has ended, or cannot be reached; the message says what to do."""


def join(
    coordinator: str, count: int | None, index: int | None, seconds: float = 300
) -> None:
    """Makes this process one of several; to be called before JAX computes anything.

    Sums over the devices of several CPUs are taken by Gloo. If the others do not come,
    the process ends with a sentence, for JAX would abort it.

    Args:
      coordinator: host and port of the first process, as "10.0.0.1:4567"; or "auto",
        for JAX to find this and all else out: from Slurm, Kubernetes, Open MPI or the
        metadata of a TPU pod.
      count: of the processes; None with "auto".
      index: of this one, from 0 on; None with "auto".
      seconds: how long to wait for the others.

    Raises:
      ValueError: something is missing, or is not found out.
    """
    automatic = coordinator == "auto"
    if not automatic and (count is None or index is None or not 0 <= index < count):
        raise ValueError("needs the number of processes, and which of them each is")
    port = coordinator.rpartition(":")[2]
    if not automatic and not (port.isdecimal() and 0 < int(port) < 2**16):
        raise ValueError(f"needs host:port, not {coordinator!r}")

    def give_up():
        who = f"{count} processes" if count else "the other processes"
        print(
            f"error: {who} did not meet at {coordinator} within {seconds:.0f} s",
            file=sys.stderr,
            flush=True,
        )
        os._exit(1)

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    # Which would take SIGTERM from the loop, that saves and stops by itself.
    jax.config.update("jax_enable_preemption_service", False)
    patience = threading.Timer(seconds, give_up)
    patience.daemon = True
    patience.start()
    try:
        jax.distributed.initialize(
            None if automatic else coordinator,
            num_processes=count,
            process_id=index,
            cluster_detection_method=None if automatic else "deactivate",
            initialization_timeout=int(seconds) + 60,
        )
    except ValueError as error:
        raise ValueError(f"no cluster that JAX knows: {error}") from None
    finally:
        patience.cancel()
    ctypes.CDLL(None).signal(signal.SIGABRT, _say_instead_of_aborting)


def several() -> bool:
    """Whether this process is one of several."""
    return jax.distributed.is_initialized() and jax.process_count() > 1


def is_first() -> bool:
    """Whether this process is the one that writes."""
    return not several() or jax.process_index() == 0


def folder(path: str | pathlib.Path) -> pathlib.Path:
    """Returns where this process writes what is meant for a folder."""
    path = pathlib.Path(path)
    if is_first() or path.is_relative_to(_scratch()):
        return path
    name = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]
    return _scratch() / name / path.name


def from_first(tree: Any) -> Any:
    """Returns the numbers of the first process, bit by bit.

    Args:
      tree: numbers and arrays, in each process of the same structure, shapes and
        dtypes.
    """
    if not several():
        return tree
    leaves, structure = jax.tree.flatten(tree)
    arrays = [np.asarray(leaf) for leaf in leaves]
    flat = np.concatenate(
        [a.reshape(-1).view(np.uint8) for a in arrays if a.size] or [np.zeros(0, "u1")]
    )
    with peers():
        flat = multihost_utils.broadcast_one_to_all(flat)
    ends = np.cumsum([a.nbytes for a in arrays])
    parts = np.split(np.asarray(flat, np.uint8), ends[:-1]) if leaves else []
    pairs = zip(leaves, arrays, parts, strict=True)
    return structure.unflatten([_from_bytes(*pair) for pair in pairs])


def caught_by_any(caught: str) -> str:
    """Returns the name of a signal that any process has caught, the same in each."""
    if not several():
        return caught
    number = signal.Signals[caught].value if caught else 0
    number = int(_of_all(np.array(number, np.int32)).max())
    return signal.Signals(number).name if number else ""


def alike(text: str) -> bool:
    """Whether all processes have the same text."""
    if not several():
        return True
    digest = np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint8)
    return bool((_of_all(digest) == digest).all())


def wait() -> None:
    """Waits until all processes are here.

    Raises:
      PeerLost: one of them has ended.
    """
    if several():
        _of_all(np.zeros((), np.int32))


@contextlib.contextmanager
def peers() -> Iterator[None]:
    """Turns the errors that JAX raises when another process is gone into `PeerLost`."""
    try:
        yield
    except (jax.errors.JaxRuntimeError, ValueError) as error:  # it raises either
        reason = (str(error).splitlines() or [""])[0]
        if not several() or not any(sign in reason.lower() for sign in _SIGNS):
            raise
        raise PeerLost(f"{LOST} ({reason})") from None


def leave(code: int) -> None:
    """Ends the part of this process; one of several that failed ends at once.

    For at the end JAX waits for all processes, and these may be waiting for this one;
    but when its connections close, they hear of it.
    """
    if not several():
        return
    _clear()
    if not code:
        jax.distributed.shutdown()
        return
    for file in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            file.flush()
    os._exit(code)


@ctypes.CFUNCTYPE(None, ctypes.c_int)
def _say_instead_of_aborting(_: int) -> None:
    """What libc calls when JAX's threads abort, since they lost the first process.

    A handler that Python installs would wait for Python to come back from JAX.
    """
    os.write(2, f"error: {LOST}\n".encode())
    _clear()
    os._exit(1)


def _of_all(array: np.ndarray) -> np.ndarray:
    """The arrays of all processes, stacked."""
    with peers():
        return multihost_utils.process_allgather(array)


def _from_bytes(leaf: Any, like: np.ndarray, raw: np.ndarray) -> Any:
    array = np.frombuffer(raw.tobytes(), like.dtype).reshape(like.shape)
    return jnp.asarray(array) if isinstance(leaf, jax.Array) else array[()].item()


def _clear() -> None:
    if _scratch.cache_info().currsize:
        shutil.rmtree(_scratch(), ignore_errors=True)


@functools.cache
def _scratch() -> pathlib.Path:
    return pathlib.Path(tempfile.mkdtemp(prefix="seqjax-process-"))
