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
    every_mask_and_reset,
    jit,
    over,
    patterns,
    poison,
    random_carry,
    random_inputs,
    random_like,
    random_params,
)

from seqjax import Bidirectional, Layer, LearnedStart
from seqjax.masks import from_lengths

STEPS = 4
MASK, RESETS = every_mask_and_reset(STEPS)
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
    carry = random_carry(layer, (ROWS,))
    return jax.device_get((random_params(layer), random_inputs(STEPS, ROWS), carry))


def begin(layer, params):
    return jax.device_get(layer.start(params, (ROWS,), jnp.float64))


# What can be stepped is walked back in the loop of steps; the rest, here too.
some_ways = pytest.mark.parametrize(
    ("layer", "reverse"),
    [pytest.param(layer, False, id=name) for name, layer in LAYERS.items()]
    + [
        pytest.param(layer, True, id=f"{name}-back")
        for name, layer in LAYERS.items()
        if name not in STEPPERS or name == "lstm"
    ],
)


def where(flags, new, old):
    def leaf(n, o):
        return np.where(flags.reshape(-1, *(1,) * (n.ndim - 1)), n, o)

    return jax.tree.map(leaf, new, old)


@over(STEPPERS)
@both_ways
def test_unroll_is_a_loop_of_step(layer, reverse):
    params, xs, carry = data(layer)
    found = run(layer, params, xs, carry, mask=MASK, resets=RESETS, reverse=reverse)
    start, ys = begin(layer, params), [None] * STEPS
    for t in reversed(range(STEPS)) if reverse else range(STEPS):
        before = where(RESETS[t], start, carry)
        after, y = step(layer, params, before, xs[t])
        carry, ys[t] = where(MASK[t], after, before), where(MASK[t], y, 0 * y)
    assert_close(found, (carry, np.stack(ys)))


@over(LAYERS)
def test_no_mask_is_all_valid_and_no_resets_is_never(layer):
    params, xs, carry = data(layer)
    flags = {"mask": MASK, "resets": RESETS}
    silent = {"mask": VALID, "resets": NEVER}
    for absent in ({"mask"}, {"resets"}, {"mask", "resets"}):
        left_out = {k: v for k, v in flags.items() if k not in absent}
        given = {k: silent[k] if k in absent else v for k, v in flags.items()}
        assert_close(
            run(layer, params, xs, carry, **left_out),
            run(layer, params, xs, carry, **given),
        )


@over(LAYERS)
def test_without_a_carry_a_run_begins_at_the_start(layer):
    params, xs, _ = data(layer)
    unroll = functools.partial(run, layer, params, xs, mask=MASK, resets=RESETS)
    assert_close(unroll(None), unroll(begin(layer, params)))


@over(LAYERS)
@both_ways
def test_masked_steps_output_zero_and_empty_rows_keep_the_carry(layer, reverse):
    params, xs, carry = data(layer)
    last, ys = run(layer, params, xs, carry, mask=MASK, resets=RESETS, reverse=reverse)
    assert not np.any(ys[~MASK])
    assert np.any(ys[MASK])
    empty = ~np.any(MASK | RESETS, axis=0)
    assert np.any(empty)
    chex.assert_trees_all_equal(
        jax.tree.map(lambda a: a[empty], last), jax.tree.map(lambda a: a[empty], carry)
    )


@some_ways
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
        run, layer, params, carry=carry, mask=MASK, resets=RESETS, reverse=reverse
    )
    clean, poisoned = unroll(xs=xs), unroll(xs=poison(MASK, xs))
    chex.assert_tree_all_finite(poisoned)
    chex.assert_trees_all_equal(poisoned, clean)


@some_ways
def test_resets_run_segments_apart(layer, reverse):
    params, xs, _ = data(layer)
    start = begin(layer, params)
    unroll = functools.partial(run, layer, params, carry=start, reverse=reverse)
    for resets in patterns(STEPS).T:
        last, ys = unroll(
            xs=xs, mask=MASK, resets=np.broadcast_to(resets[:, None], MASK.shape)
        )
        borders = np.flatnonzero(resets) + (1 if reverse else 0)
        segments = np.split(np.arange(STEPS), borders)
        apart = [unroll(xs=xs[s], mask=MASK[s], resets=NEVER[s]) for s in segments]
        assert_close(ys, np.concatenate([ys for _, ys in apart]))
        if layer in STEPPERS.values():
            assert_close(last, apart[0 if reverse else -1][0])


@over(LAYERS)
def test_reverse_is_flip_run_flip(layer):
    params, xs, carry = data(layer)
    last, ys = run(layer, params, xs[::-1], carry, mask=MASK[::-1], resets=RESETS[::-1])
    found = run(layer, params, xs, carry, mask=MASK, resets=RESETS, reverse=True)
    assert_close(found, (last, ys[::-1]))


