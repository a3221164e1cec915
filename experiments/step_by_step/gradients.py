"""One problem, and its gradients by hand, by seqjax and by central differences."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

import seqjax
from experiments.step_by_step import by_hand, through_time
from seqjax import Layer, Readout, losses

CLASSES = {"softmax": 3, "sigmoid": 1}  # K of W_y [H, K], by the loss


class Sizes(NamedTuple):
    """How large a problem is."""

    inputs: int
    features: int  # H
    time: int  # T
    batch: int  # B


class Problem(NamedTuple):
    """A tagger of sequences at random weights, and its ragged random data."""

    variables: by_hand.Variables
    labels: np.ndarray  # [T, B]
    mask: np.ndarray  # [T, B] bool
    loss: str  # of `through_time.LOSSES`


class Row(NamedTuple):
    """A loss, or a gradient, found in each way; all arrays of one shape."""

    name: str
    by_hand: np.ndarray
    lean: np.ndarray
    plain: np.ndarray
    slope: np.ndarray | None  # by central differences; none of the loss itself


def lengths(sizes: Sizes) -> np.ndarray:
    """The sequences' lengths [B], from T down to 0."""
    return np.linspace(sizes.time, 0, sizes.batch).round().astype(int)


def draw(cell: by_hand.Cell, sizes: Sizes, seed: int, loss: str) -> Problem:
    """Draws all at random: no weight is zero, no two rows are alike."""
    rng = np.random.default_rng(seed)
    n, H, T, B = sizes
    columns = cell.gates * H
    params = by_hand.Params(
        w_x=rng.normal(size=(n, columns)) / np.sqrt(n),
        w_h=rng.normal(size=(H, columns)) / np.sqrt(H),
        b=rng.normal(size=columns),
    )
    K = CLASSES[loss]
    readout = by_hand.Readout(rng.normal(size=(H, K)), rng.normal(size=K))
    carry = tuple(rng.normal(size=(B, H)) for _ in cell.states)
    xs = rng.normal(size=(T, B, n))
    labels = rng.integers(max(K, 2), size=(T, B))
    mask = np.arange(T)[:, None] < lengths(sizes)
    return Problem(by_hand.Variables(params, readout, carry, xs), labels, mask, loss)


def seqjax_loss(
    layer: Layer, gradient: str, problem: Problem, variables: by_hand.Variables
) -> jax.Array:
    """The same loss by seqjax, whose layers take the parameters as they are."""
    params, readout, carry, xs = variables
    carry = type(layer.initial_carry())(*carry)
    _, ys = layer.unroll(params, xs, carry, mask=problem.mask, gradient=gradient)
    return loss_of_outputs(problem, readout, ys)


def loss_of_outputs(
    problem: Problem, readout: by_hand.Readout, ys: jax.Array
) -> jax.Array:
    """The loss by seqjax, of a cell's outputs [T, B, H]."""
    labels, mask = problem.labels, problem.mask
    _, logits = Readout(CLASSES[problem.loss]).unroll(readout, ys, mask=mask)
    if problem.loss == "sigmoid":
        mean = losses.binary_cross_entropy(logits[..., 0], labels, mask)
    else:
        mean = losses.cross_entropy(logits, labels, mask)
    return mean.result()


def central_differences(loss: Callable, variables: Any, ε: float = 1e-5) -> Any:
    """The slope of the loss along every basis direction, up to 1024 of them at once."""
    v, unravel = ravel_pytree(variables)

    def slope(i):
        ahead, behind = (loss(unravel(v.at[i].add(step))) for step in (ε, -ε))
        return (ahead - behind) / (2 * ε)

    return unravel(jax.lax.map(slope, jnp.arange(v.size), batch_size=1024))


def compare(name: str, problem: Problem) -> list[Row]:
    """One cell's loss, then the gradients by all that it depends on, in each way."""
    cell, v = by_hand.CELLS[name], problem.variables
    layer = seqjax.CELLS[name](v.carry[0].shape[1])
    lean, plain = (
        functools.partial(seqjax_loss, layer, gradient, problem)
        for gradient in ("lean", "plain")
    )
    computed = [
        through_time.loss_and_gradients(cell, *problem),
        jax.jit(jax.value_and_grad(lean))(v),
        jax.jit(jax.value_and_grad(plain))(v),
    ]
    slopes = jax.jit(functools.partial(central_differences, plain))(v)

    states = [f"{letter}⟨0⟩" for letter in cell.states]
    names = ["W_x", "W_h", "b", "W_y", "b_y", *states, "x"]
    gradients = (jax.tree.leaves(tree) for tree in (*(g for _, g in computed), slopes))
    return [
        Row("loss", *(np.asarray(loss) for loss, _ in computed), None),
        *(
            Row(name, *map(np.asarray, leaves))
            for name, *leaves in zip(names, *gradients, strict=True)
        ),
    ]


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """max |a − b| / max |b|, between arrays of one shape."""
    return float(np.max(np.abs(a - b)) / max(np.max(np.abs(b)), np.finfo(float).tiny))


def distances(row: Row) -> tuple[float, float]:
    """Of by hand, and of the central differences, from the automatic gradient."""
    hand = np.max([distance(row.by_hand, row.lean), distance(row.by_hand, row.plain)])
    return float(hand), 0.0 if row.slope is None else distance(row.slope, row.lean)
