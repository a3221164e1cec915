"""The dtypes that go into a layer decide those that come out, and are computed in."""

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.testing.comparison import Case, require
from seqjax.testing.data import (
    Arguments,
    parameter_shapes,
    random_arguments,
    random_flags,
)
from seqjax.testing.programs import unroll
from seqjax.testing.registry import causal_layers, every_layer, law

STEPS, ROWS = 3, 5
FLAGS = random_flags(STEPS, ROWS)
DTYPES = [jnp.dtype(d) for d in ("bfloat16", "float16", "float32", "float64")]
MIXED = [  # each dtype of one with each of the others
    (DTYPES[i], DTYPES[j], DTYPES[(i + j) % 4])
    for i, j in itertools.product(range(4), repeat=2)
]
PROMOTED = [(stored, given) for stored, given, _ in MIXED[::3]]
TRACED = [  # parameters and inputs, the computation, the carry, the gradient
    ("float64", "bfloat16", "float64", "lean"),
    ("bfloat16", "float32", "float16", "lean"),
    ("float16", "float64", "float32", "plain"),
    ("float64", "bfloat16", "float64", "remat"),
]


def data(layer, in_features, stored, carried, given) -> Arguments:
    """Returns shapes of parameters, carry and inputs, each of one dtype."""
    arguments = random_arguments(layer, in_features, STEPS, ROWS)

    def cast(tree, dtype):
        return jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, dtype), tree)

    params, inputs, carry = arguments
    return Arguments(cast(params, stored), cast(inputs, given), cast(carry, carried))


def require_dtypes(tree: Any, dtype: Any, name: str, words: str) -> None:
    """Raises LawError unless all leaves have a dtype."""
    found = {str(leaf.dtype) for leaf in jax.tree.leaves(tree)}
    require(
        found <= {str(dtype)},
        f"with {words}: {name} has {', '.join(sorted(found))} instead of {dtype}",
    )


@law(every_layer)
def dtypes_are_fixed_points(layer, in_features):
    """The carry keeps its dtype, and outputs have the dtype of the computation."""
    for stored, computed, carried in MIXED:
        arguments = data(layer, in_features, stored, carried, jnp.float64)
        outcome = jax.eval_shape(
            functools.partial(unroll, layer, dtype=computed, **FLAGS), arguments
        )
        words = f"parameters {stored}, dtype={computed}, a carry of {carried}"
        require_dtypes(outcome.outputs, computed, "the output", words)
        require_dtypes(outcome.carry, carried, "the carry", words)


def total(layer, arguments: Arguments, **options: Any) -> Any:
    """Returns the sum of all that a layer returns, in float32."""
    leaves = jax.tree.leaves(unroll(layer, arguments, **options))
    return sum(jnp.sum(leaf.astype(jnp.float32)) for leaf in leaves)


@functools.cache
def traced_gradient(layer, in_features, stored, computed, carried, gradient):
    """Returns the gradient's shapes, and the dtypes of all matrix products."""
    arguments = data(layer, in_features, stored, carried, stored)
    options = {"gradient": gradient, "dtype": computed, **FLAGS}
    f = jax.grad(functools.partial(total, layer, **options))
    jaxpr, shapes = jax.make_jaxpr(f, return_shape=True)(arguments)
    return shapes, {str(dtype) for dtype in dtypes_multiplied(jaxpr.jaxpr)}


@law(every_layer)
def gradients_have_the_dtypes_of_what_they_are_of(layer, in_features):
    """A gradient has the dtype of what it is a gradient of."""
    for stored, computed, carried, gradient in TRACED:
        of = (stored, computed, carried, gradient)
        found, _ = traced_gradient(layer, in_features, *of)
        words = f"{stored}, dtype={computed}, a carry of {carried}, {gradient}"
        require_dtypes(found.params, stored, "the gradient of parameters", words)
        require_dtypes(found.inputs, stored, "the gradient of inputs", words)
        require_dtypes(found.carry, carried, "the gradient of the carry", words)


@law(every_layer)
def without_a_dtype_parameters_and_inputs_promote(layer, in_features):
    """Without `dtype`, outputs have the dtype that parameters and inputs promote to."""
    for stored, given in PROMOTED:
        params, inputs, _ = data(layer, in_features, stored, stored, given)
        last, ys = jax.eval_shape(layer.unroll, params, inputs)
        words = f"parameters {stored} and inputs {given}"
        promoted = jnp.promote_types(stored, given)
        require_dtypes(ys, promoted, "the output", words)
        require_dtypes(last, jnp.promote_types(promoted, "float32"), "carry", words)


@law(causal_layers)
def steps_keep_the_dtypes_that_unroll_keeps(layer, in_features):
    """`step` keeps the dtype of the carry, and promotes parameters and inputs."""
    for stored, given, carried in MIXED:
        params, inputs, carry = data(layer, in_features, stored, carried, given)
        x = jax.ShapeDtypeStruct(inputs.shape[1:], given)
        after, y = jax.eval_shape(layer.step, params, carry, x)
        words = f"parameters {stored}, an input of {given}, a carry of {carried}"
        require_dtypes(y, jnp.promote_types(stored, given), "the output", words)
        require_dtypes(after, carried, "the carry", words)


def is_jaxpr(value: Any) -> bool:
    """Tells whether a parameter of an equation is a function."""
    return hasattr(value, "eqns")


def dtypes_multiplied(jaxpr: Any) -> Any:
    """Yields the dtypes of all matrix products, those of inner functions included."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            yield from (operand.aval.dtype for operand in equation.invars)
        parameters = list(equation.params.values())
        for inner in jax.tree.leaves(parameters, is_leaf=is_jaxpr):
            if is_jaxpr(inner):
                yield from dtypes_multiplied(inner)


@law(every_layer)
def every_product_is_taken_in_the_compute_dtype(layer, in_features):
    """Every matrix product, forward and back, is taken in the compute dtype."""
    for stored, computed, carried, gradient in TRACED:
        of = (stored, computed, carried, gradient)
        _, found = traced_gradient(layer, in_features, *of)
        require(
            found <= {computed},
            f"with dtype={computed}, products are taken in {sorted(found)}",
            Case(gradient=gradient),
        )


@law(every_layer)
def carries_and_parameters_have_the_dtype_that_is_asked_for(layer, in_features):
    """`init` and `initial_carry` return the dtype asked for, and the carry is zero."""
    for dtype in DTYPES:
        params = parameter_shapes(layer, in_features, dtype)
        require_dtypes(params, dtype, "a parameter", f"init(..., dtype={dtype})")
        carry = jax.eval_shape(lambda d=dtype: layer.initial_carry((2, 3), d))
        require_dtypes(carry, dtype, "the carry", f"initial_carry((2, 3), {dtype})")
    for leaf in jax.tree.leaves(layer.initial_carry((2, 3))):
        require(not np.any(leaf), "the initial carry is not zero")
