"""How many steps stretch a state: Lyapunov exponents and singular values.

Long products of Jacobians J⟨t⟩ = ∂s⟨t⟩/∂s⟨t−1⟩ overflow, and all their columns turn the
same way. So a frame Q of tangent vectors is pushed through one step at a time and made
orthogonal again, J⟨t⟩ Q⟨t−1⟩ = Q⟨t⟩ R⟨t⟩, and what is kept are logarithms of R's
diagonal: Benettin et al. (1980), Eckmann and Ruelle (1985), and of recurrent networks
Engelken, Wolf and Abbott (2023). The vectors are pushed in forward mode, so that no
Jacobian is held for more than one step.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from seqjax.inspect.states import state_map
from seqjax.layer import Array, Carry, Layer, Params

Map = Callable[[Array, Array], Array]  # (s⟨t−1⟩ [n], x⟨t⟩) to s⟨t⟩ [n]
SWEEPS = 12  # of `_log_singular_values`; the gaps between values decide what it takes


class LyapunovExponents(NamedTuple):
    """Mean rates at which small differences between states grow, in nats per step."""

    exponents: Array  # [k], the largest first
    running: Array  # [T − discard, k], the estimates after each step that counts


class _Product(NamedTuple):
    """J⟨t⟩ … J⟨1⟩ as q · diag(exp(log_d)) · t, up to a rotation on the right."""

    q: Array  # [n, n], orthogonal
    log_d: Array  # [n]
    t: Array  # [n, n], unit upper triangular


@functools.partial(jax.jit, static_argnames=("count", "discard"))
def lyapunov_exponents(
    layer: Layer,
    params: Params,
    xs: Array,
    carry: Carry | None = None,
    count: int | None = None,
    discard: int = 0,
) -> LyapunovExponents:
    """Returns the Lyapunov exponents of a layer that is driven by a sequence.

    λᵢ = lim 1/T Σ_t log |R⟨t⟩ᵢᵢ|. A positive one means that the layer forgets nothing
    and amplifies rounding, for two states however close part; with negative ones alone
    it follows its input. A direction that a step wholly forgets has −∞, or what
    rounding makes of it.

    Args:
      layer: any layer that can `step`.
      params: from `init`.
      xs: inputs of one row, [T, in]; `jax.vmap` takes several.
      carry: the state before the first step, leaves [...]; None for
        `initial_carry_from`.
      count: k, how many of the largest exponents; None for all n.
      discard: the first steps, which turn the tangent vectors and are not counted.

    Returns:
      The exponents, in nats per step, and their running estimates.

    Raises:
      ValueError: `count` is not in 1 … n, or `discard` not in 0 … T − 1.
    """
    flat = state_map(layer, params, xs, carry)
    return lyapunov_exponents_of(flat.step, flat.initial, xs, count, discard)


def lyapunov_exponents_of(
    step: Map, state: Array, xs: Array, count: int | None = None, discard: int = 0
) -> LyapunovExponents:
    """Returns the Lyapunov exponents of any map s⟨t⟩ = F(s⟨t−1⟩, x⟨t⟩).

    It is traced anew for each F: jit the function that calls it.

    Args:
      step: F, which JAX can differentiate.
      state: before the first step, [n].
      xs: what F reads, leaves [T, ...]; zeros [T, 0] where it reads nothing.
      count: as in `lyapunov_exponents`.
      discard: as there.
    """
    steps = len(jax.tree.leaves(xs)[0])
    count = state.size if count is None else count
    if not 1 <= count <= state.size:
        raise ValueError(f"count must be in 1 … {state.size}, not {count}")
    if not 0 <= discard < steps:
        raise ValueError(f"discard must be in 0 … {steps - 1}, not {discard}")

    def body(carry, x):
        state, frame = carry
        state, pushed = _push(step, state, x, frame)
        frame, r = _positive_qr(pushed)
        return (state, frame), jnp.log(jnp.diag(r))

    growth = lax.scan(body, (state, _frame(state, count)), xs)[1][discard:]
    running = jnp.cumsum(growth, axis=0) / jnp.arange(1, len(growth) + 1)[:, None]
    order = jnp.argsort(-running[-1])
    return LyapunovExponents(running[-1, order], running[:, order])


@jax.jit
def jacobian_spectrum(
    layer: Layer, params: Params, xs: Array, carry: Carry | None = None
) -> Array:
    """Returns log σ of ∂s⟨t⟩/∂s⟨0⟩ for each t: what is left of a change t steps ago.

    The gradient through t steps grows or shrinks by these factors. They are computed
    in logarithms, so that neither 1e-900 nor 1e900 is out of range.

    Args:
      layer: any layer that can `step`.
      params: from `init`.
      xs: inputs of one row, [T, in].
      carry: s⟨0⟩ as a carry, leaves [...]; None for `initial_carry_from`.

    Returns:
      Natural logarithms of the singular values, [T, n], the largest first. Lag t is
      row t − 1.
    """
    flat = state_map(layer, params, xs, carry)

    def body(carry, x):
        state, product = carry
        state, pushed = _push(flat.step, state, x, product.q)
        q, r = _positive_qr(pushed)
        log_d, t = _graded(r, product.log_d)
        product = _Product(q, log_d, t @ product.t)
        return (state, product), _log_singular_values(product.log_d, product.t)

    n = flat.initial.size
    begin = _frame(flat.initial, n), jnp.zeros_like(flat.initial), jnp.eye(n)
    begin = _Product(*(a.astype(flat.initial.dtype) for a in begin))
    return lax.scan(body, (flat.initial, begin), xs)[1]


def _push(step: Map, state: Array, x: Array, frame: Array) -> tuple[Array, Array]:
    """F(s, x), and the columns of a frame [n, k] pushed through the step: J Q."""
    after, push = jax.linearize(lambda state: step(state, x), state)
    return after, jax.vmap(push, in_axes=1, out_axes=1)(frame)


def _frame(state: Array, count: int) -> Array:
    """Orthonormal columns [n, k] in general position, the same each time."""
    drawn = jax.random.normal(jax.random.key(0), (state.size, count), state.dtype)
    return _positive_qr(drawn)[0]


def _positive_qr(matrix: Array) -> tuple[Array, Array]:
    """Q and R with a diagonal of R that is not negative."""
    q, r = jnp.linalg.qr(matrix)
    sign = jnp.where(jnp.diag(r) < 0, -1, 1).astype(r.dtype)
    return q * sign, r * sign[:, None]


def _graded(r: Array, log_d: Array) -> tuple[Array, Array]:
    """R · diag(exp(log_d)) as diag(exp(log_d')) · T, T unit upper triangular."""
    diagonal = jnp.diag(r)
    safe = jnp.maximum(diagonal, jnp.finfo(r.dtype).tiny)
    ratio = jnp.where(diagonal > 0, 1 / safe, 0)[:, None] * r
    grade = jnp.minimum(log_d[None] - log_d[:, None], 40)  # falls along a row, in time
    t = jnp.triu(ratio * jnp.exp(grade), 1) + jnp.eye(len(r), dtype=r.dtype)
    return log_d + jnp.log(safe), t


def _log_singular_values(log_d: Array, t: Array) -> Array:
    """log σ of diag(exp(log_d)) · T, the largest first.

    Where a σ is not too small beside the largest, it is LAPACK's. Below that LAPACK's
    is rounding, and the diagonal is taken, after sweeps R ← R of the QR of Rᵀ, which
    bring it to σ by a factor (σⱼ/σᵢ)² each, and do not mix scales: Mathias and
    Stewart (1993).
    """

    def sweep(_, pair):
        return _graded(_positive_qr(pair[1].T)[1], pair[0])

    top = jnp.max(log_d)
    dense = jnp.exp(log_d - top)[:, None] * t
    exact = jnp.log(jnp.linalg.svd(dense, compute_uv=False))
    swept = -jnp.sort(-lax.fori_loop(0, SWEEPS, sweep, (log_d, t))[0]) - top
    is_exact = exact - exact[0] > jnp.log(jnp.finfo(t.dtype).eps) / 2
    return top + jnp.where(is_exact, exact, swept)
