"""The tagger: how it is made, and its loss."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.name_entity.conll import Tagged
from experiments.shared.words import word_features
from seqjax.data import DataError, Lexicon, Splits
from seqjax.metrics import OUTSIDE
from seqjax.models import Tagger, Words
from seqjax.predict import TagPredictor

BINARY = (OUTSIDE, "I-NAME")  # the tags of --tags=binary


class Example(NamedTuple):
    """A sentence as integers."""

    words: Words
    labels: np.ndarray  # [T]


def encode(tagger: TagPredictor, sentence: Tagged) -> Example:
    """Turns a sentence into integers; a tag that is not known becomes the first."""
    places = {label: i for i, label in enumerate(tagger.labels)}
    labels = np.array([places.get(tag, 0) for tag in sentence.tags])
    return Example(tagger.lexicon.encode(sentence.words), labels)


def read_splits(splits: Splits, binary: bool, name: str) -> Splits:
    """The sentences, with tags that say name or not if `binary`."""
    if binary:
        splits = Splits(*(list(map(as_binary, part)) for part in splits))
    if all(tag == OUTSIDE for s in splits.train for tag in s.tags):
        raise DataError(f"{name}: no entity in the part to learn from")
    return splits


def as_binary(sentence: Tagged) -> Tagged:
    """The same sentence, with tags that say name or not."""
    tags = (OUTSIDE if tag == OUTSIDE else BINARY[1] for tag in sentence.tags)
    return Tagged(sentence.words, tuple(tags))


def make_predictor(
    layer: Any, sentences: Sequence[Tagged], options: Any
) -> TagPredictor:
    """A tagger with the words, letters and tags of the training sentences."""
    tags = sorted({tag for s in sentences for tag in s.tags} - {OUTSIDE})
    binary = options.tags == "binary"
    labels = BINARY if binary else (OUTSIDE, *tags)
    lexicon = Lexicon.build((s.words for s in sentences), options.min_count)
    model = Tagger(
        layer,
        1 if binary else len(labels),
        word_features(lexicon, options),
        crf=options.crf and not binary,
        dropout=options.dropout,
        gradient=options.gradient,
    )
    return TagPredictor(model, lexicon, labels)


def loss_of(tagger: TagPredictor, word_dropout: float) -> Callable[..., Any]:
    """The loss is −log P of a sentence's tags; some words are taken for unknown."""

    def loss(variables, batch, key, recurrent_state):
        words, labels = batch.values
        key, key_words = jax.random.split(key)
        nats = tagger.model.apply(
            variables,
            tagger.lexicon.word_dropout(words, key_words, word_dropout),
            labels,
            batch.lengths.labels,
            train=True,
            rngs={"dropout": key},
            method="loss",
        )
        return nats, jnp.sum(batch.lengths.labels), recurrent_state

    return loss
