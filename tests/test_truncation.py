"""Truncation: windows, their gradients and carries, against loops of single steps."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import IN, jit
from random_data import random_carry, random_params

from seqjax import CELLS, Stack
from seqjax.cells import GRU, LSTM
from seqjax.data import Piece, Streams
from seqjax.inspect import steps_needed, truncation, truncation_in_pieces
from seqjax.inspect.truncation import Similarity
from seqjax.metrics import Mean
from seqjax.train import truncated_loss

ROWS, STEPS = 2, 8
each_cell = pytest.mark.parametrize("cell", sorted(CELLS))
close = functools.partial(chex.assert_trees_all_close, rtol=1e-9, atol=1e-12)


class Sequences:
    """Windows of vectors and targets, cut by `Streams` as the numbers of a text are."""

    def __init__(self, every, reach):
        rng = np.random.default_rng(5)
        self.xs = rng.normal(size=(ROWS * STEPS + 1, IN))
        self.streams = Streams(np.arange(len(self.xs)), ROWS, every, reach - every)
        self.count = self.streams.steps_per_epoch

    def window(self, n):
        return jax.tree.map(lambda a: a[0], self.streams.stacked(n, 1))


def read(layer, xs, params, carry, piece, rngs):
    """A loss that weighs each step by its target; what is masked is poisoned."""
    del rngs
    vectors = jnp.asarray(xs)[piece.tokens]
    mask = None
    if piece.mask is not None:
        vectors = jnp.where(piece.mask[..., None], vectors, jnp.nan)
        mask = piece.mask.T
    options = {"mask": mask, "gradient": "plain"}
    carry, ys = layer.unroll(params, vectors.swapaxes(0, 1), carry, **options)
    losses = loss_of(ys, piece.targets.T)
    losses = losses if mask is None else jnp.where(mask, losses, 0)
    return carry, Mean(losses.sum(), jnp.array(float(ROWS)))


def loss_of(ys, targets):
    """Losses of steps: no two are alike."""
    return jnp.sin(ys.sum(-1) * (1 + targets % 7))


def updates(layer, every, reach):
    """The gradient of each update of an epoch, and the carry after it."""
    data, params = Sequences(every, reach), random_params(layer)
    initial = random_carry(layer, (ROWS,))
    loss = truncated_loss(functools.partial(read, layer, data.xs), initial, every)

    @jit
    def update(window, carry):
        def total(params):
            mean, tokens, after = loss(params, window, jax.random.key(0), carry)
            return mean.total, (after, tokens, mean.weight)

        return jax.grad(total, has_aux=True)(params)

    carry = jax.tree.map(lambda a: a + jnp.nan, initial)  # of an epoch before
    found = []
    for n in range(data.count):
        gradient, (carry, tokens, rows) = update(data.window(n), carry)
        assert (int(tokens), float(rows)) == (ROWS * every, ROWS)
        found.append((gradient, carry))
    return found


def constant_if(cut, carry):
    return jax.tree.map(lambda a: jnp.where(cut, jax.lax.stop_gradient(a), a), carry)


ROWS_OF_TEXT = np.arange(ROWS)[:, None] * STEPS + np.arange(STEPS)


@functools.partial(jit, static_argnums=0)
def step_by_step(layer, first, end, cut):
    """The gradient of the losses first … end − 1 if the carry before `cut` is constant.

    And the carry before each step and after the last.
    """
    xs = jnp.asarray(Sequences(1, 1).xs)

    def total(params):
        def step(carry, at):
            t, tokens = at
            carry = constant_if(t == cut, carry)
            after, y = layer.step(params, carry, xs[tokens])
            losses = loss_of(y, tokens + 1).sum()
            return after, (carry, jnp.where((t >= first) & (t < end), losses, 0))

        steps = np.arange(STEPS), ROWS_OF_TEXT.T
        start = jax.tree.map(jnp.asarray, random_carry(layer, (ROWS,)))
        last, (carries, losses) = jax.lax.scan(step, start, steps)
        ended = jax.tree.map(lambda a, b: jnp.stack([*a, b]), carries, last)
        return losses.sum(), ended

    return jax.grad(total, has_aux=True)(random_params(layer))


@pytest.mark.parametrize(("every", "reach"), [(2, 2), (2, 3), (3, 7), (2, 20)])
def test_an_update_is_the_newest_losses_through_its_window(every, reach):
    found = updates(GRU(4), every, reach)
    assert len(found) == STEPS // every
    for n, update in enumerate(found):
        end = (n + 1) * every
        cut = max(end - reach, 0)
        gradient, carries = step_by_step(GRU(4), n * every, end, cut)
        after = max(end - reach + every, 0)
        close(update, (gradient, jax.tree.map(lambda a, t=after: a[t], carries)))


@each_cell
def test_windows_that_reach_the_beginning_add_up_to_the_full_gradient(cell):
    layer = CELLS[cell](3)
    gradients, _ = zip(*updates(layer, 2, STEPS), strict=True)
    full, _ = step_by_step(layer, 0, STEPS, 0)
    close(jax.tree.map(lambda *parts: sum(parts), *gradients), full)


def test_a_window_has_one_draw_of_weights_and_steps_have_their_own():
    """One part alone has the key of the update, as a piece without truncation has."""
    seen = []

    def keys_of(params, carry, piece, rngs):
        seen.append({k: int(jax.random.bits(key)) for k, key in rngs.items()})
        return carry, Mean(piece.tokens.sum(), 1.0)

    key = jax.random.key(3)
    for every, parts in ((5, 1), (3, 3), (1, 3), (4, 3)):
        seen.clear()
        window = Piece(np.ones((2, 5)), np.ones((2, 5)), np.array(False))
        mean, *_ = truncated_loss(keys_of, (), every)((), window, key, ())
        assert float(mean.total) == 2 * every and len(seen) == parts
        assert {own["weights"] for own in seen} == {int(jax.random.bits(key))}
        assert len({own["dropout"] for own in seen}) == parts
        assert parts > 1 or seen[0]["dropout"] == seen[0]["weights"]
    with pytest.raises(ValueError, match="5 steps every 6 would leave losses out"):
        truncated_loss(keys_of, (), 6)((), window, key, ())


# What is lost.

LENGTH = 12


def step(layer, params, carry, x):
    carry, y = layer.step(params["layer"], carry, x)
    return carry, loss_of(y * params["scale"], jnp.round(5 * x[:, 0]))


@functools.partial(jit, static_argnums=(0, 4, 5))
def compared(layer, params, carry, xs, every, most):
    how = {"every": every, "most": most}
    return truncation(functools.partial(step, layer), params, carry, xs, **how)


@functools.partial(jit, static_argnums=0)
def gradient(layer, params, carry, xs, counted, cut):
    """The gradient of the losses that count, if the carry before `cut` is constant."""

    def total(params):
        def body(carry, at):
            carry, losses = step(layer, params, constant_if(at[1], carry), at[0])
            return carry, losses.sum()

        losses = jax.lax.scan(body, carry, (xs, jnp.arange(LENGTH) == cut))[1]
        return losses @ counted

    return jax.grad(total)(params)


@pytest.mark.parametrize("every", [1, 3])
def test_what_is_lost_is_what_windows_one_by_one_leave(every):
    layer = Stack((LSTM(3), GRU(2)))
    params = {"layer": random_params(layer), "scale": jnp.array([0.7, -1.3])}
    xs = np.random.default_rng(2).normal(size=(LENGTH, 3, IN))
    carry = random_carry(layer, (3,))
    found = compared(layer, params, carry, xs, every, LENGTH)
    np.testing.assert_array_equal(found.steps, np.arange(every, LENGTH + 1))
    at = functools.partial(gradient, layer, params, carry, xs)
    full = at(np.ones(LENGTH), -1)
    for i, reach in enumerate(range(every, LENGTH + 1)):
        parts = []
        for end in range(every, LENGTH + 1, every):
            counted = (np.arange(LENGTH) >= end - every) & (np.arange(LENGTH) < end)
            parts.append(at(counted.astype(float), max(end - reach, 0)))
        truncated = jax.tree.map(lambda *a: sum(a), *parts)
        close(jax.tree.map(lambda a, i=i: a[i], found.whole), alike(truncated, full))
        leaves = jax.tree.map(alike, truncated, full)
        close(jax.tree.map(lambda a, i=i: a[i], found.leaves), leaves)
    assert found.whole.cosine[0] < 0.999
    np.testing.assert_allclose(found.leaves["scale"].norm_ratio, 1, rtol=1e-9)


def test_pieces_are_windows_of_which_none_reaches_into_another():
    layer, lengths = GRU(3), np.array([1, 4, 5, LENGTH])
    params = {"layer": random_params(layer), "scale": jnp.array([0.7, -1.3, 0.2])}
    xs = np.random.default_rng(2).normal(size=(LENGTH, 3, IN))
    carry = random_carry(layer, (3,))
    pieces = jit(
        functools.partial(truncation_in_pieces, functools.partial(step, layer))
    )
    found = pieces(params, carry, xs, lengths)
    full = gradient(layer, params, carry, xs, np.ones(LENGTH), -1)
    for i, length in enumerate(lengths):
        parts = []
        for start in range(0, LENGTH, length):
            counted = np.arange(LENGTH) // length == start // length
            own = params, carry, xs, counted.astype(float), start
            parts.append(gradient(layer, *own))
        truncated = jax.tree.map(lambda *a: sum(a), *parts)
        close(jax.tree.map(lambda a, i=i: a[i], found.whole), alike(truncated, full))
        leaves = jax.tree.map(alike, truncated, full)
        close(jax.tree.map(lambda a, i=i: a[i], found.leaves), leaves)
    assert found.whole.cosine[2] < 0.999 and found.steps.tolist() == lengths.tolist()


def alike(one, other):
    one, other = (
        np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])
        for tree in (one, other)
    )
    norms = np.linalg.norm(one), np.linalg.norm(other)
    return Similarity(one @ other / np.prod(norms), norms[0] / norms[1])


def test_an_exploding_gradient_and_one_that_is_zero_have_numbers():
    def step(params, carry, x):
        return 1e19 * params["w"] * carry + x, 1e19 * carry + 0 * params["b"]

    params = {"w": jnp.float32(1.0), "b": jnp.float32(1.0)}
    found = truncation(step, params, jnp.float32([1.0]), jnp.ones((2, 1), jnp.float32))
    np.testing.assert_allclose(found.whole.norm_ratio, [0, 1])
    np.testing.assert_allclose(found.whole.cosine, [np.nan, 1])
    assert np.isnan(found.leaves["b"].norm_ratio).all()


def test_the_steps_needed_are_those_from_which_it_stays_enough():
    def needed(*cosines):
        return steps_needed(np.arange(len(cosines)) + 4, jnp.array(cosines))

    assert needed(0.5, 0.995, 0.98, 0.99, 1.0) == 7
    assert needed(0.99, 1.0) == 4
    assert needed(1.0, 0.98) is None and needed(np.nan, 1.0) == 5


@pytest.mark.parametrize(("every", "most"), [(5, 12), (4, 3), (4, 13)])
def test_windows_that_do_not_fit_are_refused(every, most):
    xs = jnp.ones((LENGTH, 1))
    with pytest.raises(ValueError, match=f"of {every} to {most} steps do not fit 12"):
        truncation(lambda p, c, x: (c, x), (), xs[0], xs, every=every, most=most)
