"""The one scan: masks, resets, both directions, chunks of time, three gradients.

One step, for a cell with its three functions, is

    before⟨t⟩ = initial where resets⟨t⟩, else carry⟨t−1⟩
    v⟨t⟩ = recur(before⟨t⟩)
    carry⟨t⟩, y⟨t⟩ = update(before⟨t⟩, u⟨t⟩, v⟨t⟩), or before⟨t⟩, 0 where masked

with u = project(x) taken over all steps of a chunk at once. The lean gradient only
walks: its loop pulls back through `update` and `recur` with the parameters as
constants, and the gradient of every parameter is taken afterwards, over all steps at
once (E9 of the course: ∂L/∂W is the sum over t of ∂L/∂W at t, and a sum of products
is one larger product).
"""

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from seqjax import loops
from seqjax.masks import select, zero_invalid

if TYPE_CHECKING:
    from seqjax.layer import Cell

Array = jax.Array
Tree = Any
Gradient = Literal["lean", "plain", "remat"]

# Of projected inputs at a time on a CPU: few enough bytes to stay in its cache, and
# enough rows for the weights' gradients to be worth adding up.
CHUNK_BYTES, CHUNK_ROWS = 2**21, 2**10


class ScanOptions(NamedTuple):
    """How a sequence is walked; the same for every layer of a combinator."""

    mask: Array | None  # [T, *batch] bool, True where valid
    segment_starts: Array | None  # [T+1, *batch] bool, True where a segment begins:
    # place t lies between step t − 1 and step t, whichever is walked first
    reverse: bool
    gradient: Gradient
    chunk: int | None
    dtype: Any  # of the computation: parameters, inputs and outputs


class _Static(NamedTuple):
    """What is not an array in a scan: hashable, so that traces are shared."""

    cell: "Cell"
    dtype: Any
    reverse: bool


class _Inputs(NamedTuple):
    """What changes from step to step; every leaf [T, *batch, ...]."""

    u: Tree
    valid: Array | None
    reset: Array | None


def unroll(
    cell: "Cell",
    params: Tree,
    carry: Tree,
    initial: Tree,
    xs: Array,
    options: ScanOptions,
) -> tuple[Tree, Array]:
    """Runs a cell over a sequence; see `Layer.run` for the arguments."""
    static = _Static(cell, options.dtype, options.reverse)
    params = cast(params, options.dtype)
    initial = jax.tree.map(lambda s, c: s.astype(jnp.result_type(c)), initial, carry)
    walk_chunk: Callable = _plain if options.gradient == "plain" else _lean

    def run(carry, chunk):
        xs, valid, reset = chunk
        inputs = _Inputs(cell.project(params, xs), valid, reset)
        return walk_chunk(static, params, initial, carry, inputs)

    size = options.chunk or _chunk_size(cell, params, xs, options.gradient)
    if options.gradient == "remat":
        run = jax.checkpoint(run, prevent_cse=False)
    resets = options.segment_starts
    if resets is not None:
        resets = resets[1:] if options.reverse else resets[:-1]
    inputs = xs, options.mask, resets
    return loops.in_chunks(run, carry, inputs, size, reverse=options.reverse)


def step(cell: "Cell", params: Tree, carry: Tree, x: Array) -> tuple[Tree, Array]:
    """One step of a cell, x [*batch, in], with the dtypes that `unroll` keeps."""
    dtype = compute_dtype(params, x)
    static, params = _Static(cell, dtype, False), cast(params, dtype)
    u = cell.project(params, jnp.asarray(x, dtype))
    after, y, _ = _step(static, params, carry, u, None, keep=False)
    return after, y.astype(dtype)


def compute_dtype(params: Tree, xs: Array) -> Any:
    """The dtype that parameters and inputs promote to, floating point at least."""
    floats = [
        leaf.dtype
        for leaf in jax.tree.leaves(params)
        if jnp.issubdtype(leaf.dtype, jnp.inexact)
    ]
    dtype = jnp.result_type(*floats, xs)
    return dtype if jnp.issubdtype(dtype, jnp.inexact) else jnp.result_type(float)


def cast(tree: Tree, dtype: Any) -> Tree:
    """Casts the floating-point leaves of a tree."""
    return jax.tree.map(
        lambda a: a.astype(dtype) if jnp.issubdtype(a.dtype, jnp.inexact) else a, tree
    )


def _recur(static: _Static, params: Tree, carry: Tree) -> Tree:
    return static.cell.recur(params, cast(carry, static.dtype))


def _step(static: _Static, params, before, u, valid, keep: bool):
    """The carry after a step, its output (not masked yet), and its residuals."""
    cell, v = static.cell, _recur(static, params, before)
    updated, y = cell.update(params, before, u, v)
    after = select(valid, _like(updated, before), before)
    # as a part of the carry where it is one, so that it is stacked once
    pairs = zip(jax.tree.leaves(updated), jax.tree.leaves(after), strict=True)
    y = next((kept for new, kept in pairs if new is y), y)
    residuals = cell.residuals(params, before, u, v, after) if keep else ()
    return after, y, residuals


