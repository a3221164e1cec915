"""Measures the rates that limit a case; prints them as JSON.

    python -m experiments.speed.machine 262144 1048576

with the sizes, in bytes, of the matrices to read.
"""

import functools
import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

CHAIN = 64  # steps in one call, so that the call itself costs nothing


def products(size: int = 2048) -> float:
    """Floating-point operations a second in a product of square matrices."""
    a = jnp.ones((size, size), jnp.float32)
    return 2 * size**3 / _fastest(jax.jit(jnp.dot), a, a, seconds=1.0)


def tanhs(sizes: tuple[int, ...] = (2**16, 2**18, 2**20)) -> float:
    """Numbers a second through tanh, contiguous."""
    chain = jax.jit(functools.partial(_chain, lambda _, x: jnp.tanh(x), None))
    arrays = (jnp.linspace(-2.0, 2.0, size, dtype=jnp.float32) for size in sizes)
    return max(CHAIN * x.size / _fastest(chain, x) for x in arrays)


def read(size: int) -> float:
    """Bytes a second from a matrix of `size` bytes, by the better of two products."""
    side = math.isqrt(size // 4)
    rng = np.random.default_rng(0)
    w = rng.normal(size=(side, side)).astype(np.float32) / np.float32(np.sqrt(side))
    x, y = np.ones(side, np.float32), np.empty(side, np.float32)
    chain = jax.jit(functools.partial(_chain, lambda w, x: x @ w))
    by_jax = _fastest(chain, jnp.asarray(w), jnp.asarray(x)) / CHAIN
    by_numpy = _fastest(functools.partial(np.dot, out=y), w, x)
    return w.nbytes / min(by_jax, by_numpy)


def _chain(step: Callable, w: Any, x: jax.Array) -> jax.Array:
    return jax.lax.fori_loop(0, CHAIN, lambda _, x: step(w, x), x)


def _fastest(f: Callable, *args: Any, seconds: float = 0.15) -> float:
    jax.block_until_ready(f(*args))
    fastest, end = math.inf, time.perf_counter() + seconds
    while time.perf_counter() < end:
        begin = time.perf_counter()
        jax.block_until_ready(f(*args))
        fastest = min(fastest, time.perf_counter() - begin)
    return fastest


def measure(sizes: list[int]) -> dict[str, Any]:
    """All rates, with the fields of `limit.Machine`."""
    return {
        "backend": jax.default_backend(),
        "products": products(),
        "tanhs": tanhs(),
        "reads": {size: read(size) for size in sizes},
    }


if __name__ == "__main__":
    print(json.dumps(measure([int(size) for size in sys.argv[1:]])))