@over(LAYERS)
def test_chunks_compose(layer):
    params, xs, carry = data(layer)
    unroll = functools.partial(run, layer, params, xs, carry, mask=MASK, resets=RESETS)
    for size, reverse in ((3, False), (2, True)):
        assert_close(unroll(chunk=size, reverse=reverse), unroll(reverse=reverse))


@both_ways
@pytest.mark.parametrize("size", range(1, STEPS + 2))
def test_chunks_of_any_size_compose(size, reverse):
    layer = LAYERS["gru"]
    params, xs, carry = data(layer)
    unroll = functools.partial(run, layer, params, xs, carry, reverse=reverse)
    for flags in ({}, {"mask": MASK, "resets": RESETS}):
        found = unroll(chunk=size, **flags)
        assert_close(found, unroll(**flags))


@over(STEPPERS)
def test_streaming_is_the_whole(layer):
    params, xs, carry = data(layer)
    whole = run(layer, params, xs, carry, mask=MASK, resets=RESETS)
    for border in range(STEPS + 1):
        passed, parts = carry, []
        for part in (slice(border), slice(border, None)):
            passed, ys = run(
                layer, params, xs[part], passed, mask=MASK[part], resets=RESETS[part]
            )
            parts.append(ys)
        assert_close((passed, np.concatenate(parts)), whole)


@over(LAYERS)
def test_leading_axes_and_vmap_agree(layer):
    params, xs, carry = data(layer)
    last, ys = run(layer, params, xs, carry, mask=MASK, resets=RESETS)

    def unroll(xs, carry, mask, resets):
        return layer.unroll(params, xs, carry, mask=mask, resets=resets)

    def split(tree, axis):
        return jax.tree.map(
            lambda a: a.reshape(*a.shape[:axis], 8, -1, *a.shape[axis + 1 :]), tree
        )

    (xs, mask, resets), carry = split((xs, MASK, RESETS), 1), split(carry, 0)
    two_axes = jit(unroll)(xs, carry, mask, resets)
    assert_close(two_axes, (split(last, 0), split(ys, 1)))

    over_rows = jax.vmap(unroll, in_axes=(1, 0, 1, 1), out_axes=(0, 1))
    over_both = jax.vmap(over_rows, in_axes=(1, 0, 1, 1), out_axes=(0, 1))
    assert_close(jit(over_both)(xs, carry, mask, resets), two_axes)


@pytest.mark.parametrize("gradient", ["lean", "plain", "remat"])
def test_a_row_may_stand_alone(gradient):
    layer = LAYERS["lstm"]
    params, xs, carry = data(layer)
    last, ys = run(layer, params, xs, carry, mask=MASK, resets=RESETS)
    row = 91
    first, last = jax.tree.map(lambda a: a[row], (carry, last))
    alone = run(
        layer,
        params,
        xs[:, row],
        first,
        mask=MASK[:, row],
        resets=RESETS[:, row],
        gradient=gradient,
    )
    assert_close(alone, (last, ys[:, row]))


@over(LAYERS)
@pytest.mark.parametrize("gradient", ["lean", "plain", "remat"])
def test_no_time_at_all(layer, gradient):
    params, carry = random_params(layer), random_carry(layer, (3,))
    xs, mask = random_inputs(0, 3), np.zeros((0, 3), bool)
    for flags in ({}, {"mask": mask, "resets": mask}):
        last, ys = layer.unroll(params, xs, carry, gradient=gradient, chunk=2, **flags)
        chex.assert_trees_all_equal(last, carry)
        assert ys.shape == (0, 3, layer.features)


BIDIRECTIONAL = {k: v for k, v in LAYERS.items() if isinstance(v, Bidirectional)}


@over(BIDIRECTIONAL)
@both_ways
def test_bidirectional_is_two_walks(layer, reverse):
    params, xs, carry = data(layer)
    ahead, back = layer.layers
    last, ys = run(layer, params, xs, carry, mask=MASK, resets=RESETS, reverse=reverse)
    borders = np.pad(RESETS, ((1, 1), (0, 0)))
    seen_from_behind = borders[:-2] if reverse else borders[2:]
    last_ahead, ys_ahead = run(
        ahead, params.ahead, xs, carry.ahead, mask=MASK, resets=RESETS, reverse=reverse
    )
    last_back, ys_back = run(
        back,
        params.back,
        xs,
        carry.back,
        mask=MASK,
        resets=seen_from_behind,
        reverse=not reverse,
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
    assert isinstance(layer, LearnedStart)
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
    found = [
        run(layer, params, xs, random_carry(layer, (3,), seed=seed), resets=resets)[1]
        for seed in (1, 2)
    ]
    walks = [np.split(ys, 4, axis=-1) for ys in found]
    same = [np.allclose(a, b) for a, b in zip(*walks, strict=True)]
    assert same == [
        True,
        False,
        False,
        True,
    ]  # the outer way back turns its layer round
