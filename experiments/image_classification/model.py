"""The classifiers of image_classification, what they read, and their loss."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.image_classification.picture import Picture, classes_of
from experiments.image_classification.warp import Warp
from experiments.shared.errors import UsageError
from experiments.shared.layers import layer_of
from seqjax.data import DataError
from seqjax.data.images import Scan
from seqjax.losses import cross_entropy
from seqjax.models import Classifier, FeedForward
from seqjax.predict import ImageClassPredictor


class Example(NamedTuple):
    """An image, and the place of its class."""

    image: np.ndarray  # [H, W], from `Scan.stand`
    label: int


def scan_of(pictures: Sequence[Picture], options: Any) -> Scan:
    """How the flags ask to read images of the size of the first.

    Raises:
      UsageError: --permuted has no meaning for --way.
    """
    height, width = pictures[0].pixels.shape
    if options.permuted and options.way != "pixels":
        raise UsageError("--permuted: only --way=pixels reads pixels one by one")
    order = np.random.default_rng(options.order_seed).permutation(height * width)
    fixed = tuple(order.tolist()) if options.permuted else ()
    return Scan(options.way, height, width, fixed)


def make_predictor(train: Sequence[Picture], options: Any) -> ImageClassPredictor:
    """The classifier that the flags ask for, without variables."""
    o, scan, classes = options, scan_of(train, options), classes_of(train)
    widths = (o.hidden,) if o.hidden else ()
    if o.way == "fixed":
        o.cell, layers = "feed forward", (o.features,) * o.layers
        model: Any = FeedForward(layers, len(classes), None, o.dropout)
    else:
        how = {"widths": widths, "dropout": o.dropout, "gradient": o.gradient}
        model = Classifier(layer_of(o), len(classes), None, o.pooling, **how)
    return ImageClassPredictor(model, scan, classes)


def examples_of(
    teller: ImageClassPredictor, pictures: Sequence[Picture]
) -> list[Example]:
    """The pictures as they are learned from.

    Raises:
      DataError: one has a size that the model cannot read.
    """
    for picture in pictures:
        if reason := teller.scan.refused(picture.pixels.shape):
            raise DataError(f"{picture.name}: {reason}")
    return [
        Example(teller.scan.stand(p.pixels), teller.classes.index(p.label))
        for p in pictures
    ]


def loss_of(teller: ImageClassPredictor, much: float) -> Callable[..., Any]:
    """The loss is −log P of an image's class, the image changed by `Warp`.

    Args:
      teller: the classifier.
      much: of the changes; 0 for none.
    """
    model, scan = teller.model, teller.scan

    def loss(variables, batch, key, recurrent_state):
        key, key_warp = jax.random.split(key)
        images, rows = batch.values.image / 255, batch.lengths.image
        if much:
            images = Warp()(key_warp, images, rows, much)
        inputs, lengths = scan.steps(images), scan.count(rows)
        logits = model.apply(variables, inputs, lengths, True, rngs={"dropout": key})
        mask = (batch.lengths.label > 0)[None]
        nats = cross_entropy(logits[None], batch.values.label[None], mask)
        return nats, jnp.sum(lengths), recurrent_state

    return loss
