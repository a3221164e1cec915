"""Zoneout, locked dropout and a cell's own noise: what is drawn, and from which key."""

import functools
from typing import Any

import flax.errors
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import FEATURES, IN, assert_close, jit
from random_data import random_arguments, random_inputs, random_like, random_params

from seqjax import LSTM, Bidirectional, Elman, LockedDropout, Stack, Zoneout
from seqjax.cells import make
from seqjax.inspect import trace
from seqjax.layers import AdditiveAttention
from seqjax.models.recurrent import Recurrent
from seqjax.noise import Keys
from seqjax.testing import LAWS
from seqjax.testing.data import MASK, RESETS, ROWS, STEPS
from seqjax.testing.programs import step

KEY, RATE = jax.random.key(5), 0.3


@jit
def run(layer, params, xs, key=None, carry=None):
    return layer.unroll(params, xs, carry, key=key)


def steps_of(layer, key):
    """Parameters, the input, the carry before a step and after it, and the output."""
    params, xs, carry = random_arguments(layer, 1, 400)
    after, ys = run(layer, params, xs, key, carry)
    return params, xs[0], carry, after, ys[0]


def test_zoneout_keeps_a_share_of_every_part_of_the_state():
    layer = Zoneout(LSTM(FEATURES), RATE)
    params, x, before, found, y = steps_of(layer, KEY)
    new, _ = step(layer.cell, params, before, x)
    kept = jax.tree.map(lambda f, b: np.asarray(f) == b, found, before)
    for stays, now, then in zip(kept, found, new, strict=True):
        assert abs(stays.mean() - RATE) < 4 * np.sqrt(RATE * (1 - RATE) / stays.size)
        assert_close(np.where(stays, 0, now), np.where(stays, 0, then))
    both = (kept.h & kept.c).mean()  # each part is drawn by itself
    assert abs(both - RATE**2) < 0.03
    assert_close(y, found.h)


def test_zoneout_without_a_key_is_its_mean():
    layer = Zoneout(LSTM(FEATURES), RATE)
    params, x, before, found, y = steps_of(layer, None)
    new, _ = step(layer.cell, params, before, x)
    mean = jax.tree.map(lambda b, n: RATE * b + (1 - RATE) * n, before, new)
    assert_close(found, mean)
    assert_close(y, mean.h)


@pytest.mark.parametrize("rate", [0.0, 0.4])
def test_zoneout_blends_the_sums_of_slstm_on_one_scale(rate):
    """Of a row that is kept whole, and of one that moves on whole, nothing changes."""
    cell = make("slstm", features=FEATURES)
    one, other = (random_like(cell.initial_carry((3,)), seed) for seed in (1, 2))

    def unscaled(carry):
        return carry.h, *(np.exp(carry.m) * part for part in (carry.c, carry.n))

    keep = jax.tree.map(lambda a: jnp.full_like(a, rate), one)
    pairs = zip(unscaled(one), unscaled(other), strict=True)
    expected = [rate * a + (1 - rate) * b for a, b in pairs]
    assert_close(list(unscaled(cell.blend(one, other, keep))), expected)


@pytest.mark.parametrize("name", ["lstm", "gru_reset_after", "ind_rnn"])
def test_locked_dropout_drops_rows_of_the_recurrent_weights(name):
    """One mask a row of the batch, at all steps, whatever is masked and reset."""
    layer = LockedDropout(make(name, features=FEATURES), RATE)
    params, xs, carry = random_arguments(layer, STEPS, ROWS)
    flags = {"mask": MASK, "resets": RESETS}
    keys = Keys.of_one(KEY)
    found = jit(lambda *a: layer.unroll(*a, key=KEY, **flags))(params, xs, carry)
    m = layer.noisy_params(params, keys.sequence, (ROWS,)).mask.h  # [rows, H]
    assert np.all((m == 0) | (np.abs(m - 1 / (1 - RATE)) < 1e-6))
    assert abs((m == 0).mean() - RATE) < 0.12
    assert 1 < len(np.unique(m, axis=0))

    def one_row(m, xs, carry, mask, resets):
        w_h = params.cell.w_h
        dropped = params.cell._replace(w_h=(m if w_h.ndim == 1 else m[:, None]) * w_h)
        return layer.cell.unroll(dropped, xs, carry, mask=mask, resets=resets)

    by_row = jax.vmap(one_row, (0, 1, 0, 1, 1), (0, 1))
    assert_close(found, jit(by_row)(m, xs, carry, MASK, RESETS), rtol=1e-6, atol=1e-6)


