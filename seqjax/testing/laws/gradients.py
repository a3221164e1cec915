"""Gradients: against central differences, against each other, along a direction."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.testing.comparison import Case, LawError, assert_close, require
from seqjax.testing.data import (
    MASK,
    RESETS,
    ROWS,
    STEPS,
    Arguments,
    complete,
    parameter_shapes,
    poison,
    random_arguments,
    random_like,
)
from seqjax.testing.differences import STEP
from seqjax.testing.programs import differences_of, gradient_of, plain_derivatives
from seqjax.testing.registry import every_layer, law

FORWARD, REVERSE = Case(MASK, RESETS), Case(MASK, RESETS, reverse=True)
MOST_PARAMETERS = 2000
POISONED = "NaN and infinities where masked"


def data(layer, in_features, draw=0) -> Arguments:
    """Draws a row for every mask with every pattern of resets."""
    return random_arguments(layer, in_features, STEPS, ROWS, draw)


def of_two_draws(check: Callable[[int], None]) -> None:
    """Asks a second draw before a difference counts: the first may straddle a kink."""
    try:
        check(0)
    except LawError:
        check(1)


@law(every_layer)
def gradients_are_central_differences(layer, in_features):
    """The gradient of parameters, inputs and carry is the central difference."""
    shapes = parameter_shapes(layer, in_features)
    count = sum(leaf.size for leaf in jax.tree.leaves(shapes))
    require(
        count <= MOST_PARAMETERS,
        f"each of its {count} parameters would be moved: check a layer of fewer "
        f"features, with at most {MOST_PARAMETERS} parameters",
    )

    def check(draw):
        arguments = data(layer, in_features, draw)
        for case in (FORWARD, REVERSE):
            found = gradient_of(layer, arguments, case)
            expected = differences_of(layer, arguments, case)
            assert_close(found, expected, case, rtol=1e-6, atol=1e-7)

    of_two_draws(check)


@law(every_layer)
def every_parameter_matters(layer, in_features):
    """No number among the parameters has the gradient zero."""
    shapes = parameter_shapes(layer, in_features)
    params = jax.tree.map(jnp.asarray, random_like(shapes, seed=1))
    _, pull = jax.vjp(lambda params: complete(layer, params, (ROWS,)), params)
    completed = gradient_of(layer, data(layer, in_features), FORWARD).params
    (gradient,) = pull(completed)
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        idle = np.argwhere(np.asarray(leaf) == 0)
        name = jax.tree_util.keystr(path)
        where = f"{len(idle)} of {leaf.size} numbers of params{name} have no effect"
        require(not len(idle), f"{where}, first at {idle[:1].tolist()}", FORWARD)


@law(every_layer)
def lean_plain_and_remat_agree_whatever_stands_in_the_padding(layer, in_features):
    """All three gradients agree, with NaN and infinities as padding."""
    arguments = data(layer, in_features)
    poisoned = arguments._replace(inputs=poison(MASK, arguments.inputs))
    expected = gradient_of(layer, arguments, REVERSE)
    tangent = random_like(arguments, seed=8)
    plain = REVERSE._replace(gradient="plain", remark=POISONED)
    remat = REVERSE._replace(gradient="remat", remark=POISONED, chunk=1)
    lean = REVERSE._replace(gradient="lean", remark=POISONED)
    for case, found in (
        (lean, gradient_of(layer, poisoned, lean)),
        (remat, gradient_of(layer, poisoned, remat)),
        (plain, plain_derivatives(layer, poisoned, tangent, plain).gradient),
    ):
        assert_close(found, expected, case)
        require(not np.any(found.inputs[~MASK]), "padding has a gradient", case)


@law(every_layer)
def forward_mode_is_reverse_mode(layer, in_features):
    """Along any direction, plain's forward mode gives what the gradient gives."""
    arguments = data(layer, in_features)
    tangent = random_like(arguments, seed=8)
    case = REVERSE._replace(gradient="plain", remark="forward mode")
    found = plain_derivatives(layer, arguments, tangent, case).slope
    products = jax.tree.map(np.vdot, gradient_of(layer, arguments, REVERSE), tangent)
    assert_close(found, sum(jax.tree.leaves(products)), case)


@law(every_layer)
def plain_has_second_derivatives(layer, in_features):
    """The forward derivative of plain's gradient is its central difference."""
    case = REVERSE._replace(gradient="plain", remark="second derivative")

    def check(draw):
        arguments = data(layer, in_features, draw)
        tangent = random_like(arguments, seed=8)

        def derivatives(step):
            moved = jax.tree.map(lambda a, d: a + step * d, arguments, tangent)
            return plain_derivatives(layer, moved, tangent, case)

        pair = derivatives(STEP).gradient, derivatives(-STEP).gradient
        expected = jax.tree.map(lambda a, b: (a - b) / (2 * STEP), *pair)
        found = derivatives(0.0).curvature
        assert_close(found, expected, case, rtol=1e-6, atol=1e-6)

    of_two_draws(check)
