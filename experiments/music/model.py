"""The model of chorales: how it is made, and its loss."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from experiments.music.roll import KEYS
from seqjax.layer import Layer
from seqjax.models import Tagger
from seqjax.predict import RollPredictor


def make_predictor(layer: Layer, options: Any) -> RollPredictor:
    """A layer that reads a frame, and a logit for each key of the next."""
    model = Tagger(
        layer,
        KEYS,
        several=True,
        dropout=options.dropout,
        input_dropout=options.input_dropout,
        weight_dropout=options.weight_dropout,
        gradient=options.gradient,
    )
    return RollPredictor(model, options.frames)


def loss_of(model: Tagger, transpose: int = 0) -> Callable[..., Any]:
    """The loss is −log P of a piece's frames after its first, in the mean over pieces.

    Args:
      model: of the next frame.
      transpose: each piece is moved up or down by at most so many semitones, drawn
        anew for each batch.
    """

    def loss(variables, batch, key, recurrent_state):
        inputs, targets = batch.values
        lengths = batch.lengths.inputs
        if transpose:
            key, own = jax.random.split(key)
            by = jax.random.randint(own, lengths.shape, -transpose, transpose + 1)
            inputs, targets = (transposed(a, by, transpose) for a in (inputs, targets))
        nats = model.apply(
            variables,
            inputs,
            targets,
            lengths,
            train=True,
            rngs={"dropout": key},
            method="loss",
        )
        return nats, jnp.sum(lengths), recurrent_state

    return loss


def transposed(rolls: jax.Array, by: jax.Array, most: int) -> jax.Array:
    """Moves rolls [B, T, keys] up by [B] semitones; what leaves the keys is lost.

    Args:
      rolls: of any number type.
      by: from −most to most.
      most: the largest move.
    """
    padded = jnp.pad(rolls, ((0, 0), (0, 0), (most, most)))

    def move(roll, by):
        return lax.dynamic_slice_in_dim(roll, most - by, rolls.shape[-1], axis=1)

    return jax.vmap(move)(padded, by)
