"""Whole sequences and their loss by hand: back-propagation through time. E9."""

from typing import Any

import numpy as np

from experiments.step_by_step.by_hand import (
    Array,
    Carry,
    Cell,
    Params,
    Readout,
    Variables,
    σ,
)


def sequence_forward(
    cell: Cell, params: Params, carry: Carry, xs: Array, mask: Array
) -> tuple[Carry, Array, list[Any]]:
    """Steps from the first x to the last; a masked step keeps the carry, outputs zero.

    Args:
      cell: one of `CELLS`.
      params: of the cell.
      carry: the state before the first step.
      xs: [T, B, in]; nothing that stands under the mask has any effect.
      mask: [T, B] bool, True where valid.

    Returns:
      The last carry, the outputs [T, B, H], and what each backward step needs.
    """
    ys, keeps = [], []
    for x, valid in zip(xs, mask[..., None], strict=True):
        after, kept = cell.forward(params, carry, np.where(valid, x, 0))
        carry = choose(valid, after, carry)
        ys.append(np.where(valid, after[0], 0))
        keeps.append(kept)
    return carry, np.stack(ys), keeps


def sequence_backward(
    cell: Cell,
    params: Params,
    keeps: list[Any],
    mask: Array,
    d_carry: Carry,
    d_ys: Array,
) -> tuple[Params, Carry, Array]:
    """Back-propagation through time: ∂L/∂W = Σ_t ∂L/∂W at time t. E9.

    y⟨t⟩ = h⟨t⟩ is used twice, as the output and in the step after, so dh⟨t⟩ is the sum
    of both. Past a masked step the gradient of the carry goes as it is: nothing was
    computed there.

    Args:
      cell: one of `CELLS`.
      params: of the cell.
      keeps: from `sequence_forward`.
      mask: [T, B] bool, True where valid.
      d_carry: gradient of the last carry.
      d_ys: gradients of the outputs [T, B, H].

    Returns:
      Gradients of the parameters, of the first carry, and of xs [T, B, in].
    """
    d_params = Params(*(np.zeros_like(w) for w in params))
    d_xs = []
    for t in reversed(range(len(keeps))):
        valid = mask[t][:, None]
        dh, *rest = d_carry
        d_after = tuple(np.where(valid, d, 0) for d in (dh + d_ys[t], *rest))
        at_t, d_before, dx = cell.backward(params, keeps[t], d_after)
        d_params = Params(*(total + d for total, d in zip(d_params, at_t, strict=True)))
        d_carry = choose(valid, d_before, d_carry)
        d_xs.append(dx)
    return d_params, d_carry, np.stack(d_xs[::-1])


def choose(valid: Array, new: Carry, old: Carry) -> Carry:
    """Takes `new` in valid rows, `old` in the others; valid [B, 1]."""
    return tuple(np.where(valid, n, o) for n, o in zip(new, old, strict=True))


def softmax_loss(z: Array, labels: Array) -> tuple[Array, Array, Array]:
    """ŷ⟨t⟩ = softmax(z⟨t⟩), L⟨t⟩ = −log ŷ⟨t⟩_label. E7.

    Args:
      z: [T, B, K].
      labels: [T, B], each one of K classes.

    Returns:
      L⟨t⟩ [T, B], ŷ, and y, which is 1 at the label and else 0, [T, B, K].
    """
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    ŷ = e / e.sum(axis=-1, keepdims=True)
    y = np.eye(z.shape[-1])[labels]
    return -np.sum(y * np.log(ŷ), axis=-1), ŷ, y


def sigmoid_loss(z: Array, labels: Array) -> tuple[Array, Array, Array]:
    """ŷ⟨t⟩ = σ(z⟨t⟩), L⟨t⟩ = −y⟨t⟩ log ŷ⟨t⟩ − (1 − y⟨t⟩) log(1 − ŷ⟨t⟩). E6.

    Args:
      z: [T, B, 1].
      labels: [T, B], 0 or 1.

    Returns:
      L⟨t⟩ [T, B], ŷ and y [T, B, 1].
    """
    ŷ, y = σ(z), labels[..., None]
    return -np.sum(y * np.log(ŷ) + (1 - y) * np.log(1 - ŷ), axis=-1), ŷ, y


LOSSES = {"softmax": softmax_loss, "sigmoid": sigmoid_loss}


def loss_forward(
    readout: Readout, ys: Array, labels: Array, mask: Array, loss: str = "softmax"
) -> tuple[float, Any]:
    """The loss of ŷ⟨t⟩, summed over time, in the mean over sequences.

        z⟨t⟩ = h⟨t⟩ W_y + b_y
        L = 1/N Σ_B Σ_t L⟨t⟩        N sequences are not empty

    Args:
      readout: W_y [H, K] and b_y [K].
      ys: outputs of the cell [T, B, H].
      labels: [T, B].
      mask: [T, B] bool, True where valid.
      loss: one of `LOSSES`.

    Returns:
      L, and what the backward step needs.
    """
    z = ys @ readout.w + readout.b
    at_t, ŷ, y = LOSSES[loss](z, np.where(mask, labels, 0))
    weight = mask / max(mask.any(axis=0).sum(), 1)
    return np.sum(weight * at_t), (ys, ŷ, y, weight[..., None])


def loss_backward(readout: Readout, kept: Any) -> tuple[Readout, Array]:
    """Back from either loss, which has the same short derivative: dz = (ŷ − y) / N.

    Softmax and the cross entropy of classes cancel to that, σ and the binary one too.

    Args:
      readout: W_y [H, K] and b_y [K].
      kept: from `loss_forward`.

    Returns:
      Gradients of the readout, and of the cell's outputs [T, B, H].
    """
    ys, ŷ, y, weight = kept
    dz = weight * (ŷ - y)
    d_readout = Readout(w=np.einsum("tbh,tbk->hk", ys, dz), b=dz.sum(axis=(0, 1)))
    return d_readout, dz @ readout.w.T


def loss_and_gradients(
    cell: Cell,
    variables: Variables,
    labels: Array,
    mask: Array,
    loss: str = "softmax",
) -> tuple[float, Variables]:
    """All of it: the sequence, the loss, and back.

    Args:
      cell: one of `CELLS`.
      variables: weights, first carry and inputs.
      labels: [T, B].
      mask: [T, B] bool, True where valid.
      loss: one of `LOSSES`.

    Returns:
      L, and its gradient by each of the variables.
    """
    params, readout, carry, xs = variables
    carry, ys, keeps = sequence_forward(cell, params, carry, xs, mask)
    value, kept = loss_forward(readout, ys, labels, mask, loss)

    d_readout, d_ys = loss_backward(readout, kept)
    d_last = tuple(np.zeros_like(state) for state in carry)
    gradients = sequence_backward(cell, params, keeps, mask, d_last, d_ys)
    d_params, d_carry, d_xs = gradients
    return value, Variables(d_params, d_readout, d_carry, d_xs)
