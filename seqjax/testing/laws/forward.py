"""What unrolling means: steps, masks, resets, directions."""

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.testing.comparison import Case, assert_close, assert_equal, require
from seqjax.testing.data import (
    MASK,
    RESETS,
    ROWS,
    STEPS,
    Arguments,
    patterns,
    poison,
    random_arguments,
)
from seqjax.testing.programs import Outcome, at_steps, run, select, step
from seqjax.testing.registry import causal_layers, every_layer, law

VALID, NEVER = np.ones_like(MASK), np.zeros_like(MASK)
BOTH_WAYS = (Case(MASK, RESETS), Case(MASK, RESETS, reverse=True))


def data(layer, in_features):
    """Draws a row for every mask with every pattern of resets."""
    return random_arguments(layer, in_features, STEPS, ROWS)


def directions(layer):
    """Returns whether to go back; a loop of steps shows it of what can be stepped."""
    return (False,) if layer.causal else (False, True)


def start_of(layer, arguments):
    """Returns the state that a run without a carry begins with."""
    start = layer.initial_carry_from(arguments.params, (ROWS,), jnp.float64)
    return jax.device_get(start)


@law(causal_layers)
def unroll_is_a_loop_of_step(layer, in_features):
    """Unrolling is a loop of `step` that skips masked steps and obeys resets."""
    arguments = data(layer, in_features)
    for case in BOTH_WAYS:
        expected = loop_of_steps(layer, arguments, case)
        assert_close(run(layer, arguments, case), expected, case)


def loop_of_steps(layer, arguments: Arguments, case: Case) -> Outcome:
    """Unrolls a layer step by step, in Python."""
    params, inputs, carry = arguments
    start, ys = start_of(layer, arguments), [np.zeros(0)] * STEPS
    for t in reversed(range(STEPS)) if case.reverse else range(STEPS):
        before = select(RESETS[t], start, carry)
        after, y = jax.device_get(step(layer, params, before, inputs[t]))
        carry = select(MASK[t], after, before)
        ys[t] = select(MASK[t], y, np.zeros_like(y))
    return Outcome(carry, np.stack(ys))


@law(every_layer)
def no_mask_is_all_valid_and_no_resets_is_never(layer, in_features):
    """No mask means that every step is valid, no resets that none resets."""
    arguments = data(layer, in_features)
    for absent, silent in (
        (Case(None, RESETS), Case(VALID, RESETS)),
        (Case(MASK, None), Case(MASK, NEVER)),
        (Case(None, None), Case(VALID, NEVER)),
    ):
        expected = run(layer, arguments, silent)
        assert_close(run(layer, arguments, absent), expected, absent)


@law(every_layer)
def a_causal_layer_has_seen_nothing_of_what_comes_later(layer, in_features):
    """Outputs depend on later inputs exactly if the layer does not say it is causal."""
    arguments = data(layer, in_features)
    inputs = arguments.inputs
    later = np.concatenate([inputs[:-1], inputs[-1:] + 1])
    outputs, changed = (
        run(layer, arguments._replace(inputs=x), Case()).outputs
        for x in (inputs, later)
    )
    seen = not np.array_equal(outputs[:-1], changed[:-1])
    words = "depend" if seen else "do not depend"
    sentence = f"`causal` is {layer.causal}, and outputs {words} on later inputs"
    require(seen != layer.causal, sentence)


@law(every_layer)
def without_a_carry_a_run_begins_at_the_start(layer, in_features):
    """Without a carry a run begins with `initial_carry_from`."""
    arguments, case = data(layer, in_features), Case(MASK, RESETS)
    found = run(layer, arguments._replace(carry=None), case)
    start = arguments._replace(carry=start_of(layer, arguments))
    assert_close(found, run(layer, start, case), case)


@law(every_layer)
def masked_steps_output_zero_and_empty_rows_keep_the_carry(layer, in_features):
    """A masked step outputs zero, and a row of length 0 returns its carry."""
    arguments = data(layer, in_features)
    empty = ~np.any(MASK | RESETS, axis=0)
    for case in BOTH_WAYS:
        found = run(layer, arguments, case)
        ys = found.outputs
        assert_equal(Outcome((), ys), Outcome((), select_steps(MASK, ys)), case)
        require(np.any(ys[MASK]), "all outputs are zero", case)
        kept = select(empty, arguments.carry, found.carry)
        assert_equal(found, Outcome(kept, ys), case)


def select_steps(mask, ys):
    """Puts zero where the mask is False."""
    return np.where(mask[..., None], ys, 0)


@law(every_layer)
def a_padded_row_is_the_row_alone(layer, in_features):
    """A row with masked steps gives what its valid steps give without the others."""
    arguments = data(layer, in_features)
    for reverse in directions(layer):
        for valid in patterns(STEPS).T:
            mask = np.broadcast_to(valid[:, None], MASK.shape)
            case = Case(mask, NEVER, reverse)
            found = run(layer, arguments, case)
            case_alone = Case(VALID, NEVER, reverse).at(valid)
            alone = run(layer, at_steps(arguments, valid), case_alone)
            ys = np.zeros_like(found.outputs)
            ys[valid] = alone.outputs
            assert_close(found, Outcome(alone.carry, ys), case)


@law(every_layer)
def poisoned_padding_changes_no_output(layer, in_features):
    """NaN and infinities in the padding change no output and no carry."""
    arguments = data(layer, in_features)
    poisoned = arguments._replace(inputs=poison(MASK, arguments.inputs))
    for case in BOTH_WAYS:
        case = case._replace(remark="NaN and infinities where masked")
        assert_equal(run(layer, poisoned, case), run(layer, arguments, case), case)


@law(every_layer)
def resets_run_segments_apart(layer, in_features):
    """A reset begins a segment, which gives what it gives alone from the start."""
    arguments = data(layer, in_features)
    arguments = arguments._replace(carry=start_of(layer, arguments))
    for reverse in directions(layer):
        for pattern in patterns(STEPS).T:
            resets = np.broadcast_to(pattern[:, None], MASK.shape)
            case = Case(MASK, resets, reverse)
            found = run(layer, arguments, case)
            last, ys = segments_apart(layer, arguments, case, pattern)
            last = last if layer.causal else found.carry
            assert_close(found, Outcome(last, ys), case)


def segments_apart(layer, arguments, case, pattern) -> Outcome:
    """Runs each segment from the carry that is given."""
    starts = np.flatnonzero(pattern) + (1 if case.reverse else 0)
    segments = np.split(np.arange(STEPS), starts)
    case = case._replace(resets=NEVER)
    apart = [run(layer, at_steps(arguments, s), case.at(s)) for s in segments]
    last, _ = apart[0 if case.reverse else -1]
    return Outcome(last, np.concatenate([ys for _, ys in apart]))


@law(every_layer)
def reverse_is_flip_run_flip(layer, in_features):
    """To go back is to go forward over what is flipped, outputs flipped again."""
    arguments = data(layer, in_features)
    flip = slice(None, None, -1)
    last, ys = run(layer, at_steps(arguments, flip), Case(MASK, RESETS).at(flip))
    back = Case(MASK, RESETS, reverse=True)
    assert_close(run(layer, arguments, back), Outcome(last, ys[flip]), back)
