"""The one scan: masks, resets, both directions, chunks of time, three gradients.

`recurrence` has the equations of a step and the scan forward; `lean` the scan back.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from seqjax import linear, loops, recurrence
from seqjax.lean import lean
from seqjax.linear import LinearRecurrence, Way
from seqjax.masks import zero_invalid
from seqjax.noise import Keys
from seqjax.recurrence import Recurrence, Static, Steps, Watch, cast
from seqjax.reverse_mode import reverse_mode_only

Array = jax.Array
Tree = Any
Gradient = Literal["lean", "plain", "remat"]

# The projected inputs of a chunk on a CPU: few enough bytes to stay in its cache, and
# enough rows for the weights' gradients to be worth adding up.
CHUNK_BYTES, CHUNK_ROWS = 2**21, 2**10


class ScanOptions(NamedTuple):
    """How a sequence is scanned; the same for every layer of a combinator."""

    mask: Array | None  # [T, *batch] bool, True where valid
    segment_starts: Array | None  # [T+1, *batch] bool, True where a segment begins:
    # place t lies between step t − 1 and step t, whichever is taken first
    reverse: bool
    gradient: Gradient
    chunk: int | None
    dtype: Any  # of the computation: parameters, inputs and outputs
    watch: Watch | None = None  # sees every state and gate
    keys: Keys | None = None  # of the noise; None draws none
    way: Way | None = None  # of linear cells through time; None chooses

    def within(self, place: int) -> "ScanOptions":
        """Returns the options of one of several layers, which draw apart."""
        keys = None if self.keys is None else self.keys.within(place)
        return self._replace(keys=keys)


def unroll(
    cell: Recurrence,
    params: Tree,
    carry: Tree,
    initial: Tree,
    xs: Array,
    options: ScanOptions,
) -> tuple[Tree, Array]:
    """Runs a cell over a sequence; see `Layer.run` for the arguments."""
    static = Static(cell, options.dtype, options.reverse)
    if options.gradient != "plain":
        inputs = reverse_mode_only((params, carry, initial, xs))
        params, carry, initial, xs = inputs
    params = cast(params, options.dtype)
    initial = jax.tree.map(lambda s, c: s.astype(jnp.result_type(c)), initial, carry)
    keys = None
    if options.keys is not None and cell.noisy:
        params = cell.noisy_params(params, options.keys.sequence, xs.shape[1:-1])
        keys = options.keys.of_each_step(xs.shape[0])
    if options.watch is not None:
        u = _project(cell, params, xs, keys)
        return _watched(options.watch, static, params, initial, carry, u, options)
    time = xs.shape[0]  # symbolic where a sequence of any length is exported
    scan = _scan_of(cell, options, time)

    def run(carry, chunk):
        xs, valid, reset, keys = chunk
        weights = (
            params if options.gradient == "plain" else loops.gradients_apart(params)
        )
        steps = Steps(_project(cell, weights, xs, keys), valid, reset)
        return scan(static, weights, initial, carry, steps)

    size = _chunk_size(cell, params, xs, options)
    # A linear cell's steps are taken again for less than it costs to keep them.
    again = isinstance(cell, LinearRecurrence) and size is not time and size < time
    if options.gradient == "remat" or (options.gradient == "lean" and again):
        run = jax.checkpoint(run, prevent_cse=False)
    inputs = xs, options.mask, _resets(options), keys
    return loops.in_chunks(run, carry, inputs, size, reverse=options.reverse)


def _project(cell: Recurrence, params: Tree, xs: Array, keys: Array | None) -> Tree:
    """Returns u of every step, with its noise where there are keys."""
    if keys is None:
        return cell.project(params, xs)
    return jax.vmap(cell.noisy_project, in_axes=(None, 0, 0))(params, xs, keys)


def _scan_of(cell: Recurrence, options: ScanOptions, time: Any) -> Callable:
    """Returns the scan over the steps of a chunk."""
    some = not isinstance(time, int) or time > 0  # a symbol stands for 1 or more
    if options.way == "newton" and some:
        return lambda static, *inputs: lean(static._replace(newton=True), *inputs)
    if some and isinstance(cell, LinearRecurrence):
        plain = options.gradient == "plain"
        sized = isinstance(time, int)  # which the rounds need, but not the steps
        way = options.way or ("steps" if plain or not sized else linear.best_way())
        if not plain or way == "associative":
            return functools.partial(linear.scan, way=way, plain=plain)
    plain = options.gradient == "plain" or cell.heavy_update
    return _plain if plain else lean


def _plain(static: Static, params, initial, carry, steps: Steps):
    return recurrence.scan(static, params, initial, carry, steps)[:2]


def _watched(
    watch: Watch,
    static: Static,
    params,
    initial,
    carry,
    u: Tree,
    options: ScanOptions,
):
    """Scans in one piece by autodiff, and shows every state and gate to the watch."""

    def gates(params, before, u, v, after):
        del after
        return static.cell.gates(params, before, u, v)

    nudge = watch.nudge(static.cell, carry, len(jax.tree.leaves(u)[0]))
    steps = Steps(u, options.mask, _resets(options), nudge)
    last, ys, seen = recurrence.scan(static, params, initial, carry, steps, gates)
    watch.see(static.cell, *zero_invalid(options.mask, seen))
    return last, ys


def _resets(options: ScanOptions) -> Array | None:
    """Marks the steps before which, in the order of the scan, a segment starts."""
    starts = options.segment_starts
    if starts is None:
        return None
    return starts[1:] if options.reverse else starts[:-1]


def step(cell: Recurrence, params: Tree, carry: Tree, x: Array) -> tuple[Tree, Array]:
    """Takes one step of a cell, x [*batch, in], with the dtypes that `unroll` keeps."""
    dtype = compute_dtype(params, x)
    static, params = Static(cell, dtype, False), cast(params, dtype)
    u = cell.project(params, jnp.asarray(x, dtype))
    after, y, _ = recurrence.step(static, params, carry, Steps(u, None, None))
    return after, y.astype(dtype)


def compute_dtype(params: Tree, xs: Array) -> Any:
    """Returns the dtype that parameters and inputs promote to, at least a float."""
    floats = [
        leaf.dtype
        for leaf in jax.tree.leaves(params)
        if jnp.issubdtype(leaf.dtype, jnp.inexact)
    ]
    dtype = jnp.result_type(*floats, xs)
    return dtype if jnp.issubdtype(dtype, jnp.inexact) else jnp.result_type(float)


def _chunk_size(cell: Recurrence, params: Tree, xs: Array, options: ScanOptions) -> Any:
    """Returns how many steps to take at a time; all where their number is symbolic.

    A chunk of √T steps makes "remat" keep √T carries and √T steps of one chunk: the
    least together. On a CPU the lean gradient is faster if a chunk stays in its cache.
    """
    gradient = options.gradient
    if not isinstance(xs.shape[0], int):
        return xs.shape[0]
    if options.chunk:
        return options.chunk
    time = max(len(xs), 1)
    if gradient == "remat":
        return loops.divisor(time, math.isqrt(time - 1) + 1)
    sized = all(isinstance(n, int) for n in xs.shape)
    if gradient == "plain" or jax.default_backend() != "cpu" or not sized:
        return time
    u = jax.eval_shape(cell.project, params, xs[:1])
    step_bytes = sum(a.size * a.dtype.itemsize for a in jax.tree.leaves(u))
    step_rows = max(math.prod(xs.shape[1:-1]), 1)
    size = max(CHUNK_BYTES // max(step_bytes, 1), CHUNK_ROWS // step_rows, 1)
    return time if time < 4 * size else loops.divisor(time, size)
