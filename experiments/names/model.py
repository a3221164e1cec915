"""The language model of names: how it is made, and its loss."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from seqjax.data import Tokenizer, Vocabulary
from seqjax.layer import Layer
from seqjax.models import LanguageModel
from seqjax.predict import LanguagePredictor


def make_predictor(
    layer: Layer, vocabulary: Vocabulary, options: Any
) -> LanguagePredictor:
    """Makes the model that the flags ask for; each name begins from nothing."""
    model = LanguageModel(
        layer,
        len(vocabulary),
        dropout=options.dropout,
        weight_dropout=options.weight_dropout,
        reset_rate=options.reset_rate,
        gradient=options.gradient,
    )
    return LanguagePredictor(model, Tokenizer("chars", vocabulary.tokens), stream=False)


def loss_of(model: LanguageModel) -> Callable[..., Any]:
    """The loss is E7: the sum over a name's letters, in the mean over names."""

    def loss(variables, batch, key, recurrent_state):
        rngs = {"dropout": key}
        nats = model.apply(variables, *batch, train=True, rngs=rngs, method="loss")
        return nats, jnp.sum(batch.lengths), recurrent_state

    return loss
