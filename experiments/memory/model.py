"""The model of all problems, its loss, and how right its outputs are."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.memory.problems import Drawn, Problem
from seqjax.layer import Layer
from seqjax.losses import binary_cross_entropy, cross_entropy, squared_error
from seqjax.metrics import Mean
from seqjax.models import Tagger
from seqjax.predict import VectorPredictor
from seqjax.predict.batched import apply

CLOSE_ENOUGH = 0.04  # of a sum: Hochreiter and Schmidhuber (1997), experiment 4
ROWS = 64  # sequences that are asked at a time
UNITS = {
    "classes": "nats per step",
    "numbers": "squared error",
    "bits": "nats per bit",
}


class Answers(NamedTuple):
    """How good the answers to sequences are."""

    loss: float  # in the unit of the problem
    right: np.ndarray  # bool [B, T, answers]; a bit each, or one answer
    mask: np.ndarray  # bool [B, T], which of them were asked for


def make_predictor(layer: Layer, problem: Problem, gradient: Any) -> VectorPredictor:
    """A layer and an affine readout at each step."""
    model = Tagger(layer, problem.outputs, gradient=gradient)
    return VectorPredictor(model, problem.inputs)


def loss_of(model: Tagger, kind: str) -> Callable[..., Any]:
    """The loss of training, the mean over the steps that are asked for."""

    def loss(variables, batch, key, recurrent_state):
        del key
        outputs = model.apply(variables, batch.inputs, _lengths(batch.inputs))
        return error(kind, outputs, batch), jnp.sum(batch.mask), recurrent_state

    return loss


def error(kind: str, outputs: Any, drawn: Drawn) -> Mean:
    """The error of outputs [B, T, out]: nats a step or a bit, or squared error."""
    outputs, targets, mask = jax.tree.map(
        lambda a: jnp.asarray(a).swapaxes(0, 1), (outputs, drawn.targets, drawn.mask)
    )
    if kind == "classes":
        return cross_entropy(outputs, targets, mask, "mean")
    if kind == "numbers":
        return squared_error(outputs, targets, mask, "mean")
    each = jnp.broadcast_to(mask[..., None], outputs.shape)
    return binary_cross_entropy(outputs, targets, each, "mean")


def answers(predictor: VectorPredictor, problem: Problem, drawn: Drawn) -> Answers:
    """Asks a predictor for the outputs of sequences, and tells how right they are."""
    total, right = Mean(0.0, 0.0), []
    for at in range(0, len(drawn.mask), ROWS):
        few = Drawn(*(part[at : at + ROWS] for part in drawn))
        outputs = outputs_of(predictor, few.inputs)
        total = total.merge(jax.device_get(error(problem.kind, outputs, few)))
        right.append(right_of(problem.kind, outputs, few.targets))
    return Answers(float(total.result()), np.concatenate(right), drawn.mask)


def outputs_of(predictor: VectorPredictor, inputs: np.ndarray) -> np.ndarray:
    """The outputs [B, T, out] for inputs [B, T, in]."""
    how = predictor.model, "__call__", predictor.variables
    return np.asarray(apply(*how, inputs, _lengths(inputs)))


def right_of(kind: str, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Which answers are right: bool [B, T, answers]."""
    if kind == "classes":
        return (outputs.argmax(axis=-1) == targets)[..., None]
    if kind == "numbers":
        return np.abs(outputs - targets) < CLOSE_ENOUGH
    return (outputs > 0) == (targets > 0.5)


def share_right(found: Answers) -> float:
    """The share of right answers, of those that were asked for."""
    return float(found.right[found.mask].mean())


def whole(found: Answers) -> np.ndarray:
    """Which sequences are right at all steps that are asked for: bool [B]."""
    return np.all(found.right | ~found.mask[..., None], axis=(1, 2))


def by_input(problem: Problem, seen: Drawn, asked: Drawn) -> Answers:
    """Baseline: the more frequent bits for the input of a step alone.

    Args:
      problem: of bits.
      seen: to count in.
      asked: to answer.
    """
    inputs = np.concatenate([seen.inputs[seen.mask], asked.inputs[asked.mask]])
    kinds, ids = np.unique(inputs, axis=0, return_inverse=True)
    count = len(seen.inputs[seen.mask])
    sums = np.zeros((len(kinds), problem.outputs))
    np.add.at(sums, ids[:count], seen.targets[seen.mask] - 0.5)
    bits = np.zeros(asked.targets.shape)
    bits[asked.mask] = sums[ids[count:]]
    return Answers(np.nan, right_of("bits", bits, asked.targets), asked.mask)


def layer_params(predictor: VectorPredictor) -> Any:
    """The parameters of a trained predictor's layer."""
    return predictor.variables["params"]["recurrent"]["layer"]


@functools.cache
def _full(rows: int, steps: int) -> np.ndarray:
    return np.full(rows, steps)


def _lengths(inputs: Any) -> np.ndarray:
    """All steps are read: what fills up a sequence comes after its last answer."""
    return _full(*inputs.shape[:2])