def _scan(static: _Static, params, initial, carry, inputs: _Inputs, keep: bool):
    """Walks over `inputs`; keeps the carries and residuals of every step if asked."""

    def body(params, carry, at: _Inputs):
        before = carry if at.reset is None else select(at.reset, initial, carry)
        after, y, residuals = _step(static, params, before, at.u, at.valid, keep)
        return after, (y, (after, residuals) if keep else ())

    carry, (ys, kept) = loops.scan(body, params, carry, inputs, reverse=static.reverse)
    return carry, zero_invalid(inputs.valid, ys.astype(static.dtype)), kept


def _plain(static: _Static, params, initial, carry, inputs: _Inputs):
    return _scan(static, params, initial, carry, inputs, keep=False)[:2]


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _lean(static: _Static, params, initial, carry, inputs: _Inputs):
    return _plain(static, params, initial, carry, inputs)


def _lean_forward(static: _Static, params, initial, carry, inputs: _Inputs):
    last, ys, kept = _scan(static, params, initial, carry, inputs, keep=True)
    dtypes = jax.tree.map(lambda a: a[:0], inputs.u)
    flags = inputs._replace(u=())
    return (last, ys), (params, initial, carry, dtypes, flags, kept)


def _lean_backward(static: _Static, saved, cotangents):
    params, initial, first, u_dtypes, flags, (afters, residuals) = saved
    d_last, d_ys = cotangents
    cell, d_ys = static.cell, zero_invalid(flags.valid, d_ys)
    befores = _befores(initial, first, afters, flags.reset, static.reverse)

    def body(params, state, at):
        (d_after, d_initial), (flags, before, residual, d_y) = state, at
        d_updated = zero_invalid(flags.valid, d_after)
        d_params, d_before, d_u, d_v = cell.pull_back(
            params, before, residual, d_updated, d_y
        )
        v, pull_recur = jax.vjp(lambda b: _recur(static, params, b), before)
        d_v = _like(d_v, v)
        d_before = _like(_add(d_before, *pull_recur(d_v)), before)
        d_before = select(flags.valid, d_before, d_after)
        if flags.reset is not None:
            d_initial = _add(d_initial, zero_invalid(flags.reset, d_before))
            d_before = zero_invalid(~flags.reset, d_before)
        kept = (_like(d_u, u_dtypes), d_v, None if d_params is None else d_updated)
        return (d_before, d_initial), kept

    state = (d_last, jax.tree.map(jnp.zeros_like, d_last))
    steps = (flags, befores, residuals, d_ys)
    (d_first, d_initial), (d_us, d_vs, d_afters) = loops.scan(
        body,
        params,
        state,
        steps,
        reverse=not static.reverse,
        transposed=math.prod(d_ys.shape[1:-1]) > 1,  # a single row is read as it is
    )
    _, pull_params = jax.vjp(lambda p: _recur(static, p, befores), params)
    (d_params,) = pull_params(d_vs)
    if d_afters is not None:
        direct = cell.pull_back(params, befores, residuals, d_afters, d_ys)[0]
        d_params = _add(d_params, direct)
    return d_params, d_initial, d_first, _Inputs(d_us, None, None)


_lean.defvjp(_lean_forward, _lean_backward)


def _befores(initial: Tree, first: Tree, afters: Tree, reset, reverse: bool) -> Tree:
    """The carry before each step, from those after each."""

    def shift(first, afters):
        if reverse:
            return jnp.concatenate([afters, first[None]])[1:]
        return jnp.concatenate([first[None], afters])[:-1]

    befores = jax.tree.map(shift, first, afters)
    return befores if reset is None else select(~reset, befores, initial)


def _add(a: Tree, b: Tree) -> Tree:
    return jax.tree.map(jnp.add, a, b)


def _like(tree: Tree, other: Tree) -> Tree:
    """A tree in the dtypes of another."""
    return jax.tree.map(lambda a, b: a.astype(b.dtype), tree, other)


def _chunk_size(cell: "Cell", params: Tree, xs: Array, gradient: Gradient) -> int:
    """How many steps to take at a time, unless told."""
    time = max(len(xs), 1)
    if gradient == "remat":
        return loops.divisor(time, math.isqrt(time - 1) + 1)
    if gradient == "plain" or jax.default_backend() != "cpu":
        return time
    u = jax.eval_shape(cell.project, params, xs[:1])
    step_bytes = sum(a.size * a.dtype.itemsize for a in jax.tree.leaves(u))
    step_rows = max(math.prod(xs.shape[1:-1]), 1)
    size = max(CHUNK_BYTES // max(step_bytes, 1), CHUNK_ROWS // step_rows, 1)
    return time if time < 4 * size else loops.divisor(time, size)
