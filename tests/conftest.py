"""All tests: gradients in float64, a CPU of two devices, quick compilation."""

import contextlib
import gc
import importlib.metadata
import os
import pathlib

ROOT = pathlib.Path(__file__).parent.parent

# Most programs here run for milliseconds: compiled like this they are ready four times
# as soon, and what one process has compiled, no other compiles again.
XLA = ["--xla_backend_optimization_level=0", "--xla_cpu_parallel_codegen_split_count=1"]
if importlib.metadata.version("jax") < "0.12":  # later ones end a process that asks
    XLA += ["--xla_cpu_use_fusion_emitters=false"]
os.environ |= {
    "XLA_FLAGS": " ".join(XLA),
    "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".pytest_cache" / "jax"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PLATFORMS": "cpu",
    # One process a core: threads of a matrix product would only wait for each other.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

# Tracing makes many objects, hardly any of them garbage.
gc.set_threshold(200_000, 20, 100)

import jax  # noqa: E402
import pytest  # noqa: E402

with contextlib.suppress(ImportError):
    from _pytest.nodeid import coerce_node_id
from processes import heed_signals  # noqa: E402
from trained import trained  # noqa: E402

heed_signals()

__all__ = ["trained"]

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_num_cpu_devices", 2)


def pytest_configure(config):
    group = "xdist_group(name): tests that share programs, for one process"
    config.addinivalue_line("markers", group)
    config.option.loadscopereorder = False  # pytest_collection_modifyitems orders


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """One process runs a file, what its tests compile being of use to each other.

    The laws, in many small groups, come last, so that no process ends long before.
    """
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
        # pytest-xdist 3.8 writes it to `_nodeid`, which pytest 9.2 does not read.
        if getattr(config.option, "loadgroup", False) and hasattr(item, "_id"):
            (group,) = item.get_closest_marker("xdist_group").args
            item._id = coerce_node_id(f"{item.nodeid}@{group}")
    items.sort(key=lambda item: item.path.name == "test_laws.py")


MAPS = pathlib.Path("/proc/self/maps")
MOST = 25_000  # regions of memory; Linux gives a process 65,530, and then it crashes


def pytest_runtest_teardown(item, nextitem):
    """Forgets compiled programs, each of which takes several regions of memory."""
    del nextitem
    if hash(item.nodeid) % 20 == 0 and MAPS.exists():
        if MAPS.read_bytes().count(b"\n") > MOST:
            jax.clear_caches()
            gc.collect()
