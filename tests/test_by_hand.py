"""What is derived by hand in NumPy is what seqjax computes, forward and backward."""

import subprocess
import sys

import chex
import jax
import numpy as np
import pytest
from discovered import each_gradient

import seqjax
from experiments.step_by_step import arrows, by_hand, gradients, through_time
from experiments.step_by_step.yours.check import RIGHT, examples
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


LOSSES = pytest.mark.parametrize("loss", through_time.LOSSES)


def loss_by_seqjax(name, loss, variables, labels):
    params, readout, carry, xs = variables
    _, ys = unroll(name, "lean", params, carry, xs)
    _, logits = Readout(readout.w.shape[1]).unroll(readout, ys, mask=MASK)
    if loss == "softmax":
        return losses.cross_entropy(logits, labels, MASK).result()
    return losses.binary_cross_entropy(logits[..., 0], labels, MASK).result()


@each_cell
@LOSSES
def test_the_loss_and_its_gradients_agree(name, loss):
    variables, classes = draw(name), CLASSES
    if loss == "sigmoid":
        readout = by_hand.Readout(normal(4, H, 1), normal(5, 1))
        variables, classes = variables._replace(readout=readout), 2
    labels = np.random.default_rng(12).integers(classes, size=(T, BATCH))
    labels = np.where(MASK, labels, -1)
    wanted = jax.jit(
        jax.value_and_grad(lambda v: loss_by_seqjax(name, loss, v, labels))
    )(variables)
    found = through_time.loss_and_gradients(
        by_hand.CELLS[name], variables, labels, MASK, loss
    )
    assert_equal(found, wanted)


@each_cell
@LOSSES
def test_two_arrows_go_into_each_gradient_of_a_state(name, loss, tmp_path):
    sizes = gradients.Sizes(IN, H, T, BATCH)
    problem = gradients.draw(by_hand.CELLS[name], sizes, 3, loss)
    found = arrows.arrows(name, problem)
    assert found.distance < 1e-13
    norms = np.linalg.norm([found.output, found.next], axis=-1)
    assert np.all(norms[:, :-1] > 1e-4) and norms[0, -1] > 1e-4 and norms[1, -1] == 0
    figure = arrows.draw_figure(tmp_path / "arrows.png", name, found)
    written = "\n".join(text.get_text() for text in figure.axes[0].texts)
    for t in range(T)[-arrows.SHOWN :]:
        assert f"‖W_yᵀ dz⟨{t + 1}⟩‖\n= {norms[0, t]:.3f}" in written
        assert t == T - 1 or f"‖da_next‖\n= {norms[1, t]:.3f}" in written
    total = np.linalg.norm(found.automatic[-1])
    assert f"‖da⟨{T}⟩‖ = {total:.3f}" in written


def test_no_automatic_differentiation_had_a_hand_in_it():
    module = "experiments.step_by_step.through_time"
    code = f"import sys, {module}; sys.exit('jax' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def rows(array):
    """Of the course's columns: batch, or time and batch, before features."""
    return array.transpose()


def as_ours(parameters):
    """The course's parameters of a cell as by_hand's."""
    if "Waa" in parameters:
        p = parameters["Wax"].T, parameters["Waa"].T, parameters["ba"][:, 0]
        return by_hand.CELLS["elman"], by_hand.Params(*p)
    W, b = ([parameters[f"{k}{g}"] for g in "ifco"] for k in "Wb")
    n_a = len(b[0])
    w = np.concatenate(W).T
    return by_hand.CELLS["lstm"], by_hand.Params(
        w[n_a:], w[:n_a], np.concatenate(b)[:, 0]
    )


def assert_close(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_the_equations_are_those_derived_by_hand(cell):
    """One step and a sequence, forward and backward."""
    arguments = examples(5)
    given = arguments[f"{cell}_cell_forward"]
    made, params = as_ours(given["parameters"])
    states = [rows(given[s]) for s in ("a_prev", "c_prev") if s in given]
    after, kept = made.forward(params, tuple(states), rows(given["xt"]))
    *found, ŷ, _ = RIGHT[f"{cell}_cell_forward"](*given.values())
    for state, array in zip(after, found, strict=True):
        assert_close(rows(array), state)
    readout = given["parameters"]["Wya" if cell == "rnn" else "Wy"]
    z = after[0] @ readout.T + given["parameters"]["by"][:, 0]
    assert_close(rows(ŷ), np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))

    given = arguments[f"{cell}_cell_backward"]
    d_after = tuple(rows(given[d]) for d in ("da_next", "dc_next") if d in given)
    d_params, d_carry, dx = made.backward(params, kept, d_after)
    compare(RIGHT[f"{cell}_cell_backward"](*given.values()), d_params, dx)
    found = RIGHT[f"{cell}_cell_backward"](*given.values())
    for name, d in zip(("da_prev", "dc_prev"), d_carry, strict=False):
        assert_close(rows(found[name]), d)

    given = arguments[f"{cell}_forward"]
    xs, a0 = rows(given["x"]), rows(given["a0"])
    first, mask = (a0, np.zeros_like(a0))[: len(states)], np.ones(xs.shape[:2], bool)
    _, ys, keeps = through_time.sequence_forward(made, params, first, xs, mask)
    assert_close(rows(RIGHT[f"{cell}_forward"](*given.values())[0]), ys)
    zeros = tuple(np.zeros_like(state) for state in first)
    given = arguments[f"{cell}_backward"]
    d_params, d_first, d_xs = through_time.sequence_backward(
        made, params, keeps, mask, zeros, rows(given["da"])
    )
    found = RIGHT[f"{cell}_backward"](*given.values())
    compare(found, d_params, d_xs)
    assert_close(rows(found["da0"]), d_first[0])


def compare(found, d_params, dx):
    """The course's gradients of weights and inputs with by_hand's."""
    assert_close(rows(found.get("dx", found.get("dxt"))), dx)
    if "dWaa" in found:
        parts = found["dWax"].T, found["dWaa"].T, found["dba"][:, 0]
    else:
        W, b = ([found[f"d{k}{g}"] for g in "ifco"] for k in "Wb")
        w, n_a = np.concatenate(W).T, len(b[0])
        parts = w[n_a:], w[:n_a], np.concatenate(b)[:, 0]
    for array, wanted in zip(parts, d_params, strict=True):
        assert_close(array, wanted)
