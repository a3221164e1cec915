"""However time or a batch is divided, the whole is the same: chunks, streams, axes."""

import jax
import numpy as np

from seqjax.testing.comparison import Case, assert_close, assert_equal
from seqjax.testing.data import MASK, RESETS, ROWS, STEPS, random_arguments, row_axes
from seqjax.testing.programs import Outcome, at_steps, jit, run, unroll
from seqjax.testing.registry import causal_layers, every_layer, law

BOTH_WAYS = (Case(MASK, RESETS), Case(MASK, RESETS, reverse=True))


def data(layer, in_features):
    """Draws a row for every mask with every pattern of resets."""
    return random_arguments(layer, in_features, STEPS, ROWS)


@law(every_layer)
def chunks_compose(layer, in_features):
    """Chunks of time, one after the other, are the whole."""
    arguments = data(layer, in_features)
    for sizes, case in zip(((2,), (1, 2)), BOTH_WAYS, strict=True):
        expected = run(layer, arguments, case)
        for size in sizes:  # 2 leaves a shorter chunk at the end
            chunked = case._replace(chunk=size)
            assert_close(run(layer, arguments, chunked), expected, chunked)


@law(causal_layers)
def streaming_is_the_whole(layer, in_features):
    """Parts of a sequence, each from the carry of the one before, are the whole."""
    arguments, case = data(layer, in_features), Case(MASK, RESETS)
    whole = run(layer, arguments, case)
    for border in range(STEPS + 1):
        carry, parts = arguments.carry, []
        for part in (slice(border), slice(border, None)):
            given = at_steps(arguments, part)._replace(carry=carry)
            carry, ys = run(layer, given, case.at(part))
            parts.append(ys)
        case = case._replace(remark=f"in two parts, the first of {border} steps")
        assert_close(Outcome(carry, np.concatenate(parts)), whole, case)


@law(every_layer)
def leading_axes_and_vmap_agree(layer, in_features):
    """One batch axis, two of them, and vmap over single rows give the same."""
    arguments, case = data(layer, in_features), Case(MASK, RESETS)
    axes = row_axes(layer, in_features)
    outcome_axes = Outcome(axes.carry, 1)

    def split(tree, axes):
        """Makes one axis of rows two, of which the first has eight."""

        def leaf(a, axis):
            shape = (*a.shape[:axis], 8, -1, *a.shape[axis + 1 :])
            return a if axis < 0 else a.reshape(shape)

        return jax.tree.map(leaf, tree, axes)

    expected = split(run(layer, arguments, case), outcome_axes)
    flags = (MASK.reshape(STEPS, 8, -1), RESETS.reshape(STEPS, 8, -1))
    given = split(arguments, axes)
    case = case._replace(remark="with two batch axes")
    assert_split_close(_with_two_axes(layer, given, *flags), expected, case)
    case = case._replace(remark="by vmap over single rows")
    assert_split_close(_by_vmap(layer, given, *flags), expected, case)


def assert_split_close(found, expected, case):
    """Compares outcomes with two axes of rows, which are named by their one number."""

    def joined(outcome):
        carry = jax.tree.map(lambda a: a.reshape(ROWS, *a.shape[2:]), outcome.carry)
        ys = outcome.outputs
        return Outcome(carry, ys.reshape(len(ys), ROWS, *ys.shape[3:]))

    found = jax.tree.map(np.asarray, found)
    assert_close(joined(found), joined(expected), case)


@jit
def _with_two_axes(layer, arguments, mask, resets):
    return unroll(layer, arguments, mask=mask, resets=resets)


@jit
def _by_vmap(layer, arguments, mask, resets):
    axes = row_axes(layer, arguments.inputs.shape[-1])
    in_axes = jax.tree.map(lambda axis: None if axis < 0 else axis, axes)

    def one(arguments, mask, resets):
        return unroll(layer, arguments, mask=mask, resets=resets)

    one = jax.vmap(one, (in_axes, 1, 1), Outcome(0, 1))
    return jax.vmap(one, (in_axes, 1, 1), Outcome(0, 1))(arguments, mask, resets)


@law(every_layer)
def no_step_at_all_keeps_the_carry(layer, in_features):
    """A sequence of no steps returns its carry and no output, by each gradient."""
    arguments = at_steps(data(layer, in_features), slice(0))
    outputs = np.zeros((0, ROWS, layer.features))
    flags = Case(MASK[:0], RESETS[:0], remark="no steps")
    cases = [flags._replace(gradient=name) for name in ("lean", "plain", "remat")]
    for case in (Case(remark="no steps"), flags._replace(chunk=2), *cases):
        found = run(layer, arguments, case)
        assert_equal(found, Outcome(arguments.carry, outputs), case)
