"""What truncation loses: the gradient through k2 steps against the full one.

It is sometimes said that truncation leaves weights without an update. It does not: the
weights are shared by all steps, and every one gets a gradient from the steps that are
reached. Missing are the terms of the sum E9 that lie further back than k2, so that the
gradient is biased towards what is near (Tallec and Ollivier, 2017; Aicher, Foti and
Fox, 2019, bound the bias). In a GRU of 128 units that had learned to write the Bible
letter by letter, w_h got 0.61 of its full gradient's norm through one step alone, at a
cosine of 0.61 to it, and a cosine of 0.99 through nine.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from seqjax.layer import Array, Carry

Step = Callable[[Any, Carry, Any], tuple[Carry, Array]]


class Similarity(NamedTuple):
    """Gradients beside the full one, for K truncations; NaN where that one is zero."""

    cosine: Array  # [K], of the angle between them; NaN where one of both is zero
    norm_ratio: Array  # [K], ‖truncated‖ / ‖full‖


class Truncation(NamedTuple):
    """What `truncation` returns."""

    steps: Array  # [K] integers: k2
    whole: Similarity  # of all parameters as one vector
    leaves: Any  # a tree like the parameters, whose leaves are Similarity


def truncation(
    step: Step,
    params: Any,
    carry: Carry,
    inputs: Any,
    *,
    every: int = 1,
    most: int | None = None,
) -> Truncation:
    """Compares the gradients of BPTT(k2; k1) with the full one, for every k2 at once.

    The loss is the sum of all rows' and steps' losses. Its gradient by BPTT(k2; k1) is
    the sum over windows of the gradient of their newest k1 steps' losses through their
    last k2 steps, as `seqjax.train.truncated_loss` takes it, but with the same weights
    in all of them. All windows are followed back side by side, a step at a time, and k2
    grows by one with each; so all k2 up to K take K steps with T / k1 times the rows,
    and memory as that and as one full gradient, whatever K is.

    It may be jitted with `step`, `every` and `most` static.

    Args:
      step: from (params, carry, input) to (carry, losses [rows]); rows are computed
        independently of each other.
      params: what the gradients are taken by.
      carry: before the first step, a constant, leaves [B, ...].
      inputs: leaves [T, B, ...]; T is a multiple of `every`.
      every: k1.
      most: the largest k2; T if None.

    Returns:
      The comparison for k2 = k1, k1 + 1, …, `most`. At k2 = T the two are one.

    Raises:
      ValueError: T is no multiple of `every`, or `most` is not from `every` to T.
    """
    time = jax.tree.leaves(inputs)[0].shape[0]
    longest = time if most is None else most
    if time % every or not every <= longest <= time:
        raise ValueError(
            f"windows of {every} to {longest} steps do not fit {time} steps"
        )
    full, carries = _gradient(step, params, carry, inputs, time)
    like_full = _similarity_to(full)
    gradient, upstream = _newest(step, params, carries, inputs, every)
    starts = jnp.arange(0, time, every)

    def extend(state, further):
        gradient, upstream = state
        places = starts - 1 - further
        there = (places >= 0)[:, None]
        before, xs = jax.tree.map(
            lambda a: a[jnp.maximum(places, 0)], (carries, inputs)
        )
        more, upstream = _back(step, params, before, xs, there, upstream)
        gradient = jax.tree.map(jnp.add, gradient, more)
        return (gradient, upstream), like_full(gradient)

    first = like_full(gradient)
    further = jnp.arange(longest - every)
    _, rest = lax.scan(extend, (gradient, upstream), further)
    whole, leaves = jax.tree.map(
        lambda a, more: jnp.concatenate([a[None], more]), first, rest
    )
    return Truncation(jnp.arange(every, longest + 1), whole, leaves)


def truncation_in_pieces(
    step: Step, params: Any, carry: Carry, inputs: Any, lengths: Any
) -> Truncation:
    """Compares the gradients of pieces, one after the other, with the full one.

    These are those of k1 = k2, by which a text in pieces is mostly learned: the losses
    of a piece reach back to its beginning, and so 1 to k2 steps. One program serves all
    lengths, and memory is that of one full gradient.

    Args:
      step: as for `truncation`, as are the other arguments.
      params: see there.
      carry: see there.
      inputs: leaves [T, B, ...].
      lengths: k1 = k2, integers [K]; the last piece may be shorter.
    """
    lengths = jnp.asarray(lengths)
    time = jax.tree.leaves(inputs)[0].shape[0]
    like_full = _similarity_to(_gradient(step, params, carry, inputs, time)[0])
    whole, leaves = lax.map(
        lambda n: like_full(_gradient(step, params, carry, inputs, n)[0]), lengths
    )
    return Truncation(lengths, whole, leaves)


def steps_needed(steps: Any, cosine: Any, least: float = 0.99) -> int | None:
    """Returns the first of `steps` from which on the cosine stays high, or None.

    Args:
      steps: k2, in rising order, [K].
      cosine: of the gradients through so many steps, [K].
      least: what counts as high.
    """
    low = np.flatnonzero(~(np.asarray(cosine) >= least))
    first = low[-1] + 1 if len(low) else 0
    return int(steps[first]) if first < len(steps) else None


def _gradient(
    step: Step, params: Any, carry: Carry, inputs: Any, length: Array | int
) -> tuple[Any, Carry]:
    """Returns the gradient in pieces of a length; and each carry, [T, B, ...]."""
    places = jnp.arange(jax.tree.leaves(inputs)[0].shape[0])

    def total(params):
        def body(carry, at):
            begins = at[0] % length == 0
            held = jax.tree.map(
                lambda a: jnp.where(begins, lax.stop_gradient(a), a), carry
            )
            after, losses = step(params, held, at[1])
            return after, (carry, jnp.sum(losses))

        _, (carries, losses) = lax.scan(body, carry, (places, inputs))
        return jnp.sum(losses), carries

    return jax.grad(total, has_aux=True)(params)


def _newest(
    step: Step, params: Any, carries: Carry, inputs: Any, every: int
) -> tuple[Any, Carry]:
    """Returns the gradient at k2 = k1, and that by each window's carry, [N, B, ...]."""
    begin = jax.tree.map(lambda a: a[::every], carries)
    windows = jax.tree.map(
        lambda a: a.reshape(-1, every, *a.shape[1:]).swapaxes(0, 1), inputs
    )

    def total(params, begin):
        def body(carry, x):
            return step(params, carry, x)

        flat = jax.tree.map(_flat, begin)
        xs = jax.tree.map(lambda a: a.reshape(every, -1, *a.shape[3:]), windows)
        return jnp.sum(lax.scan(body, flat, xs)[1])

    return jax.grad(total, (0, 1))(params, begin)


