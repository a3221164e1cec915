"""The model of both tasks, its loss, and the model that reads its own outputs."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from experiments.dynamics.data import BITS, Example
from seqjax.data import Batches
from seqjax.layer import Layer
from seqjax.losses import squared_error
from seqjax.models import Tagger
from seqjax.predict import VectorPredictor


def make_predictor(layer: Layer, gradient: Any) -> VectorPredictor:
    """A layer and an affine readout of three numbers at each step."""
    return VectorPredictor(Tagger(layer, BITS, gradient=gradient), BITS)


def loss_of(model: Tagger) -> Callable[..., Any]:
    """The loss is the squared error of a step, summed over its three numbers."""

    def loss(variables, batch, key, recurrent_state):
        lengths, rngs = batch.lengths.inputs, {"dropout": key}
        inputs = batch.values.inputs, lengths, True
        outputs: Any = model.apply(variables, *inputs, rngs=rngs)
        outputs = outputs.swapaxes(0, 1)
        targets = batch.values.targets.swapaxes(0, 1)
        mask = jnp.arange(len(outputs))[:, None] < lengths
        error = squared_error(outputs, targets, mask, "mean")
        return error, jnp.sum(lengths), recurrent_state

    return loss


def batches_of(predictor: VectorPredictor, examples: Sequence[Example]) -> Batches:
    """The inputs of examples, batched once."""
    return predictor.batches([example.inputs for example in examples], 100)


def targets_of(examples: Sequence[Example]) -> np.ndarray:
    """What is right at each step of all examples, one after the other: [N, 3]."""
    return np.concatenate([example.targets for example in examples])


def layer_params(predictor: VectorPredictor) -> Any:
    """The parameters of a trained predictor's layer."""
    return predictor.variables["params"]["recurrent"]["layer"]


def read_out(predictor: VectorPredictor, ys: Any) -> Any:
    """The outputs [..., 3] from those of the layer, [..., features]."""
    dense = predictor.variables["params"]["readout"]
    return ys @ dense["kernel"] + dense["bias"]


def closed_loop(
    predictor: VectorPredictor, xs: Any
) -> tuple[Callable[[Any, Any], Any], Any]:
    """A trained predictor that reads its own outputs, as a map of vectors.

    Args:
      predictor: of the next input.
      xs: inputs [T, 3] to begin with.

    Returns:
      The map, whose state is the next input and then the carry, and its state after
      `xs`.
    """
    layer, params = predictor.model.layer, layer_params(predictor)
    carry, ys = layer.unroll(params, jnp.asarray(xs, jnp.float32))
    state, restore = ravel_pytree((read_out(predictor, ys[-1]), carry))

    def step(state: jax.Array, nothing: Any) -> jax.Array:
        del nothing
        x, carry = restore(state)
        carry, y = layer.step(params, carry, x)
        return ravel_pytree((read_out(predictor, y), carry))[0]

    return step, state
