"""Elman, GRU and LSTM, forward and backward by hand: the course's assignment 1.

Plain NumPy without automatic differentiation, and no code shared with seqjax: an
oracle for its tests, and what `experiments.step_by_step` prints beside its gradients.
This file has the cells, one step each; `through_time` has sequences and the loss.

Letters: dq is ∂L/∂q, and h is what the course calls a. A batch of B vectors is a
matrix whose rows are the vectors, so a layer is x W with W [in, out]. This is all the
calculus there is:

    z = x W + b         dx = dz Wᵀ        dW = xᵀ dz        db = Σ_B dz
    h = tanh z          dz = dh ∗ (1 − h²)
    Γ = σ(z)            dz = dΓ ∗ Γ ∗ (1 − Γ)
    p = q ∗ r           dq = dp ∗ r       dr = dp ∗ q

and whatever is used twice gets the sum of both gradients. The rest is bookkeeping: a
cell is walked from its last equation to its first, a sequence from its last step to
its first.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray
Carry = tuple[Array, ...]  # (h,), or (h, c) for the LSTM; each [B, H]


class Params(NamedTuple):
    """Weights of a cell with G gates, or their gradients, laid out as seqjax's are.

    Columns: r u c̃ for the GRU, i f g o for the LSTM.
    """

    w_x: Array  # [in, G·H]
    w_h: Array  # [H, G·H]
    b: Array  # [G·H]


class Readout(NamedTuple):
    """Weights of the softmax layer, or their gradients."""

    w: Array  # [H, K]
    b: Array  # [K]


class Variables(NamedTuple):
    """All that the loss is differentiated by, or its gradients."""

    params: Params
    readout: Readout
    carry: Carry  # h⟨0⟩, c⟨0⟩
    xs: Array  # [T, B, in]


class Cell(NamedTuple):
    """One step of a cell, forward and back.

    Attributes:
      forward: (params, carry⟨t−1⟩, x⟨t⟩ [B, in]) to (carry⟨t⟩, kept), where kept is
        what the step back needs.
      backward: (params, kept, gradient of carry⟨t⟩) to the gradients of
        (params, carry⟨t−1⟩, x⟨t⟩).
      gates: G.
      states: the letters of its carry.
    """

    forward: Callable[[Params, Carry, Array], tuple[Carry, Any]]
    backward: Callable[[Params, Any, Carry], tuple[Params, Carry, Array]]
    gates: int
    states: str


def σ(z: Array) -> Array:
    """The logistic function."""
    return 1 / (1 + np.exp(-z))


def through_tanh(dh: Array, h: Array) -> Array:
    """From h = tanh z: dz = dh ∗ (1 − h²)."""
    return dh * (1 - h**2)


def through_sigmoid(dΓ: Array, Γ: Array) -> Array:
    """From Γ = σ(z): dz = dΓ ∗ Γ ∗ (1 − Γ)."""
    return dΓ * Γ * (1 - Γ)


def elman_forward(params: Params, carry: Carry, x: Array) -> tuple[Carry, Any]:
    """h⟨t⟩ = tanh(x⟨t⟩ W_x + h⟨t−1⟩ W_h + b). E2."""
    (h_before,) = carry
    h = np.tanh(x @ params.w_x + h_before @ params.w_h + params.b)
    return (h,), (x, h_before, h)


def elman_backward(
    params: Params, kept: Any, d_carry: Carry
) -> tuple[Params, Carry, Array]:
    """From dh⟨t⟩ to the gradients of all that h⟨t⟩ was made from.

    dz = dh⟨t⟩ ∗ (1 − h⟨t⟩²)
    dW_x = x⟨t⟩ᵀ dz        dW_h = h⟨t−1⟩ᵀ dz        db = Σ_B dz
    dx⟨t⟩ = dz W_xᵀ        dh⟨t−1⟩ = dz W_hᵀ
    """
    x, h_before, h = kept
    (dh,) = d_carry
    dz = through_tanh(dh, h)
    d_params = Params(w_x=x.T @ dz, w_h=h_before.T @ dz, b=dz.sum(axis=0))
    return d_params, (dz @ params.w_h.T,), dz @ params.w_x.T


def gru_forward(params: Params, carry: Carry, x: Array) -> tuple[Carry, Any]:
    """The gated recurrent unit with its reset before the product. E11.

    Γr = σ(x⟨t⟩ W_xr + h⟨t−1⟩ W_hr + b_r)
    Γu = σ(x⟨t⟩ W_xu + h⟨t−1⟩ W_hu + b_u)
    s  = Γr ∗ h⟨t−1⟩
    c̃  = tanh(x⟨t⟩ W_xc + s W_hc + b_c)
    h⟨t⟩ = Γu ∗ c̃ + (1 − Γu) ∗ h⟨t−1⟩
    """
    (h_before,) = carry
    x_r, x_u, x_c = np.split(x @ params.w_x + params.b, 3, axis=-1)
    w_hr, w_hu, w_hc = np.split(params.w_h, 3, axis=-1)
    Γr = σ(x_r + h_before @ w_hr)
    Γu = σ(x_u + h_before @ w_hu)
    s = Γr * h_before
    c̃ = np.tanh(x_c + s @ w_hc)
    h = Γu * c̃ + (1 - Γu) * h_before
    return (h,), (x, h_before, Γr, Γu, s, c̃)


def gru_backward(
    params: Params, kept: Any, d_carry: Carry
) -> tuple[Params, Carry, Array]:
    """The equations of `gru_forward` from the last to the first.

        dΓu = dh⟨t⟩ ∗ (c̃ − h⟨t−1⟩)        dc̃ = dh⟨t⟩ ∗ Γu
        dz_c = dc̃ ∗ (1 − c̃²)              ds = dz_c W_hcᵀ
        dΓr = ds ∗ h⟨t−1⟩
        dz_r = dΓr ∗ Γr ∗ (1 − Γr)        dz_u = dΓu ∗ Γu ∗ (1 − Γu)

    h⟨t−1⟩ was used four times, so its gradient is a sum of four:

        dh⟨t−1⟩ = dh⟨t⟩ ∗ (1 − Γu) + ds ∗ Γr + dz_r W_hrᵀ + dz_u W_huᵀ
    """
    x, h_before, Γr, Γu, s, c̃ = kept
    w_hr, w_hu, w_hc = np.split(params.w_h, 3, axis=-1)
    (dh,) = d_carry
    dz_u = through_sigmoid(dh * (c̃ - h_before), Γu)
    dz_c = through_tanh(dh * Γu, c̃)
    ds = dz_c @ w_hc.T
    dz_r = through_sigmoid(ds * h_before, Γr)
    dh_before = dh * (1 - Γu) + ds * Γr + dz_r @ w_hr.T + dz_u @ w_hu.T

    dz = np.concatenate([dz_r, dz_u, dz_c], axis=-1)
    dw_h = [h_before.T @ dz_r, h_before.T @ dz_u, s.T @ dz_c]
    d_params = Params(x.T @ dz, np.concatenate(dw_h, axis=-1), dz.sum(axis=0))
    return d_params, (dh_before,), dz @ params.w_x.T


def lstm_forward(params: Params, carry: Carry, x: Array) -> tuple[Carry, Any]:
    """Long short-term memory. E13; Γi is the course's Γu.

    [z_i, z_f, z_g, z_o] = x⟨t⟩ W_x + h⟨t−1⟩ W_h + b
    Γi = σ(z_i)        Γf = σ(z_f)        c̃ = tanh z_g        Γo = σ(z_o)
    c⟨t⟩ = Γi ∗ c̃ + Γf ∗ c⟨t−1⟩
    h⟨t⟩ = Γo ∗ tanh c⟨t⟩
    """
    h_before, c_before = carry
    z = x @ params.w_x + h_before @ params.w_h + params.b
    z_i, z_f, z_g, z_o = np.split(z, 4, axis=-1)
    Γi, Γf, c̃, Γo = σ(z_i), σ(z_f), np.tanh(z_g), σ(z_o)
    c = Γi * c̃ + Γf * c_before
    h = Γo * np.tanh(c)
    return (h, c), (x, h_before, c_before, Γi, Γf, c̃, Γo, c)


def lstm_backward(
    params: Params, kept: Any, d_carry: Carry
) -> tuple[Params, Carry, Array]:
    """The equations of `lstm_forward` from the last to the first.

    c⟨t⟩ is used twice, in h⟨t⟩ and in the step after. The latter's share arrives in
    the carry, the former's is added to it:

        dΓo = dh⟨t⟩ ∗ tanh c⟨t⟩
        dc  = dc⟨t⟩ + dh⟨t⟩ ∗ Γo ∗ (1 − tanh² c⟨t⟩)
        dΓi = dc ∗ c̃        dc̃ = dc ∗ Γi        dΓf = dc ∗ c⟨t−1⟩
        dc⟨t−1⟩ = dc ∗ Γf
        dh⟨t−1⟩ = dz W_hᵀ   with dz = [dz_i, dz_f, dz_g, dz_o]

    Where Γf is 1, dc passes a step unharmed: why an LSTM's gradient need not vanish.
    """
    x, h_before, c_before, Γi, Γf, c̃, Γo, c = kept
    dh, dc = d_carry
    dz_o = through_sigmoid(dh * np.tanh(c), Γo)
    dc = dc + through_tanh(dh * Γo, np.tanh(c))
    dz_i = through_sigmoid(dc * c̃, Γi)
    dz_f = through_sigmoid(dc * c_before, Γf)
    dz_g = through_tanh(dc * Γi, c̃)

    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=-1)
    d_params = Params(w_x=x.T @ dz, w_h=h_before.T @ dz, b=dz.sum(axis=0))
    return d_params, (dz @ params.w_h.T, dc * Γf), dz @ params.w_x.T


CELLS = {
    "elman": Cell(elman_forward, elman_backward, gates=1, states="h"),
    "gru": Cell(gru_forward, gru_backward, gates=3, states="h"),
    "lstm": Cell(lstm_forward, lstm_backward, gates=4, states="hc"),
}