def test_the_parts_of_a_layer_draw_apart():
    inner = LockedDropout(Elman(IN), RATE), Zoneout(Elman(IN), RATE)
    stack, keys = Stack(inner), Keys.of_one(KEY)
    params, ys = random_params(stack), random_inputs(STEPS, 5)
    found = run(stack, params, ys, KEY)
    carries = []
    for place, (layer, p) in enumerate(zip(inner, params, strict=True)):
        last, ys = run(layer, p, ys, keys.within(place))
        carries.append(last)
    assert_close(found, (tuple(carries), ys))
    both = Bidirectional(inner[0])
    drawn = random_params(both)
    same = drawn._replace(backward=drawn.forward)
    still = jnp.broadcast_to(random_inputs(5), (STEPS, 5, IN))
    ahead, back = jnp.split(run(both, same, still, KEY)[1], 2, axis=-1)
    assert np.any(np.abs(ahead - back[::-1]) > 1e-3)


def test_what_holds_for_a_sequence_has_a_key_of_its_own():
    locked, drawn = LockedDropout(Elman(4), RATE), Zoneout(Elman(4), RATE)
    one, two = (jax.random.key(seed) for seed in (1, 2))
    for layer, changed in ((locked, [True, False]), (drawn, [False, True])):
        params, xs, carry = random_arguments(layer, STEPS, 9)
        ys = [
            run(layer, params, xs, key, carry)[1]
            for key in (Keys(one, one), Keys(two, one), Keys(one, two))
        ]
        assert [bool(np.any(y != ys[0])) for y in ys[1:]] == changed


def test_private_noise_has_the_published_variance():
    """With W = 0 and rates above zero, a is a leaky mean of normal numbers."""
    leak, noise, rows, steps = 0.3, 0.2, 4000, 40
    cell = make("leaky_rate", features=2, leak=leak, noise=noise)
    drawn = random_params(cell)
    params = drawn._replace(w_h=0 * drawn.w_h, w_x=0 * drawn.w_x, b=jnp.array([9, 7.0]))
    xs = jnp.zeros((steps, rows, IN))
    seen = jit(lambda: trace(cell, params, xs, key=KEY).cells["LeakyRate"])()
    last, before = seen.carry.a[-1], seen.carry.a[-2]
    share = 1 - (1 - leak) ** np.arange(1, steps + 1)[-1]
    variance = 2 * leak * noise**2 / (1 - (1 - leak) ** 2)
    assert_close(last.mean(0), share * params.b, rtol=1e-2, atol=0)
    assert_close(last.std(0), np.full(2, variance**0.5), rtol=0.05, atol=0)
    correlations = [np.corrcoef(before[:, k], last[:, k])[0, 1] for k in range(2)]
    assert_close(np.array(correlations), np.full(2, 1 - leak), rtol=0, atol=0.05)
    assert abs(np.corrcoef(last.T)[0, 1]) < 0.07  # each unit has noise of its own


@pytest.mark.parametrize("cell", ["lstm", "gru", "leaky_rate"])
def test_a_key_changes_nothing_where_there_is_no_noise(cell):
    layer = Stack((make(cell, features=4), Bidirectional(make(cell, features=2))))
    params, xs, _ = random_arguments(layer, STEPS, 5)

    def program(key):
        f = jax.grad(lambda p: jnp.sum(layer.unroll(p, xs, key=key)[1]))
        return jax.jit(f).lower(params).as_text()

    assert not layer.noisy
    assert program(None) == program(KEY)
    module = Recurrent(layer)
    batch = xs.swapaxes(0, 1)
    variables = {"params": {"layer": params}}
    module.apply(variables, batch, train=True)  # asks for no rng


