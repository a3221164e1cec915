"""The one scan: masks, resets, both directions, chunks of time, three gradients.

One step, for a cell with its three functions, is

    before⟨t⟩ = start where resets⟨t⟩, else carry⟨t−1⟩
    v⟨t⟩ = recur(before⟨t⟩)
    carry⟨t⟩, y⟨t⟩ = update(before⟨t⟩, u⟨t⟩, v⟨t⟩), or before⟨t⟩, 0 where masked

with u = project(x) taken over all steps at once. The lean gradient pulls back
through `update` and `recur` alone in its loop, and takes the gradient of every
parameter afterwards, in one pull-back over all steps (E9 of the course: ∂L/∂W is
the sum over t of ∂L/∂W at t, and a sum of products is one larger product).
"""

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from seqjax.masks import select, zero_invalid

if TYPE_CHECKING:
    from seqjax.layer import Cell

Array = jax.Array
Tree = Any
Gradient = Literal["lean", "plain", "remat"]


class Walk(NamedTuple):
    """How a sequence is walked; the same for every layer of a combinator."""

    mask: Array | None  # [T, *batch] bool, True where valid
    borders: Array | None  # [T+1, *batch] bool, True where a new sequence begins:
    # border t lies between step t − 1 and step t, whichever is walked first
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
    cell: "Cell", params: Tree, carry: Tree, start: Tree, xs: Array, walk: Walk
) -> tuple[Tree, Array]:
    """Runs a cell over a sequence; see `Layer.run` for the arguments."""
    static = _Static(cell, walk.dtype, walk.reverse)
    params = cast(params, walk.dtype)
    start = jax.tree.map(lambda s, c: s.astype(jnp.result_type(c)), start, carry)
    walk_chunk: Callable = _plain if walk.gradient == "plain" else _lean

    def run(carry, chunk):
        xs, valid, reset = chunk
        inputs = _Inputs(cell.project(params, xs), valid, reset)
        return walk_chunk(static, params, start, carry, inputs)

    size = walk.chunk
    if walk.gradient == "remat":
        run = jax.checkpoint(run, prevent_cse=False)
        size = size or math.isqrt(max(len(xs) - 1, 0)) + 1
    resets = walk.borders
    if resets is not None:
        resets = resets[1:] if walk.reverse else resets[:-1]
    chunks = (xs, walk.mask, resets)
    if size is None or size >= len(xs):
        return run(carry, chunks)
    return _in_chunks(run, carry, chunks, size, walk.reverse)


def step(cell: "Cell", params: Tree, carry: Tree, x: Array) -> tuple[Tree, Array]:
    """One step of a cell, x [*batch, in], with the dtypes that `unroll` keeps."""
    dtype = compute_dtype(params, x)
    static, params = _Static(cell, dtype, False), cast(params, dtype)
    u = cell.project(params, jnp.asarray(x, dtype))
    return _finish(static, params, carry, u, _recur(static, params, carry), None)


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


def _finish(static: _Static, params, before, u, v, valid) -> tuple[Tree, Array]:
    """The rest of a step once v is known: update, then the mask."""
    after, y = static.cell.update(params, before, u, v)
    after = jax.tree.map(lambda a, b: a.astype(b.dtype), after, before)
    return select(valid, after, before), zero_invalid(valid, y.astype(static.dtype))


def _scan(static: _Static, params, start, carry, inputs: _Inputs, keep: bool):
    """Walks over `inputs`; keeps (before, v) of every step beside y if asked."""

    def body(carry, at: _Inputs):
        before = carry if at.reset is None else select(at.reset, start, carry)
        v = _recur(static, params, before)
        carry, y = _finish(static, params, before, at.u, v, at.valid)
        return carry, (y, (before, v) if keep else ())

    return lax.scan(body, carry, inputs, reverse=static.reverse)


def _plain(static: _Static, params, start, carry, inputs: _Inputs):
    carry, (ys, _) = _scan(static, params, start, carry, inputs, keep=False)
    return carry, ys


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _lean(static: _Static, params, start, carry, inputs: _Inputs):
    return _plain(static, params, start, carry, inputs)


def _lean_forward(static: _Static, params, start, carry, inputs: _Inputs):
    carry, (ys, kept) = _scan(static, params, start, carry, inputs, keep=True)
    return (carry, ys), (params, inputs, kept)


def _lean_backward(static: _Static, residuals, cotangents):
    params, inputs, (befores, vs) = residuals
    d_carry, d_ys = cotangents

    def body(state, at):
        (d_carry, d_start), (at, before, v, dy) = state, at
        _, pull_update = jax.vjp(
            lambda b, u, v: _finish(static, params, b, u, v, at.valid), before, at.u, v
        )
        d_before, du, dv = pull_update((d_carry, dy))
        _, pull_recur = jax.vjp(lambda b: _recur(static, params, b), before)
        d_before = _add(d_before, *pull_recur(dv))
        d_previous = d_before
        if at.reset is not None:
            d_previous = zero_invalid(~at.reset, d_before)
            d_start = _add(d_start, zero_invalid(at.reset, d_before))
        return (d_previous, d_start), (d_carry, du, dv)

    state = (d_carry, jax.tree.map(jnp.zeros_like, d_carry))
    (d_first, d_start), (d_carries, d_us, d_vs) = lax.scan(
        body, state, (inputs, befores, vs, d_ys), reverse=not static.reverse
    )

    def all_steps(params):
        def one(before, u, v, valid):
            after = _finish(static, params, before, u, v, valid)
            return after, _recur(static, params, before)

        return jax.vmap(one)(befores, inputs.u, vs, inputs.valid)

    _, pull_params = jax.vjp(all_steps, params)
    (d_params,) = pull_params(((d_carries, d_ys), d_vs))
    return d_params, d_start, d_first, _Inputs(d_us, None, None)


_lean.defvjp(_lean_forward, _lean_backward)


def _add(a: Tree, b: Tree) -> Tree:
    return jax.tree.map(jnp.add, a, b)


def _in_chunks(run, carry, chunks, size: int, reverse: bool):
    """Scans `run` over chunks of `size` steps; masked steps fill up the last one."""
    xs, mask, resets = chunks
    time = len(xs)
    missing = -time % size
    if missing and mask is None:
        mask = jnp.ones(xs.shape[:-1], bool)

    def split(a):
        a = jnp.pad(a, [(0, missing)] + [(0, 0)] * (a.ndim - 1))
        return a.reshape(-1, size, *a.shape[1:])

    chunks = jax.tree.map(split, (xs, mask, resets))
    carry, ys = lax.scan(run, carry, chunks, reverse=reverse)
    return carry, ys.reshape(-1, *ys.shape[2:])[:time]
