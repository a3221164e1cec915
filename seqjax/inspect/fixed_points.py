"""Fixed and slow points of a layer, and how a small change near them goes on.

Sussillo and Barak (2013), "Opening the black box": with the input held at x, the speed
of a state is q(s) = ½‖F(s, x) − s‖². Where q is 0 the state stays; where it has a low
minimum the state moves slowly, and near both the network is close to linear, so that
the eigenvalues of ∂F/∂s tell what it does there.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from seqjax.inspect.eigenvalues import sorted_eigenvalues
from seqjax.inspect.states import state_map
from seqjax.layer import Array, Layer, Params


class FixedPoints(NamedTuple):
    """N different points, the slowest first."""

    states: np.ndarray  # [N, n]
    carries: Any  # the same as carries, leaves [N, ...]
    q: np.ndarray  # [N], ½‖F(s, x) − s‖²
    fixed: np.ndarray  # bool [N]; a point that is not fixed is merely slow
    eigenvalues: np.ndarray  # complex [N, n], of ∂F/∂s, the largest modulus first
    stable: np.ndarray  # bool [N], all |λ| < 1: what is near comes nearer


class _Search(NamedTuple):
    """Where one search has come to."""

    state: Array  # [n]
    q: Array  # []
    damping: Array  # []


def fixed_points(
    layer: Layer,
    params: Params,
    x: Array,
    starts: Array,
    *,
    steps: int = 100,
    fixed: float = 1e-10,
    slow: float = 1e-4,
    distance: float = 1e-2,
    reach: float = np.inf,
) -> FixedPoints:
    """Finds fixed and slow points of a layer whose input does not change.

    q is minimised from all starts at once by the method of Levenberg and Marquardt,
    which finds saddles as well as what is stable. The points it finds are those near
    the starts: draw these from `trajectories` of the task, with some noise.

    Args:
      layer: any layer that can `step`.
      params: from `init`.
      x: the input that is held, [in].
      starts: states to begin from, [K, n], as `trajectories` gives them.
      steps: of each search.
      fixed: a point is fixed where q is below this, which is a speed of 1.4e-5 and
        well above the rounding of float32; in float64 choose a smaller one.
      slow: points where q is above this are left out.
      distance: of two points whose numbers differ by less than this in the root mean
        square, the slower one is kept.
      reach: points farther from the mean of the starts than so many times the farthest
        start are left out: there a gate may be so closed that everything is slow.

    Returns:
      The different points that were found; there may be none.
    """
    states, q, jacobians = jax.device_get(_search(layer, params, x, starts, steps))
    is_near = _is_near(states, np.asarray(starts), reach)
    allowed = np.flatnonzero((q <= slow) & is_near)
    kept = _different(states, q, allowed, distance * np.sqrt(states.shape[1]))
    carry_of = state_map(layer, params, x).carry_of
    carries = jax.vmap(carry_of)(jnp.asarray(states[kept]))
    eigenvalues = sorted_eigenvalues(jacobians[kept])
    stable = np.abs(eigenvalues).max(axis=1) < 1
    q = q[kept]
    return FixedPoints(states[kept], carries, q, q < fixed, eigenvalues, stable)


@jax.jit
def _search(
    layer: Layer, params: Params, x: Array, starts: Array, steps: int
) -> tuple[Array, Array, Array]:
    """Points [K, n], their q [K] and their Jacobians [K, n, n]."""
    flat = state_map(layer, params, x)

    def residual(state):
        return flat.step(state, x) - state

    def one(start):
        begin = _Search(start, _q(residual(start)), jnp.ones_like(start[0]))
        found = lax.fori_loop(0, steps, lambda _, at: _levenberg(residual, at), begin)
        step = jax.jacfwd(lambda state: flat.step(state, x))
        return found.state, found.q, step(found.state)

    return jax.vmap(one)(starts.astype(flat.initial.dtype))


def _levenberg(residual: Any, at: _Search) -> _Search:
    """One step of Marquardt (1963); a step that does not lower q is not taken."""
    r, jacobian = residual(at.state), jax.jacfwd(residual)(at.state)
    normal = jacobian.T @ jacobian + at.damping * jnp.eye(len(r), dtype=r.dtype)
    moved = at.state - jax.scipy.linalg.solve(normal, jacobian.T @ r, assume_a="pos")
    q = _q(residual(moved))
    damping = jnp.where(q < at.q, at.damping / 4, at.damping * 4)
    least = jnp.finfo(r.dtype).eps
    better = _Search(moved, q, damping)
    worse = at._replace(damping=damping)
    chosen = jax.tree.map(lambda b, w: jnp.where(q < at.q, b, w), better, worse)
    return chosen._replace(damping=jnp.clip(damping, least, 1 / least))


def _q(r: Array) -> Array:
    return jnp.vdot(r, r) / 2


def _is_near(states: np.ndarray, starts: np.ndarray, reach: float) -> np.ndarray:
    """Whether each state is as near to the mean of the starts as `reach` says."""
    center = starts.mean(axis=0)
    farthest = np.linalg.norm(starts - center, axis=1).max()
    return np.linalg.norm(states - center, axis=1) / max(farthest, 1e-30) <= reach


def _different(
    states: np.ndarray, q: np.ndarray, allowed: np.ndarray, distance: float
) -> np.ndarray:
    """Which of the allowed points to keep, the lowest q first: integers [N]."""
    kept: list[int] = []
    for i in allowed[np.argsort(q[allowed], kind="stable")].tolist():
        near = np.linalg.norm(states[kept] - states[i], axis=1) < distance
        if not near.any():
            kept.append(i)
    return np.array(kept, int)