def _back(step, params, carries, inputs, there, upstream) -> tuple[Any, Carry]:
    """Goes one step back in every window [N, B, ...] that has one."""
    carry, x, upstream = jax.tree.map(_flat, (carries, inputs, upstream))
    rows = jnp.broadcast_to(there, jax.tree.leaves(carries)[0].shape[:2]).reshape(-1)

    def masked(leaf):
        return jnp.where(rows.reshape(-1, *[1] * (leaf.ndim - 1)), leaf, 0)

    _, pull = jax.vjp(lambda p, c: step(p, c, x)[0], params, carry)
    more, before = pull(jax.tree.map(masked, upstream))
    return more, jax.tree.map(lambda a, like: a.reshape(like.shape), before, carries)


def _flat(a: Array) -> Array:
    return a.reshape(-1, *a.shape[2:])


def _similarity_to(full: Any) -> Callable[[Any], tuple[Similarity, Any]]:
    """Returns a function that compares a gradient with the full one."""
    leaves, structure = jax.tree.flatten(full)
    largest = jnp.max(jnp.stack([jnp.max(jnp.abs(leaf)) for leaf in leaves]))
    scale = jnp.where(largest > 0, largest, 1)  # squares alone could overflow
    full_squares = jnp.stack([jnp.sum((leaf / scale) ** 2) for leaf in leaves])

    def compare(dots, squares, full_squares):
        norm, full_norm = jnp.sqrt(squares), jnp.sqrt(full_squares)
        ratio = jnp.where(full_norm > 0, norm / full_norm, jnp.nan)
        return Similarity(dots / (norm * full_norm), ratio)

    def like_full(gradient):
        scaled = [leaf / scale for leaf in jax.tree.leaves(gradient)]
        squares = jnp.stack([jnp.sum(leaf**2) for leaf in scaled])
        pairs = zip(scaled, leaves, strict=True)
        dots = jnp.stack([jnp.sum(a * (b / scale)) for a, b in pairs])
        whole = compare(dots.sum(), squares.sum(), full_squares.sum())
        each = compare(dots, squares, full_squares)
        rows = [Similarity(*(a[i] for a in each)) for i in range(len(leaves))]
        return whole, structure.unflatten(rows)

    return like_full
