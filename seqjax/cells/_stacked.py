"""The course's stacked form, E5: W_a = [W_aa, W_ax], applied to [a⟨t−1⟩; x⟨t⟩]."""

from typing import Any

import jax
import jax.numpy as jnp

Array = jax.Array


def to_stacked(params: Any) -> Array:
    """Stacks a cell's two kernels as the course writes them.

    Args:
      params: of a cell with two fused kernels, `w_x` [in, G·H] and `w_h` [H, G·H].

    Returns:
      W_a [G·H, H + in], the gates in the order of the kernels' columns: for an
      Elman cell of 100 units on 10 000 words, (100, 10 100).

    Raises:
      ValueError: the parameters have no such kernels.
    """
    kernels = [getattr(params, name, None) for name in ("w_x", "w_h")]
    if not all(kernel is not None and kernel.ndim == 2 for kernel in kernels):
        raise ValueError(
            f"the stacked form needs the kernels w_x [in, G·H] and w_h [H, G·H], "
            f"which {type(params).__name__} lacks"
        )
    return jnp.concatenate([params.w_h, params.w_x]).T


def from_stacked(params: Any, w_a: Array) -> Any:
    """Puts a stacked matrix back into a cell's parameters.

    Args:
      params: gives the widths, and every parameter but the two kernels.
      w_a: [G·H, H + in].

    Returns:
      `params` with `w_h` and `w_x` taken from `w_a`.

    Raises:
      ValueError: the shapes do not fit, or the parameters have no such kernels.
    """
    if w_a.shape != to_stacked(params).shape:
        raise ValueError(
            f"W_a must be {to_stacked(params).shape} for these parameters, "
            f"got {w_a.shape}"
        )
    w_h, w_x = jnp.split(w_a.T, [len(params.w_h)])
    return params._replace(w_h=w_h, w_x=w_x)
