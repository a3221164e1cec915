"""Several devices and several processes, as the flags ask for them."""

import contextlib
import os
import re
import sys
import traceback
from collections.abc import Iterator
from typing import Any

from experiments.shared.errors import UsageError, one_sentence
from seqjax import devices
from seqjax.train import processes

# What says how a run is started, not what it is.
FLAGS = ("coordinator", "processes", "process_id")


@contextlib.contextmanager
def joined(options: Any, text: str) -> Iterator[None]:
    """Makes this process one of several if the flags say so, and ends it as such.

    Only the first then prints to standard output. What fails ends in one sentence here.

    Args:
      options: the values of the flags, `FLAGS` among them where a task trains.
      text: the flags that must be the same in all processes.
    """
    with one_sentence():
        _join(options)
    code = 1
    try:
        with one_sentence():
            if not processes.alike(text):
                raise UsageError("--coordinator: the processes have different flags")
            mesh_size(getattr(options, "mesh", None))
            yield
            processes.wait()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else bool(stop.code)
        raise
    except BaseException:
        if processes.several():
            traceback.print_exc()
        raise
    finally:
        processes.leave(code)


def mesh_size(text: str | None) -> int:
    """The number of devices of --mesh, 0 for none.

    Raises:
      UsageError: there are no such devices.
    """
    if not text:
        return 0
    found = re.fullmatch(r"data:([1-9]\d{0,5})", text)
    if not found:
        raise UsageError(f"--mesh: must look like data:4, not {text!r}")
    try:
        devices.spread_over(int(found[1]))
    except ValueError as error:
        raise UsageError(f"--mesh: {error}") from None
    return int(found[1])


def _join(options: Any) -> None:
    coordinator, count, index = (getattr(options, name, None) for name in FLAGS)
    if coordinator is None:
        if count is not None or index is not None:
            raise UsageError("--coordinator: says where the processes meet")
        return
    try:
        processes.join(coordinator, count, index)
    except ValueError as error:
        raise UsageError(f"--coordinator: {error}") from None
    # Gloo, which is C++, says on the standard output whom it is connected with.
    sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = open(os.devnull, "w")
    os.dup2(nowhere.fileno(), 1)
    if not processes.is_first():
        sys.stdout = nowhere
