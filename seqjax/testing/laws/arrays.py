"""Which arrays go in and come out of a layer: their kinds and their shapes."""

from typing import Any

import jax
import jax.numpy as jnp

from seqjax.testing.comparison import require
from seqjax.testing.data import parameter_shapes, random_arguments, random_params
from seqjax.testing.registry import causal_layers, every_layer, law

STEPS, ROWS = 3, 5


@law(every_layer)
def parameters_and_carries_are_floating_point(layer, in_features):
    """Every leaf of the parameters and of the carry is floating point."""
    carry = jax.eval_shape(layer.initial_carry)
    params = parameter_shapes(layer, in_features)
    for name, tree in (("carry", carry), ("params", params)):
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
            where = f"{name}{jax.tree_util.keystr(path)}"
            floating = jnp.issubdtype(leaf.dtype, jnp.floating)
            require(floating, f"{where} is {leaf.dtype}, not floating point")


@law(every_layer)
def carries_begin_with_the_batch_axes(layer, in_features):
    """`initial_carry` puts the batch axes before the axes of a single row's carry."""
    del in_features
    alone = jax.eval_shape(layer.initial_carry)
    for batch in ((5,), (2, 3)):
        carry = jax.eval_shape(lambda batch=batch: layer.initial_carry(batch))
        wanted = jax.tree.map(lambda a, batch=batch: (*batch, *a.shape), alone)
        shapes = jax.tree.map(lambda a: a.shape, carry)
        require(shapes == wanted, f"initial_carry({batch}) is {shapes}, not {wanted}")


@law(every_layer)
def outputs_and_carries_keep_their_shapes(layer, in_features):
    """Outputs are [T, *batch, features], and a carry keeps its shapes."""
    for batch in ((), (5,), (2, 3)):
        params = random_params(layer, in_features, batch)
        carry = jax.eval_shape(lambda batch=batch: layer.initial_carry(batch))
        inputs = jax.ShapeDtypeStruct((STEPS, *batch, in_features), float)
        last, ys = jax.eval_shape(layer.unroll, params, inputs, carry)
        wanted = (STEPS, *batch, layer.features)
        require(ys.shape == wanted, f"outputs have shape {ys.shape}, not {wanted}")
        require_same_shapes(last, carry)


def require_same_shapes(found: Any, expected: Any) -> None:
    """Raises LawError unless two carries have the same structure and shapes."""
    found, expected = (jax.tree.map(lambda a: a.shape, t) for t in (found, expected))
    require(found == expected, f"the carry becomes {found}, and was {expected}")


@law(causal_layers)
def a_step_has_the_shapes_of_an_unrolling(layer, in_features):
    """`step` returns a carry of the same shapes, and an output [*batch, features]."""
    params, inputs, carry = random_arguments(layer, in_features, STEPS, ROWS)
    after, y = jax.eval_shape(layer.step, params, carry, inputs[0])
    require_same_shapes(after, carry)
    wanted = (ROWS, layer.features)
    require(y.shape == wanted, f"the output has shape {y.shape}, not {wanted}")


@law(every_layer)
def trainable_is_a_tree_of_booleans_like_the_parameters(layer, in_features):
    """`trainable` returns a tree of booleans with the structure of the parameters."""
    params = random_params(layer, in_features)
    trainable = layer.trainable(params)
    structure = jax.tree.structure(trainable)
    same = structure == jax.tree.structure(params)
    require(same, f"it is {structure}, unlike the parameters")
    kinds = {type(leaf).__name__ for leaf in jax.tree.leaves(trainable)}
    require(kinds <= {"bool"}, f"its leaves are {', '.join(sorted(kinds))}")
