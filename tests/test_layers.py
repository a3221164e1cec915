"""Layers made of layers: what each kind adds to the layers inside."""

import jax
import jax.numpy as jnp
import numpy as np
from discovered import LAYERS, assert_close, both_ways, over
from random_data import random_arguments, random_carry, random_like

from seqjax import Bidirectional, LearnedInitialCarry
from seqjax.testing.comparison import Case
from seqjax.testing.data import MASK, RESETS, ROWS, STEPS, Arguments
from seqjax.testing.programs import run

BIDIRECTIONAL = {k: v for k, v in LAYERS.items() if isinstance(v, Bidirectional)}


@over(BIDIRECTIONAL)
@both_ways
def test_bidirectional_is_two_layers(layer, reverse):
    params, xs, carry = arguments = random_arguments(layer, STEPS, ROWS)
    forward, backward = layer.layers
    case = Case(MASK, RESETS, reverse)
    last, ys = run(layer, arguments, case)
    last_forward, ys_forward = run(
        forward, Arguments(params.forward, xs, carry.forward), case
    )
    # Back, the end of a segment is its start.
    starts = np.pad(RESETS, ((1, 1), (0, 0)))
    starts = starts[:-2] if reverse else starts[2:]
    last_backward, ys_backward = run(
        backward,
        Arguments(params.backward, xs, carry.backward),
        Case(MASK, starts, not reverse),
    )
    assert_close(tuple(last), (last_forward, last_backward))
    merged = {
        "concat": lambda: np.concatenate([ys_forward, ys_backward], axis=-1),
        "sum": lambda: ys_forward + ys_backward,
        "mean": lambda: (ys_forward + ys_backward) / 2,
    }
    assert_close(ys, merged[layer.merge]())


def test_residual_adds_its_input():
    layer, case = LAYERS["residual"], Case(MASK)
    arguments = random_arguments(layer, STEPS, ROWS)
    last, ys = run(layer.layer, arguments, case)
    expected = ys + np.where(MASK[..., None], arguments.inputs, 0)
    assert_close(tuple(run(layer, arguments, case)), (last, expected))


def test_a_learned_carry_is_where_a_run_begins():
    layer = LAYERS["learned_start"]
    assert isinstance(layer, LearnedInitialCarry)
    params, xs, _ = random_arguments(layer, STEPS, ROWS)
    learned = random_like(params.carry, seed=5)
    start = jax.tree.map(lambda a: jnp.tile(a, (ROWS, 1)), learned)
    begun = Arguments(params._replace(carry=learned), xs, None)
    expected = run(layer.layer, Arguments(params.layer, xs, start), Case())
    assert_close(run(layer, begun, Case()), expected)


def test_a_reset_before_the_first_step_reaches_every_forward_direction():
    layer = Bidirectional(Bidirectional(LAYERS["simplified_gru"]))
    arguments = random_arguments(layer, STEPS, 3)
    resets = np.zeros((STEPS, 3), bool)
    resets[0] = True

    def outputs_of_each_direction(seed):
        begun = arguments._replace(carry=random_carry(layer, (3,), seed=seed))
        return np.split(run(layer, begun, Case(None, resets)).outputs, 4, axis=-1)

    pairs = zip(*(outputs_of_each_direction(seed) for seed in (1, 2)), strict=True)
    reached = [np.allclose(one, other) for one, other in pairs]
    # The outer way back turns its layer round: there, the inner way back goes forward.
    assert reached == [True, False, False, True]
