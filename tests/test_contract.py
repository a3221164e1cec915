"""What every layer promises beside its numbers: traces, copies, clear refusals."""

import copy

import chex
import jax
import numpy as np
import pytest
from discovered import IN, LAYERS, jit, over_named
from random_data import (
    random_arguments,
    random_carry,
    random_flags,
)

from seqjax import Bidirectional, Residual, Stack
from seqjax.cells import LSTM, Elman, make

STEPS, ROWS = 3, 5


def data(layer):
    return random_arguments(layer, STEPS, ROWS)


def test_equal_layers_share_a_trace_and_others_do_not():
    traced = []
    trace = jax.jit(lambda layer: traced.append(layer))
    for layer in (*LAYERS.values(), *copy.deepcopy(list(LAYERS.values()))):
        trace.eval_shape(layer)
    assert len(traced) == len(LAYERS)
    assert len(set(LAYERS.values())) == len(LAYERS)


over_each_kind = over_named("lstm", "stack", "bidirectional", "learned_start")

BAD_CALLS = {
    "xs must be": {"xs": np.zeros(IN)},
    "mask must be bool .* got float64": {"mask": np.ones((STEPS, ROWS))},
    "mask must be .* got bool": {"mask": np.ones((ROWS, STEPS), bool)},
    "resets must be bool .* got int64": {"resets": np.ones((STEPS, ROWS), int)},
    "resets must be .* got bool": {"resets": np.ones(STEPS, bool)},
    "gradient must be one of .* not 'fast'": {"gradient": "fast"},
    "chunk must be an integer of at least 1, not 0": {"chunk": 0},
    "chunk must be an integer of at least 1, not 2.5": {"chunk": 2.5},
    "for inputs of width 5 the parameters of .* got": {
        "xs": np.zeros((STEPS, ROWS, 5))
    },
}


@over_each_kind
@pytest.mark.parametrize(
    ("message", "argument"), BAD_CALLS.items(), ids=BAD_CALLS.keys()
)
def test_bad_arguments_are_named(layer, message, argument):
    params, xs, _ = data(layer)
    with pytest.raises(ValueError, match=message):
        layer.unroll(params, **{"xs": xs, **argument})


@over_each_kind
def test_flags_may_be_lists(layer):
    params, xs, _ = data(layer)
    given = random_flags(STEPS, ROWS)
    lists = {name: np.asarray(flags).tolist() for name, flags in given.items()}
    found = jit(lambda: layer.unroll(params, xs, **lists))()
    expected = jit(lambda: layer.unroll(params, xs, **given))()
    chex.assert_trees_all_equal(found, expected)


@over_each_kind
def test_bad_carries_are_named(layer):
    params, xs, carry = data(layer)
    misshapen = [
        random_carry(layer, (ROWS + 1,)),
        random_carry(layer, ()),
        jax.tree.leaves(carry),
        (carry, carry),
    ]
    for wrong in misshapen:
        with pytest.raises(ValueError, match="the carry of .* must look like .* got"):
            layer.unroll(params, xs, wrong)
    integers = jax.tree.map(lambda a: a.astype(int), carry)
    with pytest.raises(ValueError, match="carry of .* must be floating point"):
        layer.unroll(params, xs, integers)


@pytest.mark.parametrize(
    "build",
    [lambda: Stack((3,)), lambda: Residual("lstm"), lambda: Bidirectional(LSTM)],
    ids=["stack", "residual", "bidirectional"],
)
def test_what_is_no_layer_cannot_be_inside_one(build):
    with pytest.raises(TypeError, match="is made of layers, not"):
        build()


BAD_LAYERS = {
    "Stack needs at least one layer": lambda: Stack(()),
    "merge must be one of": lambda: Bidirectional(Elman(3), merge="product"),
    "needs equal widths, got 3 and 2": lambda: Bidirectional(
        Elman(3), Elman(2), merge="sum"
    ),
    "Residual adds 4 outputs to 3 inputs": lambda: Residual(Elman(4)).init(
        jax.random.key(0), 3
    ),
    "jax.nn has no activation 'sine'": lambda: Elman(3, activation="sine"),
    "output_activation must be": lambda: LSTM(3, output_activation="relu"),
    "leak must be in": lambda: make("echo_state(leak=0.0)", features=3),
    "density must be in": lambda: make("echo_state(density=1.5)", features=3),
}


@pytest.mark.parametrize(
    ("message", "build"), BAD_LAYERS.items(), ids=BAD_LAYERS.keys()
)
def test_bad_layers_are_refused(message, build):
    with pytest.raises(ValueError, match=message):
        build()
