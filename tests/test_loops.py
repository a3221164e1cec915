"""The loops under the scan: constants are computed once and laid out for reading."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import assert_close

from seqjax import loops

RNG = np.random.default_rng(0)
W, B = RNG.normal(size=(3, 8)), RNG.normal(size=4)
XS, H = RNG.normal(size=(5, 2, 3)), RNG.normal(size=(2, 3))


def body(constants, carry, x):
    """Has a slice of a matrix, a function of a vector, and a transposed product."""
    w, b = constants
    left = w[:, :4]
    y = jnp.tanh((carry + x) @ left + jnp.exp(b))
    after = jnp.sin(y @ left.T)
    return after, (y, x, y)


def loop_by_hand():
    carry, ys = H, []
    for x in XS:
        carry, y = body((W, B), carry, x)
        ys.append(y)
    return carry, jax.tree.map(lambda *a: jnp.stack(a), *ys)


@pytest.mark.parametrize("transposed", [False, True])
def test_a_scan_is_its_loop(transposed):
    actual = loops.scan(body, (W, B), H, XS, transposed=transposed)
    assert_close(actual, loop_by_hand())


def test_backwards_is_the_loop_over_what_is_flipped():
    carry, ys = loops.scan(body, (W, B), H, XS, reverse=True)
    expected, flipped = loops.scan(body, (W, B), H, XS[::-1])
    assert_close((carry, ys), (expected, jax.tree.map(lambda a: a[::-1], flipped)))


def inside(transposed=False):
    """The primitives in the loop's body, and those before the loop."""
    scan = jax.make_jaxpr(lambda *a: loops.scan(body, *a, transposed=transposed))
    eqns = scan((W, B), H, XS).jaxpr.eqns
    loop = next(eqn for eqn in eqns if eqn.primitive.name == "scan")
    within = {eqn.primitive.name for eqn in loop.params["jaxpr"].jaxpr.eqns}
    before = {eqn.primitive.name for eqn in eqns[: eqns.index(loop)]}
    return within, before, loop


def test_what_needs_constants_alone_is_done_before_the_loop():
    within, before, _ = inside()
    assert {"slice", "exp"} <= before
    assert not {"slice", "exp"} & within


def test_matrices_are_transposed_once_if_asked():
    for transposed in (False, True):
        within, before, loop = inside(transposed)
        shapes = {v.aval.shape for v in loop.invars}
        assert ("optimization_barrier" in before) == transposed
        assert ((4, 3) in shapes) == transposed and ((3, 4) in shapes) != transposed


def test_no_array_is_stacked_twice():
    _, _, loop = inside()
    stacked = [v.aval.shape for v in loop.outvars if v.aval.shape[0] == len(XS)]
    assert stacked == [(5, 2, 4)]


def test_a_scan_is_differentiable_and_maps():
    def total(w, xs):
        carry, (y, _, _) = loops.scan(body, (w, B), H, xs)
        return jnp.sum(carry) + jnp.sum(y)

    def by_hand(w, xs):
        carry, total = H, 0.0
        for x in xs:
            carry, (y, _, _) = body((w, B), carry, x)
            total += jnp.sum(y)
        return total + jnp.sum(carry)

    both = jnp.stack([W, 2 * W])
    for f in (jax.grad, jax.jacfwd):
        mapped = jax.vmap(f(total), in_axes=(0, None))(both, XS)
        assert_close(mapped, jnp.stack([f(by_hand)(w, XS) for w in both]))


@pytest.mark.parametrize(
    ("time", "size", "part"),
    [(100, 10, 10), (100, 12, 10), (35, 10, 7), (64, 12, 16), (17, 5, 5), (7, 99, 99)],
)
def test_parts_are_equal_where_a_divisor_is_near(time, size, part):
    assert loops.divisor(time, size) == part
