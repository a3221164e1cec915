"""What unrolling means: steps, masks, resets, directions, chunks, batch axes."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import (
    LAYERS,
    STEPPERS,
    assert_close,
    both_ways,
    each_gradient,
    jit,
    over,
)
from random_data import (
    append_axes,
    every_mask_and_reset,
    patterns,
    poison,
    random_arguments,
    random_carry,
    random_inputs,
    random_like,
    random_params,
)

from seqjax import Bidirectional, Layer, LearnedInitialCarry
from seqjax.masks import from_lengths

STEPS = 4
MASK, RESETS = every_mask_and_reset(STEPS)
FLAGS = {"mask": MASK, "resets": RESETS}
ROWS = MASK.shape[1]
VALID, NEVER = np.ones_like(MASK), np.zeros_like(MASK)

unroll_jitted = jit(Layer.unroll, static_argnames=("reverse", "gradient", "chunk"))
step = jit(lambda layer, *arguments: layer.step(*arguments))


def run(layer, params, xs, carry=None, mask=None, resets=None, **options):
    """`unroll`, compiled once for calls of the same meaning."""
    options = {"reverse": False, "gradient": "lean", "chunk": None, **options}
    flags = {"mask": mask, "resets": resets}
    return jax.device_get(unroll_jitted(layer, params, xs, carry, **flags, **options))


def data(layer):
    return random_arguments(layer, STEPS, ROWS)


def start_of(layer, params):
    return jax.device_get(layer.initial_carry_from(params, (ROWS,), jnp.float64))


# What can be stepped is walked back in the loop of steps already; of it, one here.
both_ways_where_needed = pytest.mark.parametrize(
    ("layer", "reverse"),
    [pytest.param(layer, False, id=name) for name, layer in LAYERS.items()]
    + [
        pytest.param(layer, True, id=f"{name}-back")
        for name, layer in LAYERS.items()
        if name not in STEPPERS or name == "lstm"
    ],
)


def select(flags, new, old):
    """Rows of one tree or the other."""
    return jax.tree.map(lambda n, o: np.where(append_axes(flags, n), n, o), new, old)


def at(rows, tree):
    return jax.tree.map(lambda a: a[rows], tree)


@over(STEPPERS)
@both_ways
def test_unroll_is_a_loop_of_step(layer, reverse):
    params, xs, carry = data(layer)
    found = run(layer, params, xs, carry, **FLAGS, reverse=reverse)
    start, ys = start_of(layer, params), [None] * STEPS
    for t in reversed(range(STEPS)) if reverse else range(STEPS):
        before = select(RESETS[t], start, carry)
        after, y = step(layer, params, before, xs[t])
        carry = select(MASK[t], after, before)
        ys[t] = select(MASK[t], y, np.zeros_like(y))
    assert_close(found, (carry, np.stack(ys)))


@over(LAYERS)
def test_no_mask_is_all_valid_and_no_resets_is_never(layer):
    params, xs, carry = data(layer)
    unroll = functools.partial(run, layer, params, xs, carry)
    for absent, silent in (
        ({"mask": None}, {"mask": VALID}),
        ({"resets": None}, {"resets": NEVER}),
        ({"mask": None, "resets": None}, {"mask": VALID, "resets": NEVER}),
    ):
        assert_close(unroll(**FLAGS | absent), unroll(**FLAGS | silent))


@over(LAYERS)
def test_without_a_carry_a_run_begins_at_the_start(layer):
    params, xs, _ = data(layer)
    unroll = functools.partial(run, layer, params, xs, **FLAGS)
    assert_close(unroll(None), unroll(start_of(layer, params)))


@over(LAYERS)
@both_ways
def test_masked_steps_output_zero_and_empty_rows_keep_the_carry(layer, reverse):
    params, xs, carry = data(layer)
    last, ys = run(layer, params, xs, carry, **FLAGS, reverse=reverse)
    assert not np.any(ys[~MASK])
    assert np.any(ys[MASK])
    empty = ~np.any(MASK | RESETS, axis=0)
    assert np.any(empty)
    chex.assert_trees_all_equal(at(empty, last), at(empty, carry))


@both_ways_where_needed
def test_a_padded_row_is_the_row_alone(layer, reverse):
    params, xs, carry = data(layer)
    unroll = functools.partial(run, layer, params, reverse=reverse)
    for valid in patterns(STEPS).T:
        mask = np.broadcast_to(valid[:, None], MASK.shape)
        last, ys = unroll(xs, carry, mask=mask, resets=NEVER)
        alone = unroll(xs[valid], carry, mask=VALID[valid], resets=NEVER[valid])
        assert_close((last, ys[valid]), alone)


def test_lengths_mark_the_first_steps():
    lengths = jnp.array([[4, 2], [0, 3]])
    mask = from_lengths(lengths, 4)
    assert mask.shape == (4, 2, 2)
    np.testing.assert_array_equal(mask.sum(0), lengths)
    np.testing.assert_array_equal(mask[:, 0, 1], [True, True, False, False])
    assert from_lengths(2, 3).tolist() == [True, True, False]


@over(LAYERS)
@both_ways
def test_poisoned_padding_changes_no_output(layer, reverse):
    params, xs, carry = data(layer)
    unroll = functools.partial(
        run, layer, params, carry=carry, **FLAGS, reverse=reverse
    )
    clean, poisoned = unroll(xs=xs), unroll(xs=poison(MASK, xs))
    chex.assert_tree_all_finite(poisoned)
    chex.assert_trees_all_equal(poisoned, clean)


@both_ways_where_needed
def test_resets_run_segments_apart(layer, reverse):
    params, xs, _ = data(layer)
    start = start_of(layer, params)
    unroll = functools.partial(run, layer, params, carry=start, reverse=reverse)
    for pattern in patterns(STEPS).T:
        resets = np.broadcast_to(pattern[:, None], MASK.shape)
        last, ys = unroll(xs=xs, mask=MASK, resets=resets)
        segment_starts = np.flatnonzero(pattern) + (1 if reverse else 0)
        segments = np.split(np.arange(STEPS), segment_starts)
        apart = [unroll(xs=xs[s], mask=MASK[s], resets=NEVER[s]) for s in segments]
        assert_close(ys, np.concatenate([ys for _, ys in apart]))
        if layer in STEPPERS.values():
            last_apart, _ = apart[0 if reverse else -1]
            assert_close(last, last_apart)


@over(LAYERS)
def test_reverse_is_flip_run_flip(layer):
    params, xs, carry = data(layer)
    last, ys = run(layer, params, xs[::-1], carry, mask=MASK[::-1], resets=RESETS[::-1])
    found = run(layer, params, xs, carry, **FLAGS, reverse=True)
    assert_close(found, (last, ys[::-1]))


@over(LAYERS)
def test_chunks_compose(layer):
    params, xs, carry = data(layer)
    unroll = functools.partial(run, layer, params, xs, carry, **FLAGS)
    for size, reverse in ((3, False), (2, True)):
        assert_close(unroll(chunk=size, reverse=reverse), unroll(reverse=reverse))


@both_ways
@pytest.mark.parametrize("size", range(1, STEPS + 2))
def test_chunks_of_any_size_compose(size, reverse):
    layer = LAYERS["gru"]
    params, xs, carry = data(layer)
    unroll = functools.partial(run, layer, params, xs, carry, reverse=reverse)
    for flags in ({}, FLAGS):
        assert_close(unroll(chunk=size, **flags), unroll(**flags))


@over(STEPPERS)
def test_streaming_is_the_whole(layer):
    params, xs, carry = data(layer)
    whole = run(layer, params, xs, carry, **FLAGS)
    for border in range(STEPS + 1):
        passed, parts = carry, []
        for part in (slice(border), slice(border, None)):
            flags = at(part, FLAGS)
            passed, ys = run(layer, params, xs[part], passed, **flags)
            parts.append(ys)
        assert_close((passed, np.concatenate(parts)), whole)


@over(LAYERS)
def test_leading_axes_and_vmap_agree(layer):
    params, xs, carry = data(layer)
    last, ys = run(layer, params, xs, carry, **FLAGS)

    def unroll(xs, carry, mask, resets):
        return layer.unroll(params, xs, carry, mask=mask, resets=resets)

    def split(tree, axis):
        """Makes one axis of rows two, of which the first has eight."""
        return jax.tree.map(
            lambda a: a.reshape(*a.shape[:axis], 8, -1, *a.shape[axis + 1 :]), tree
        )

    (xs, mask, resets), carry = split((xs, MASK, RESETS), 1), split(carry, 0)
    two_axes = jit(unroll)(xs, carry, mask, resets)
    assert_close(two_axes, (split(last, 0), split(ys, 1)))

    over_rows = jax.vmap(unroll, in_axes=(1, 0, 1, 1), out_axes=(0, 1))
    over_both = jax.vmap(over_rows, in_axes=(1, 0, 1, 1), out_axes=(0, 1))
    assert_close(jit(over_both)(xs, carry, mask, resets), two_axes)


@each_gradient
def test_a_row_may_stand_alone(gradient):
    layer = LAYERS["lstm"]
    params, xs, carry = data(layer)
    last, ys = run(layer, params, xs, carry, **FLAGS)
    row = 91  # with masked and valid steps, resets and none
    flags = {"mask": MASK[:, row], "resets": RESETS[:, row]}
    alone = run(layer, params, xs[:, row], at(row, carry), **flags, gradient=gradient)
    assert_close(alone, (at(row, last), ys[:, row]))


@over(LAYERS)
@each_gradient
def test_no_step_at_all_keeps_the_carry(layer, gradient):
    params, carry = random_params(layer), random_carry(layer, (3,))
    xs, none = random_inputs(0, 3), np.zeros((0, 3), bool)
    for flags in ({}, {"mask": none, "resets": none}):
        last, ys = layer.unroll(params, xs, carry, gradient=gradient, chunk=2, **flags)
        chex.assert_trees_all_equal(last, carry)
        assert ys.shape == (0, 3, layer.features)


BIDIRECTIONAL = {k: v for k, v in LAYERS.items() if isinstance(v, Bidirectional)}


@over(BIDIRECTIONAL)
@both_ways
def test_bidirectional_is_two_walks(layer, reverse):
    params, xs, carry = data(layer)
    ahead, back = layer.layers
    last, ys = run(layer, params, xs, carry, **FLAGS, reverse=reverse)
    last_ahead, ys_ahead = run(
        ahead, params.forward, xs, carry.forward, **FLAGS, reverse=reverse
    )
    segment_starts = np.pad(RESETS, ((1, 1), (0, 0)))
    seen_from_behind = segment_starts[:-2] if reverse else segment_starts[2:]
    flags = {"mask": MASK, "resets": seen_from_behind}
    last_back, ys_back = run(
        back, params.backward, xs, carry.backward, **flags, reverse=not reverse
    )
    assert_close(tuple(last), (last_ahead, last_back))
    merged = {
        "concat": lambda: np.concatenate([ys_ahead, ys_back], axis=-1),
        "sum": lambda: ys_ahead + ys_back,
        "mean": lambda: (ys_ahead + ys_back) / 2,
    }
    assert_close(ys, merged[layer.merge]())


def test_residual_adds_its_input():
    layer = LAYERS["residual"]
    params, xs, carry = data(layer)
    last, ys = run(layer.layer, params, xs, carry, mask=MASK)
    expected = ys + np.where(MASK[..., None], xs, 0)
    assert_close(run(layer, params, xs, carry, mask=MASK), (last, expected))


def test_learned_start_begins_at_its_carry():
    layer = LAYERS["learned_start"]
    assert isinstance(layer, LearnedInitialCarry)
    params, xs, _ = data(layer)
    learned = random_like(params.carry, seed=5)
    start = jax.tree.map(lambda a: jnp.tile(a, (ROWS, 1)), learned)
    assert_close(
        run(layer, params._replace(carry=learned), xs),
        run(layer.layer, params.layer, xs, start),
    )


def test_a_reset_before_the_first_step_reaches_every_walk_ahead():
    layer = Bidirectional(Bidirectional(LAYERS["simplified_gru"]))
    params, xs = random_params(layer), random_inputs(STEPS, 3)
    resets = np.zeros((STEPS, 3), bool)
    resets[0] = True

    def outputs_of_each_walk(seed):
        carry = random_carry(layer, (3,), seed=seed)
        _, ys = run(layer, params, xs, carry, resets=resets)
        return np.split(ys, 4, axis=-1)

    walks = zip(outputs_of_each_walk(1), outputs_of_each_walk(2), strict=True)
    reached = [np.allclose(one, other) for one, other in walks]
    # The outer way back turns its layer round: there, the inner way back walks ahead.
    assert reached == [True, False, False, True]
