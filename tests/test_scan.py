"""The scan of particular layers: chunks of any size, rows without a batch, lengths."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import LAYERS, assert_close, both_ways, each_gradient, over_named
from random_data import random_arguments

from seqjax.masks import from_lengths
from seqjax.testing.comparison import Case
from seqjax.testing.data import every_mask_and_reset
from seqjax.testing.programs import run

STEPS = 4
MASK, RESETS = every_mask_and_reset(STEPS)
ROWS = MASK.shape[1]


def test_lengths_mark_the_first_steps():
    lengths = jnp.array([[4, 2], [0, 3]])
    mask = from_lengths(lengths, 4)
    assert mask.shape == (4, 2, 2)
    np.testing.assert_array_equal(mask.sum(0), lengths)
    np.testing.assert_array_equal(mask[:, 0, 1], [True, True, False, False])
    assert from_lengths(2, 3).tolist() == [True, True, False]


@both_ways
@pytest.mark.parametrize("size", range(1, STEPS + 2))
def test_chunks_of_any_size_compose(size, reverse):
    layer = LAYERS["gru"]
    arguments = random_arguments(layer, STEPS, ROWS)
    for case in (Case(reverse=reverse), Case(MASK, RESETS, reverse)):
        found = run(layer, arguments, case._replace(chunk=size))
        assert_close(found, run(layer, arguments, case))


@each_gradient
def test_a_row_may_stand_alone(gradient):
    layer = LAYERS["lstm"]
    arguments = random_arguments(layer, STEPS, ROWS)
    last, ys = run(layer, arguments, Case(MASK, RESETS))
    row = 91  # with masked and valid steps, resets and none

    def of_row(tree):
        return jax.tree.map(lambda leaf: leaf[row], tree)

    params, xs, carry = arguments
    alone = arguments._replace(inputs=xs[:, row], carry=of_row(carry))
    case = Case(MASK[:, row], RESETS[:, row], gradient=gradient)
    found = run(layer, alone, case)
    assert_close(tuple(found), (of_row(last), ys[:, row]))


@over_named("lstm", "fast_weights", "stack_with_readout")
def test_integer_inputs_are_numbers(layer):
    params, xs, _ = random_arguments(layer, 3, 5)
    whole = np.round(3 * xs)
    found = layer.unroll(params, whole.astype(np.int32))
    assert_close(found, layer.unroll(params, whole))
