"""What is derived by hand in NumPy is what seqjax computes, forward and backward."""

import subprocess
import sys

import chex
import jax
import numpy as np
import pytest
from discovered import each_gradient

import seqjax
from experiments.step_by_step import by_hand, through_time
from seqjax import Readout, losses

T, IN, H, CLASSES = 7, 3, 4, 5
LENGTHS = np.array([T, 2, 0])
BATCH = len(LENGTHS)
MASK = np.arange(T)[:, None] < LENGTHS

each_cell = pytest.mark.parametrize("name", by_hand.CELLS)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def draw(name):
    """Weights and first carry of which nothing is zero; NaN where inputs are masked."""
    cell = by_hand.CELLS[name]
    columns = cell.gates * H
    params = normal(1, IN, columns), normal(2, H, columns), normal(3, columns)
    readout = normal(4, H, CLASSES), normal(5, CLASSES)
    carry = tuple(normal(6 + i, BATCH, H) for i in range(len(cell.states)))
    xs = np.where(MASK[..., None], normal(8, T, BATCH, IN), np.nan)
    return by_hand.Variables(
        by_hand.Params(*params), by_hand.Readout(*readout), carry, xs
    )


def typed(layer, params, carry):
    """The same arrays in the layer's own tuples."""
    made = jax.eval_shape(lambda key: layer.init(key, IN), jax.random.key(0))
    return type(made)(*params), type(layer.initial_carry())(*carry)


def unroll(name, gradient, params, carry, xs):
    layer = seqjax.CELLS[name](H)
    params, carry = typed(layer, params, carry)
    last, ys = layer.unroll(params, xs, carry, mask=MASK, gradient=gradient)
    return tuple(last), ys


def assert_equal(found, wanted):
    """The same float64 numbers to rounding, leaf by leaf."""
    found, wanted = jax.tree.leaves(found), jax.tree.leaves(wanted)
    assert {leaf.dtype for leaf in found + wanted} == {np.dtype("float64")}
    chex.assert_trees_all_close(found, wanted, rtol=1e-11, atol=1e-13)


@each_cell
def test_one_step_agrees_forward_and_backward(name):
    cell, layer = by_hand.CELLS[name], seqjax.CELLS[name](H)
    params, _, carry, xs = draw(name)
    x, carry = xs[0, :2], tuple(state[:2] for state in carry)  # rows with a first step
    d_after = tuple(normal(9 + i, 2, H) for i in range(len(carry)))

    def step(params, carry, x):
        after, y = layer.step(*typed(layer, params, carry), x)
        return tuple(after), y

    @jax.jit
    def forward_and_back(*variables):
        (after, y), pull = jax.vjp(step, *variables)
        return (after, y), pull((d_after, np.zeros_like(d_after[0])))

    wanted, gradients = forward_and_back(params, carry, x)
    after, kept = cell.forward(params, carry, x)
    assert_equal((after, after[0]), wanted)
    assert_equal(cell.backward(params, kept, d_after), gradients)


@each_cell
@each_gradient
def test_a_sequence_agrees_forward_and_backward(name, gradient):
    cell = by_hand.CELLS[name]
    params, _, carry, xs = draw(name)

    @jax.jit
    def forward_and_back(variables, cotangents):
        found, pull = jax.vjp(lambda v: unroll(name, gradient, *v), variables)
        return found, pull(cotangents)[0]

    d_last = tuple(normal(9 + i, BATCH, H) for i in range(len(carry)))
    d_ys = normal(11, T, BATCH, H)
    wanted, gradients = forward_and_back((params, carry, xs), (d_last, d_ys))

    last, ys, keeps = through_time.sequence_forward(cell, params, carry, xs, MASK)
    assert_equal((last, ys), wanted)
    found = through_time.sequence_backward(cell, params, keeps, MASK, d_last, d_ys)
    assert_equal(found, gradients)


@each_cell
def test_the_loss_and_its_gradients_agree(name):
    variables = draw(name)
    labels = np.random.default_rng(12).integers(CLASSES, size=(T, BATCH))
    labels = np.where(MASK, labels, -1)

    @jax.jit
    @jax.value_and_grad
    def loss(variables):
        params, readout, carry, xs = variables
        _, ys = unroll(name, "lean", params, carry, xs)
        _, logits = Readout(CLASSES).unroll(readout, ys, mask=MASK)
        return losses.cross_entropy(logits, labels, MASK).result()

    found = through_time.loss_and_gradients(
        by_hand.CELLS[name], variables, labels, MASK
    )
    assert_equal(found, loss(variables))


def test_no_automatic_differentiation_had_a_hand_in_it():
    module = "experiments.step_by_step.through_time"
    code = f"import sys, {module}; sys.exit('jax' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
