"""The translator: how it is made, its loss, and the baselines."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

from experiments.shared.errors import UsageError
from experiments.shared.layers import stacked
from experiments.translation.pairs import Pair
from seqjax.baselines import word_for_word
from seqjax.data import Batches, Tokenizer, split_words
from seqjax.devices import by_rows
from seqjax.layer import Layer
from seqjax.metrics import Mean
from seqjax.models import EncoderDecoder
from seqjax.predict import TranslationPredictor


def make_predictor(
    encoder: Layer, pairs: Sequence[Pair], options: Any
) -> TranslationPredictor:
    """Makes the translator that the flags ask for.

    Args:
      encoder: reads the source.
      pairs: whose tokens are known.
      options: the values of the flags.

    Raises:
      UsageError: --vocabulary is too small for byte pairs.
    """
    sides = zip(*pairs, strict=True)
    kind, size = options.pieces, options.vocabulary
    try:
        tokenizers = [Tokenizer.build(texts, kind, size) for texts in sides]
    except ValueError as error:
        raise UsageError(f"--vocabulary: {error}") from None
    model = EncoderDecoder(
        encoder,
        stacked(options.cell, options.features, options.layers, dtype=options.dtype),
        *(len(tokenizer.vocabulary) for tokenizer in tokenizers),
        embedding=options.embedding,
        attention=options.attention,
        dropout=options.dropout,
        gradient=options.gradient,
    )
    return TranslationPredictor(model, *tokenizers, longest=options.longest)


def loss_of(model: EncoderDecoder, sampled: float) -> Callable[..., Any]:
    """The loss is −log P of a target's token, since lengths differ thirtyfold.

    Args:
      model: the translator's.
      sampled: the share of tokens fed back that the model draws: scheduled sampling.
    """

    def loss(variables, batch, key, recurrent_state):
        nats = model.apply(
            variables,
            *_sides(batch),
            train=True,
            sampled=sampled,
            rngs={"dropout": key},
            method="loss",
        )
        tokens = jnp.sum(batch.lengths.target)
        return Mean(nats.total, tokens.astype(float)), tokens, recurrent_state

    return loss


def nats_per_token(model: EncoderDecoder, variables: Any, batches: Batches) -> float:
    """The negative log-likelihood per token of the targets, <EOS> counted."""
    return float(batches.mean(functools.partial(_nats, model, variables)).result())


@by_rows(static=1)
def _nats(model: EncoderDecoder, variables: Any, batch: Any) -> Mean:
    nats = model.apply(variables, *_sides(batch), method="loss").total
    return Mean(nats, jnp.sum(batch.lengths.target))


def _sides(batch: Any) -> tuple[Any, ...]:
    """A batch as the model's arguments."""
    values, lengths = batch
    return values.source, lengths.source, values.target, lengths.target


def baselines(train: Sequence[Pair], sources: Sequence[str]) -> dict[str, list[str]]:
    """Baselines: copies the source, or translates it word for word."""
    columns = zip(*train, strict=True)
    table = word_for_word(*([split_words(text) for text in side] for side in columns))
    words = Tokenizer.build([], "words")
    translated = (table.translate(split_words(text)) for text in sources)
    return {
        "copying": list(sources),
        "word for word": [words.detokenize(tokens) for tokens in translated],
    }