def test_a_module_draws_in_training_alone():
    layer = Stack((LockedDropout(Elman(4), RATE), Zoneout(Elman(4), RATE)))
    params, xs, _ = random_arguments(layer, STEPS, 9)
    module, batch = Recurrent(layer), xs.swapaxes(0, 1)

    @functools.partial(jit, static_argnames="train")
    def apply(rngs, train=True):
        variables = {"params": {"layer": params}}
        return module.apply(variables, batch, train=train, rngs=rngs)[1]

    def noisy(**seeds):
        return apply({name: jax.random.key(seed) for name, seed in seeds.items()})

    still = apply({}, train=False).swapaxes(0, 1)
    assert_close(still, run(layer, params, xs)[1])
    assert_close(noisy(dropout=1), noisy(dropout=1))
    different = noisy(dropout=1), noisy(dropout=2), noisy(dropout=1, weights=1)
    assert not np.allclose(different[0], different[1])
    assert not np.allclose(different[0], different[2])
    with pytest.raises(flax.errors.InvalidRngError, match="dropout"):
        noisy()


@pytest.mark.parametrize("law", [name for name in LAWS if name.startswith("noise_")])
def test_private_noise_keeps_the_laws_of_noise(law):
    LAWS[law](make("leaky_rate", features=3, noise=0.3), IN)


def test_dales_law_gives_what_leaves_a_unit_one_sign():
    cell: Any = make("leaky_rate", features=10, excitatory=0.7)
    params = cell.init(jax.random.key(0), IN)
    for given in (params, random_params(cell)):
        w = np.asarray(cell.recurrent_weights(given))
        assert np.all(w[:7] > 0) and np.all(w[7:] < 0)
    cell = make("leaky_rate", features=200)
    w = jit(lambda key: cell.recurrent_weights(cell.init(key, IN)))(KEY)
    assert abs(np.abs(np.linalg.eigvals(w)).max() - 1.5) < 0.02
    assert abs(w.sum()) < 0.03 * np.abs(w).sum()  # both signs are in balance


NO_CELL: Any = Stack((LSTM(4),))
REFUSALS = {
    "rate must be in .0, 1., not 1": lambda: Zoneout(LSTM(4), 1.0),
    "around a cell, not Stack.*around each cell": lambda: Zoneout(NO_CELL, 0.1),
    "put noise around the attention, not into Zoneout": lambda: AdditiveAttention(
        Zoneout(LSTM(4), 0.1), 2
    ),
    "that of MinGRU.* reads nothing": lambda: LockedDropout(
        make("min_gru", features=4), 0.1
    ).init(KEY, 3),
    "key must be one random key, .* not 3": lambda: unroll(3),
    "not float64 .2,.": lambda: unroll(np.zeros(2)),
    r"not key<fry> \(2,\)": lambda: unroll(jax.random.split(KEY)),
}


def unroll(key):
    layer = Elman(4)
    return layer.unroll(random_params(layer), random_inputs(STEPS, 5), key=key)


@pytest.mark.parametrize("fault", REFUSALS)
def test_what_cannot_be_is_one_clear_sentence(fault):
    with pytest.raises((ValueError, TypeError), match=fault) as raised:
        REFUSALS[fault]()
    assert "\n" not in str(raised.value)


def test_an_old_key_will_do():
    layer = Zoneout(Elman(4), RATE)
    params, xs, carry = random_arguments(layer, STEPS, 5)
    old = run(layer, params, xs, jax.random.PRNGKey(5), carry)
    assert_close(old, run(layer, params, xs, KEY, carry))


def test_linear_cells_have_no_recurrent_weights_to_drop():
    for name in ("min_gru", "min_lstm"):
        layer = Stack((Zoneout(make(name, features=4), RATE), make(name, features=3)))
        module, batch = Recurrent(layer, weight_dropout=0.5), random_inputs(2, STEPS)
        variables = module.init(KEY, batch)
        found: Any = module.apply(variables, batch, train=True, rngs={"dropout": KEY})
        assert found[1].shape == (2, STEPS, 3)
    assert not Stack((make(name, features=4), Elman(4))).linear
