"""The language model of names: how it is made, and its loss."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax.numpy as jnp

from seqjax.data import Batches, Tokenizer, Vocabulary
from seqjax.layer import Layer
from seqjax.models import LanguageModel, remember
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


def with_datastore(
    names: LanguagePredictor, learned: Batches, options: Any
) -> LanguagePredictor:
    """Lets a trained model look up the names it learned from, as --neighbors says."""
    if not options.neighbors:
        return names
    how = options.neighbors, options.neighbor_temperature
    model, variables = remember(names.model, names.variables, learned.once(), *how)
    return replace(names, model=model, variables=variables)
