"""What a cell adds to a layer: its functions, and what the scan takes for granted."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqjax import Cell
from seqjax.cells import from_stacked, to_stacked
from seqjax.testing.comparison import assert_close, assert_equal, raises, require
from seqjax.testing.data import random_carry, random_inputs, random_like, random_params
from seqjax.testing.programs import jit
from seqjax.testing.registry import cells, fused_cells, fused_kernels, law

STEPS, ROWS = 3, 5

recur = jit(lambda cell, params, carry: cell.recur(params, carry))


@law(cells)
def recur_is_affine(layer, in_features):
    """`recur` is affine in the carry, so its derivative is the same everywhere."""
    params = random_params(layer, in_features, (ROWS,))
    one, other = (random_carry(layer, (2, ROWS), seed=seed) for seed in (1, 2))

    def between(a, b):
        return jax.tree.map(lambda a, b: 1.7 * a - 0.7 * b, a, b)

    of_one, of_other, of_both = (
        recur(layer, params, carry) for carry in (one, other, between(one, other))
    )
    assert_close(of_both, between(of_one, of_other))


@law(cells)
def project_does_not_look_at_time(layer, in_features):
    """`project` treats each step and each row alone, whatever stands beside it."""
    order = np.array([3, 0, 5, 1, 4, 2])
    params = random_params(layer, in_features, (ROWS,))
    inputs = random_inputs(len(order), ROWS, in_features)
    whole, reordered, alone = _projections(layer, params, inputs, inputs[order])
    assert_close(reordered, jax.tree.map(lambda u: u[order], whole))
    assert_close(alone, whole)


@jit
def _projections(cell, params, inputs, reordered):
    def project(x):
        return cell.project(params, x)

    return project(inputs), project(reordered), jax.vmap(jax.vmap(project))(inputs)


class Cotangents(NamedTuple):
    """What `pull_back` returns."""

    params: Any
    before: Any
    u: Any
    v: Any


@law(cells)
def pull_back_is_the_derivative_of_update(layer, in_features):
    """`pull_back` is the derivative of `update`, with parameters summed over steps."""
    params = random_params(layer, in_features, (ROWS,))
    carry = random_carry(layer, (STEPS, ROWS))
    inputs = random_inputs(STEPS, ROWS, in_features)
    assert_close(*_pull_backs(layer, params, carry, inputs))


@jit
def _pull_backs(cell, params, carry, inputs):
    """The cotangents by the cell's own derivative, and by JAX's."""
    u, v = cell.project(params, inputs), cell.recur(params, carry)
    outputs, pull = jax.vjp(cell.update, params, carry, u, v)
    cotangents = jax.tree.map(jnp.asarray, random_like(outputs, seed=5))
    kept = cell.residuals(params, carry, u, v, outputs[0])
    found = Cotangents(*cell.pull_back(params, carry, kept, *cotangents))
    if found.params is None:
        found = found._replace(params=jax.tree.map(jnp.zeros_like, params))
    return found, Cotangents(*pull(cotangents))


@law(cells)
def a_cell_defers_to_its_pull_back_for_what_update_keeps(layer, in_features):
    """`residuals` and `pull_back` are overridden together, or neither is."""
    own = [
        getattr(type(layer), name) is not getattr(Cell, name)
        for name in ("residuals", "pull_back")
    ]
    require(
        own[1] or not own[0],
        "it has residuals of its own and the pull_back that expects (u, v)",
    )


@law(fused_cells)
def stacking_goes_both_ways(layer, in_features):
    """A cell of two fused kernels has the course's stacked form, and comes back."""
    params, other = (random_params(layer, in_features, seed=seed) for seed in (1, 9))
    if not (hasattr(params, "w_x") and hasattr(params, "w_h")):
        return  # the stacked form goes by these two names
    gates = params.w_h.shape[1]
    w_a = to_stacked(params)
    wanted = (gates, layer.features + in_features)
    require(w_a.shape == wanted, f"the stacked form is {w_a.shape}, not {wanted}")
    kernels = {"w_x": params.w_x, "w_h": params.w_h}
    assert_equal(from_stacked(other, w_a), other._replace(**kernels))
    wrong = jnp.concatenate([w_a, w_a], axis=1)
    fault = raises(ValueError, lambda: from_stacked(params, wrong))
    require(fault and "W_a must be" in fault, "a W_a of another shape must be refused")
    inward, recurrent = fused_kernels(layer) or (0, 0)
    leaves = jax.tree.leaves(params)
    assert_equal((leaves[inward], leaves[recurrent]), (params.w_x, params.w_h))
