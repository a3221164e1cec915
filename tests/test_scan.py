"""The scan of particular layers: chunks of any size, rows without a batch, lengths."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import LAYERS, assert_close, both_ways, each_gradient, over_named
from random_data import random_arguments

from seqjax import LSTM, Stack, scan
from seqjax.cells import make
from seqjax.masks import from_lengths
from seqjax.testing.comparison import Case
from seqjax.testing.data import every_mask_and_reset
from seqjax.testing.programs import jit, run

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


def test_steps_at_once_need_a_linear_cell():
    layer = LAYERS["stack"]
    params, xs, _ = random_arguments(layer, STEPS, 2)
    with pytest.raises(ValueError, match="has no linear cell"):
        layer.unroll(params, xs, way="associative")
    with pytest.raises(ValueError, match="way must be one of"):
        layer.unroll(params, xs, way="sideways")
    mixed = Stack((LSTM(3), make("lru", features=4)))
    params, xs, _ = random_arguments(mixed, STEPS, 2)
    unroll = jit(mixed.unroll, static_argnames="way")
    found = unroll(params, xs, way="associative")
    assert_close(found, unroll(params, xs, way="steps"))


def test_a_linear_cell_takes_again_what_does_not_fit(monkeypatch):
    """Chunks that the library chooses give the gradient of the whole."""
    monkeypatch.setattr(scan, "CHUNK_BYTES", 1)
    monkeypatch.setattr(scan, "CHUNK_ROWS", 2 * 64)
    layer = make("min_lstm", features=4)
    params, xs, _ = random_arguments(layer, 8, 64)

    def loss(params, gradient):
        return jnp.sum(layer.unroll(params, xs, gradient=gradient)[1] ** 2)

    found, plain = (
        jit(jax.grad(loss), static_argnums=1)(params, how) for how in ("lean", "plain")
    )
    assert_close(found, plain)
    kept = [jaxpr_of(loss, params, how) for how in ("lean", "plain")]
    assert "prevent_cse" in kept[0] and "prevent_cse" not in kept[1]


def jaxpr_of(loss, params, how):
    return str(jax.make_jaxpr(loss, static_argnums=1)(params, how))
