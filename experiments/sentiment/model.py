"""The classifier of sentiment: how it is made, and its loss."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from experiments.sentiment.baselines import stars_of
from experiments.sentiment.data import Review, as_binary
from experiments.shared.words import word_features
from seqjax import predict
from seqjax.data import DataError, Lexicon, Splits, split_words
from seqjax.losses import cross_entropy
from seqjax.models import Classifier, Words
from seqjax.predict.classes import NO_WORD

STARS = {"stars": (1, 2, 3, 4, 5), "binary": (1, 5)}
LONGEST = 200  # words of a text that are read


class Example(NamedTuple):
    """A text as integers."""

    words: Words
    label: int


def read_splits(splits: Splits, binary: bool, name: str) -> Splits:
    """The texts; bad and good ones alone, as one star and five, if `binary`."""
    if binary:
        splits = Splits(*map(as_binary, splits))
    if not all(splits) or len(set(stars_of(splits.train).tolist())) < 2:
        raise DataError(f"{name}: two classes and three parts are needed")
    return splits


def make_predictor(
    layer: Any, reviews: Sequence[Review], options: Any
) -> predict.ClassPredictor:
    """A classifier with the words and letters of the training texts."""
    texts = (split_words(r.text)[:LONGEST] or [NO_WORD] for r in reviews)
    lexicon = Lexicon.build(texts, options.min_count)
    classes = STARS[options.classes]
    model = Classifier(
        layer,
        len(classes),
        word_features(lexicon, options),
        options.pooling,
        dropout=options.dropout,
        gradient=options.gradient,
    )
    return predict.ClassPredictor(model, lexicon, classes, LONGEST)


def encode(rater: predict.ClassPredictor, review: Review) -> Example:
    """Turns a text into integers; stars that are no class become the first."""
    label = rater.classes.index(review.stars) if review.stars in rater.classes else 0
    return Example(rater.encode(review.text), label)


def loss_of(rater: predict.ClassPredictor, word_dropout: float) -> Callable[..., Any]:
    """The loss is −log P of a text's class; some words are taken for unknown."""

    def loss(variables, batch, key, recurrent_state):
        key, key_words = jax.random.split(key)
        words = rater.codec.word_dropout(batch.values.words, key_words, word_dropout)
        lengths = batch.lengths.words.word
        rngs = {"dropout": key}
        logits = rater.model.apply(variables, words, lengths, True, rngs=rngs)
        mask = (batch.lengths.label > 0)[None]
        nats = cross_entropy(logits[None], batch.values.label[None], mask)
        return nats, jnp.sum(lengths), recurrent_state

    return loss
