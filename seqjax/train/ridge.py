"""Readouts that are solved instead of trained: ridge regression in closed form.

    min over W, b of  Σᵢ wᵢ ‖yᵢ − xᵢ W − b‖² / Σᵢ wᵢ + λ ‖W‖²

What is kept of the data is the triangular factor R of √w · [1, X, Y], RᵀR their Gram
matrix: Golub and Van Loan, "Matrix Computations", section 5.3. It has the size of one
example squared, however long the data, and merges: R of two parts is R of their
factors, one on the other. A Gram matrix would do the same with half of the digits, for
its condition is that of X squared; and echo state networks need these digits: Jaeger
and Haas (2004). The first column takes the mean out of all others, so the bias has no
penalty. One SVD of R solves for every λ.

Compute in float64 where the penalty is small.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqjax.layer import Array
from seqjax.layers.readout import ReadoutParams
from seqjax.masks import zero_invalid


class RidgeStatistics(NamedTuple):
    """The triangular factor of √w · [1, X, Y] in blocks; all that the solution needs.

    Example:
      >>> import jax.numpy as jnp
      >>> x, y = jnp.array([[0.0], [1], [2], [4]]), jnp.array([[1.0], [3], [5], [9]])
      >>> parts = observe(x[:2], y[:2]).merge(observe(x[2:], y[2:]))
      >>> line = solve(parts, 0.0)
      >>> print(line.w.round(4), line.b.round(4))
      [[2.]] [1.]
    """

    xx: Array  # [1 + p, 1 + p], upper triangular
    xy: Array  # [1 + p, m]
    yy: Array  # [m, m], upper triangular

    @property
    def weight(self) -> Array:
        """Σ w, the number of examples where none has a weight of its own."""
        return self.xx[..., 0, 0] ** 2

    def merge(self, other: "RidgeStatistics") -> "RidgeStatistics":
        """Returns the statistics of both parts of the data."""
        return merge(jax.tree.map(lambda *leaves: jnp.stack(leaves), self, other))


class CrossValidated(NamedTuple):
    """What `cross_validate` found."""

    errors: Array  # [K], mean squared error of held-out examples at each penalty
    best: Array  # [], the index of the smallest error


def observe(xs: Array, ys: Array, weights: Array | None = None) -> RidgeStatistics:
    """Returns the statistics of examples.

    Args:
      xs: [..., p], such as states [T, *batch, H].
      ys: [..., m], what is right.
      weights: [...], how much each example counts, not negative; or bool, True where
        valid. What stands under a zero has no effect, NaN included. All ones if None.
    """
    if weights is not None:
        xs, ys = zero_invalid(weights > 0, (xs, ys))
    rows = jnp.concatenate([jnp.ones_like(xs[..., :1]), xs, ys], axis=-1)
    if weights is not None:
        rows = rows * jnp.sqrt(weights.astype(rows.dtype))[..., None]
    return _triangular(rows.reshape(-1, rows.shape[-1]), ys.shape[-1])


def merge(parts: RidgeStatistics) -> RidgeStatistics:
    """Returns the statistics of several parts, leaves [N, ...], as one."""
    rows = _rows(parts)
    return _triangular(rows.reshape(-1, rows.shape[-1]), parts.xy.shape[-1])


def solve(statistics: RidgeStatistics, penalty: Array | float) -> ReadoutParams:
    """Returns the W [p, m] and b [m] that minimise the penalised error.

    Args:
      statistics: of the examples.
      penalty: λ, in squared units of y over those of W; at 0 the solution is that of
        least squares with the smallest ‖W‖.
    """
    path = solve_all(statistics, jnp.asarray(penalty)[None])
    return jax.tree.map(lambda leaf: leaf[0], path)


def solve_all(statistics: RidgeStatistics, penalties: Array) -> ReadoutParams:
    """Returns the solutions for penalties [K], by one SVD: W [K, p, m] and b [K, m]."""
    xx, xy = statistics.xx, statistics.xy
    u, s, vt = jnp.linalg.svd(xx[1:, 1:], full_matrices=False)
    tiny = len(s) * jnp.finfo(s.dtype).eps * s[0]  # below it a value is rounding
    scaled = jnp.asarray(penalties, s.dtype)[:, None] * statistics.weight
    filtered = jnp.where(s > tiny, s / jnp.where(s > tiny, s**2 + scaled, 1), 0)
    w = jnp.einsum("qp,kq,qm->kpm", vt, filtered, u.T @ xy[1:])
    return ReadoutParams(w, (xy[0] - xx[0, 1:] @ w) / xx[0, 0])


def squared_error(statistics: RidgeStatistics, readout: ReadoutParams) -> Array:
    """Returns Σ w ‖y − x W − b‖² of the examples that were observed.

    Args:
      statistics: of the examples.
      readout: W [..., p, m] and b [..., m].
    """
    whole = jnp.concatenate([readout.b[..., None, :], readout.w], axis=-2)
    missed = jnp.sum((statistics.xy - statistics.xx @ whole) ** 2, axis=(-2, -1))
    return missed + jnp.sum(statistics.yy**2)


def leave_one_out(blocks: RidgeStatistics) -> RidgeStatistics:
    """Returns, for each of B blocks, the statistics of all others: leaves [B, ...]."""
    count = len(blocks.xx)
    others = [[j for j in range(count) if j != i] for i in range(count)]
    left = [merge(jax.tree.map(lambda a, o=o: a[jnp.array(o)], blocks)) for o in others]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *left)


def cross_validate(blocks: RidgeStatistics, penalties: Array) -> CrossValidated:
    """Tries each penalty on each block, with a readout that is solved on all others.

    Blocks of a sequence should be long beside its memory, since neighbours are alike.

    Args:
      blocks: statistics of B parts of the data, leaves [B, ...]; B ≥ 2.
      penalties: [K].
    """
    penalties = jnp.asarray(penalties)

    def held_out(pair):
        block, others = pair
        return squared_error(block, solve_all(others, penalties))

    missed = jax.lax.map(held_out, (blocks, leave_one_out(blocks)))
    errors = jnp.sum(missed, axis=0) / jnp.sum(blocks.weight)
    return CrossValidated(errors, jnp.argmin(errors))


def _triangular(rows: Array, outputs: int) -> RidgeStatistics:
    """The factor R ≥ 0 on its diagonal of rows [N, 1 + p + m], in blocks."""
    width = rows.shape[-1]
    if len(rows) < width:
        rows = jnp.pad(rows, ((0, width - len(rows)), (0, 0)))
    r = jnp.linalg.qr(rows, mode="r")
    sign = jnp.where(jnp.diag(r) < 0, -1, 1).astype(r.dtype)
    r, cut = r * sign[:, None], width - outputs
    return RidgeStatistics(r[:cut, :cut], r[:cut, cut:], r[cut:, cut:])


def _rows(s: RidgeStatistics) -> Array:
    """The factor as a matrix [..., 1 + p + m, 1 + p + m]."""
    above = jnp.concatenate([s.xx, s.xy], axis=-1)
    below = jnp.concatenate([jnp.zeros_like(s.xy.swapaxes(-1, -2)), s.yy], axis=-1)
    return jnp.concatenate([above, below], axis=-2)
