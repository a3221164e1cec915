"""Truncated back-propagation through time with k1 ≠ k2.

Every k1 steps, back-propagate through k2: BPTT(k2; k1) of Williams and Peng (1990), and
Sutskever (2013, section 2.8.6). With k1 = k2 = T the windows are the pieces of a text,
one after the other, and losses reach 1 to T steps back, those of a piece's first steps
the least. With k1 < k2 windows overlap, and every loss reaches k2 − k1 + 1 or more.
"""

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from seqjax.layer import Array, Carry
from seqjax.masks import select
from seqjax.metrics import Mean

Read = Callable[[Any, Carry, Any, dict[str, Array]], Any]  # -> (Carry, Mean)


def truncated_loss(read: Read, initial_carry: Carry, every: int) -> Callable[..., Any]:
    """Makes the `loss` of a `Task` from a function that reads a piece of a sequence.

    The update n = 0, 1, … gets the window of the steps s … (n+1) k1 − 1, where
    s = (n+1) k1 − k2, and computes, with the weights of now,

        L(θ) = Σ ℓ⟨t⟩ over its newest k1 steps,
        ∂L/∂θ through all its steps, the carry before s being a constant.

    So a step's loss is counted in one update, and the step read in about k2 / k1. The
    carry goes on by k1 steps in each update: that before s was computed by the update
    before, the last to read what stands before s, with its weights. Steps before the
    beginning are masked, so that the first windows reach back to it and no further.

    The key of an update is that of one window. All of it has one draw of what holds for
    a whole sequence (the rng "weights"), so that L is the loss of one network, and each
    step a draw of its own. A step that is read again in a later window has new noise: a
    gradient is to be right in the mean over noise, the carry that a window begins with
    is a constant whatever the noise it was made with, and the key stays a function of
    the update alone, so that a resumed run is an unbroken one.

    Args:
      read: from (params, carry, piece, rngs) to the carry after the piece and its loss,
        whose total is summed over steps and whose weight is the number of rows. A True
        in `piece.mask` is a step that is there.
      initial_carry: the carry before the first step of a sequence.
      every: k1. The length of the windows is k2.

    Returns:
      A function of (params, window, key, carry), as `Task.loss` is. The window is a
      NamedTuple as `Streams` gives: `begins` [], `mask` None or [B, k2], and other
      leaves [B, k2, ...].

    Raises:
      ValueError: when called with windows shorter than k1, whose first losses would
        never be counted.
    """

    def loss(params, window, key, carry):
        carry = after = select(~window.begins, carry, initial_carry)
        parts, total, rows = split_window(window, every), 0.0, 0.0
        for i, (end, newest, part) in enumerate(parts):
            own = jax.random.fold_in(key, i) if len(parts) > 1 else key
            rngs = {"dropout": own, "weights": key}
            carry, mean = read(params, carry, part, rngs)
            after = carry if end == every else after
            if newest:
                total, rows = total + mean.total, mean.weight
        batch = jax.tree.leaves(parts[0][2])[0].shape[0]
        return Mean(total, rows), jnp.array(batch * every), lax.stop_gradient(after)

    return loss


def split_window(window: Any, every: int) -> list[tuple[int, bool, Any]]:
    """Cuts a window where its losses begin to count, and where the next one begins.

    Returns:
      For each part: where it ends, whether it is of the newest k1 steps, and the part,
      which has no mask if so, for these are always there.
    """
    steps = window._replace(begins=None)
    length = jax.tree.leaves(steps)[0].shape[1]
    if length < every:
        raise ValueError(
            f"windows of {length} steps every {every} would leave losses out"
        )
    cuts = sorted({0, every, length - every, length})
    parts = []
    for start, end in itertools.pairwise(cuts):
        part = jax.tree.map(lambda a, s=start, e=end: a[:, s:e], steps)
        newest = start >= length - every
        parts.append((end, newest, part._replace(mask=None) if newest else part))
    return parts
