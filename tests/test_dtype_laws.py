"""The dtypes that go into a layer decide those that come out, and are computed in."""

import functools
import itertools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import (
    LAYERS,
    STEPPERS,
    assert_close,
    each_gradient,
    over,
    over_named,
    parameter_shapes,
)
from random_data import random_arguments, random_flags

STEPS, ROWS = 3, 5
FLAGS = random_flags(STEPS, ROWS)
DTYPES = [jnp.bfloat16, jnp.float16, jnp.float32, jnp.float64]
MIXED = [  # each dtype of one with each of the others
    (DTYPES[i], DTYPES[j], DTYPES[(i + j) % 4])
    for i, j in itertools.product(range(4), repeat=2)
]
THREE_MIXED = MIXED[1::5]


def data(layer, stored=jnp.float64, carried=jnp.float64, given=jnp.float64):
    """Parameters, inputs and a carry, of one dtype each."""
    params, xs, carry = random_arguments(layer, STEPS, ROWS)

    def cast(tree, dtype):
        return jax.tree.map(lambda a: a.astype(dtype), tree)

    return cast(params, stored), cast(xs, given), cast(carry, carried)


def dtypes(tree):
    return {leaf.dtype for leaf in jax.tree.leaves(tree)}


def assert_alike(shapes, arrays):
    """The same shapes and dtypes, leaf by leaf."""
    same = jax.eval_shape(lambda tree: tree, arrays)
    chex.assert_trees_all_equal_shapes_and_dtypes(shapes, same)


def total(layer, wrt, **options):
    params, xs, carry = wrt
    leaves = jax.tree.leaves(layer.unroll(params, xs, carry, **options))
    return sum(jnp.sum(leaf.astype(jnp.float32)) for leaf in leaves)


@over(LAYERS)
def test_dtypes_are_fixed_points(layer):
    for stored, computed, carried in MIXED:
        params, xs, carry = data(layer, stored, carried)
        unroll = functools.partial(layer.unroll, dtype=computed, **FLAGS)
        last, ys = jax.eval_shape(unroll, params, xs, carry)
        assert ys.dtype == computed
        assert dtypes(last) <= {jnp.dtype(carried)}
        chex.assert_trees_all_equal_shapes(last, carry)


@over(LAYERS)
def test_gradients_have_the_dtypes_of_what_they_are_of(layer):
    for stored, computed, carried in THREE_MIXED:
        wrt = data(layer, stored, carried, given=stored)
        f = functools.partial(total, layer, dtype=computed, **FLAGS)
        assert_alike(jax.eval_shape(jax.grad(f), wrt), wrt)


@over(LAYERS)
def test_without_a_dtype_parameters_and_inputs_promote(layer):
    for stored, given, _ in MIXED:
        params, xs, _ = data(layer, stored, given=given)
        last, ys = jax.eval_shape(layer.unroll, params, xs)
        assert ys.dtype == jnp.promote_types(stored, given)
        assert dtypes(last) <= {jnp.promote_types(ys.dtype, jnp.float32)}


@over(STEPPERS)
def test_steps_keep_the_dtypes_that_unroll_keeps(layer):
    for stored, given, carried in MIXED:
        params, xs, carry = data(layer, stored, carried, given)
        after, y = jax.eval_shape(layer.step, params, carry, xs[0])
        assert y.dtype == jnp.promote_types(stored, given)
        assert_alike(after, carry)


def is_jaxpr(value):
    return hasattr(value, "eqns")


def dtypes_multiplied(jaxpr):
    """The dtypes that are multiplied as matrices, inner functions included."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            yield from (operand.aval.dtype for operand in equation.invars)
        parameters = list(equation.params.values())
        for inner in jax.tree.leaves(parameters, is_leaf=is_jaxpr):
            if is_jaxpr(inner):
                yield from dtypes_multiplied(inner)


@over(LAYERS)
@each_gradient
@pytest.mark.parametrize("computed", [jnp.bfloat16, jnp.float32])
def test_every_product_is_taken_in_the_compute_dtype(layer, gradient, computed):
    wrt = data(layer, stored=jnp.float64, carried=jnp.float64)
    f = functools.partial(total, layer, gradient=gradient, dtype=computed, **FLAGS)
    found = set(dtypes_multiplied(jax.make_jaxpr(jax.grad(f))(wrt).jaxpr))
    assert found == {jnp.dtype(computed)}


@over_named("lstm", "fast_weights", "stack_with_readout")
def test_integer_inputs_are_numbers(layer):
    params, xs, _ = data(layer)
    whole = np.round(3 * xs)
    found = layer.unroll(params, whole.astype(np.int32))
    assert_close(found, layer.unroll(params, whole))


@over(LAYERS)
def test_carries_and_parameters_have_the_dtype_that_is_asked_for(layer):
    for dtype in DTYPES:
        assert dtypes(parameter_shapes(layer, dtype=dtype)) == {jnp.dtype(dtype)}
        carry = layer.initial_carry((2, 3), dtype)
        assert dtypes(carry) <= {jnp.dtype(dtype)}
        for leaf in jax.tree.leaves(carry):
            assert leaf.shape[:2] == (2, 3)
            assert not np.any(leaf)
