"""The most memory that a piece of work held, as Linux counts it; None elsewhere."""

import ctypes
import gc
import pathlib
import re

PROCESS = pathlib.Path("/proc/self")


def settle() -> int | None:
    """Hands back what is free and forgets the peak; the bytes that are left."""
    try:
        _trim()
        (PROCESS / "clear_refs").write_text("5")  # VmHWM begins anew
    except OSError:
        return None
    return _read("VmRSS")


def peak() -> int | None:
    """The most bytes held since `settle`."""
    return _read("VmHWM") if PROCESS.exists() else None


def _trim() -> None:
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
    if trim:
        trim(0)


def _read(field: str) -> int | None:
    found = re.search(rf"{field}:\s+(\d+) kB", (PROCESS / "status").read_text())
    return int(found[1]) * 1024 if found else None
