"""The two ways of linear cells through time: step after step, and all steps at once."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.linear import LinearRecurrence
from seqjax.testing.comparison import Case, assert_close, require
from seqjax.testing.data import (
    MASK,
    RESETS,
    ROWS,
    STEPS,
    Arguments,
    poison,
    random_arguments,
    random_flags,
)
from seqjax.testing.laws.dtypes import FLAGS, MIXED, require_dtypes
from seqjax.testing.laws.dtypes import data as data_of_dtypes
from seqjax.testing.programs import OPTIONS, jit, random_weights, unroll
from seqjax.testing.registry import law

LONG, FEW = 7, 20  # an odd number of steps in three rounds, and some rows
AGAIN = "associatively"


def linear_cells(layer) -> bool:
    """The cells whose recurrence is linear."""
    return isinstance(layer, LinearRecurrence)


def layers_with_linear_cells(layer) -> bool:
    """The layers that are linear cells, or have some inside."""
    return linear_cells(layer) or any(map(layers_with_linear_cells, layer.parts))


class Found(NamedTuple):
    """What a run returns, and the gradient of its weighted sum."""

    outcome: Any
    gradient: Arguments


@functools.partial(jit, static_argnames=(*OPTIONS, "way"))
def _run(layer, arguments, key, mask, resets, **options):
    how = {"mask": mask, "resets": resets, "key": key} | options
    weights = random_weights(layer, arguments)

    def weighted(arguments):
        outcome = unroll(layer, arguments, **how)
        products = jax.tree.map(jnp.vdot, weights, outcome)
        return sum(jax.tree.leaves(products)), outcome

    gradient, outcome = jax.grad(weighted, has_aux=True)(arguments)
    return Found(outcome, gradient)


def run_by(way: str, layer, arguments: Arguments, case: Case) -> Found:
    """Runs a layer one way, with noise if it has some."""
    keywords = case._asdict() | {"way": way}
    del keywords["remark"]
    key = jax.random.key(1) if layer.noisy else None
    return jax.device_get(_run(layer, arguments, key, **keywords))


@law(layers_with_linear_cells)
def both_ways_agree(layer, in_features):
    """Steps at once give what steps in turn give, and all of its gradients."""
    few = random_flags(LONG, FEW, seed=11)
    for case in (
        Case(few["mask"], few["resets"], reverse=True),
        Case(MASK, RESETS, chunk=2),
        Case(few["mask"], gradient="plain"),
        Case(reverse=True),
    ):
        every = case.mask is MASK
        steps, rows = (STEPS, ROWS) if every else (LONG, FEW)
        arguments = random_arguments(layer, in_features, steps, rows)
        expected = run_by("steps", layer, arguments, case._replace(gradient="plain"))
        if case.mask is not None:
            bad = poison(case.mask, arguments.inputs)
            arguments = arguments._replace(inputs=bad)
        case = case._replace(remark=AGAIN)
        assert_close(run_by("associative", layer, arguments, case), expected, case)


@law(linear_cells)
def no_step_at_all_is_the_same_both_ways(layer, in_features):
    """Of no steps, each way returns the carry that it got."""
    arguments = random_arguments(layer, in_features, 0, FEW)
    for way in ("steps", "associative"):
        carry = run_by(way, layer, arguments, Case()).outcome.carry
        assert_close(carry, arguments.carry, Case(remark=AGAIN))


@law(linear_cells)
def an_overflow_ends_at_a_reset(layer, in_features):
    """What is infinite before a reset does not reach what stands behind it."""
    params, inputs, carry = random_arguments(layer, in_features, LONG, FEW)
    resets = np.zeros((LONG, FEW), bool)
    resets[3] = True
    huge = jax.tree.map(lambda a: np.full_like(a, np.inf), carry)
    for way in ("steps", "associative"):
        case = Case(None, resets, remark=f"way={way!r}, from an infinite carry")
        found, _ = run_by(way, layer, Arguments(params, inputs, huge), case)
        fine, _ = run_by(way, layer, Arguments(params, inputs, carry), case)
        assert_close(found.outputs[3:], fine.outputs[3:], case)
        assert_close(found.carry, fine.carry, case)


@law(linear_cells)
def dtypes_are_fixed_points_both_ways(layer, in_features):
    """At once too, the carry keeps its dtype, and outputs that of the computation."""
    for stored, computed, carried in MIXED:
        arguments = data_of_dtypes(layer, in_features, stored, carried, jnp.float64)
        how = {"dtype": computed, "way": "associative", **FLAGS}
        outcome = jax.eval_shape(functools.partial(unroll, layer, **how), arguments)
        words = f"parameters {stored}, dtype={computed}, a carry of {carried}, {AGAIN}"
        require_dtypes(outcome.outputs, computed, "the output", words)
        require_dtypes(outcome.carry, carried, "the carry", words)


@law(linear_cells)
def gradients_have_their_dtypes_both_ways(layer, in_features):
    """At once too, each gradient has the dtype of what it is of."""
    for stored, computed, carried in MIXED[::5]:
        arguments = data_of_dtypes(layer, in_features, stored, carried, stored)

        def total(arguments, computed=computed):
            how = {"dtype": computed, "way": "associative", **FLAGS}
            leaves = jax.tree.leaves(unroll(layer, arguments, **how))
            return sum(jnp.sum(leaf.astype(jnp.float32)) for leaf in leaves)

        found = jax.eval_shape(jax.grad(total), arguments)
        pairs = jax.tree.map(lambda f, a: f.dtype == a.dtype, found, arguments)
        same = all(jax.tree.leaves(pairs))
        require(same, f"a gradient changes its dtype: {found}")
