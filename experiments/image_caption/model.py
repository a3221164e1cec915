"""The writer of captions, and its rivals."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.image_caption.captioned import Captioned
from experiments.shared.layers import layer_of
from seqjax.data import DataError, Tokenizer
from seqjax.data.images import resized
from seqjax.models import ConvEncoder, EncoderDecoder
from seqjax.predict import CaptionPredictor


def make_predictor(train: Sequence[Captioned], options: Any) -> CaptionPredictor:
    """The writer that the flags ask for, without variables.

    Raises:
      DataError: no caption has a word.
    """
    o, (height, width) = options, size_of(train, options.side)
    words = Tokenizer.build([image.caption for image in train], "words", o.vocabulary)
    longest = max(len(words.encode(image.caption)) for image in train)
    if longest < 2:
        raise DataError("there is no word in the captions")
    channels = (o.channels, *(2 * o.channels,) * 3)
    model = EncoderDecoder(
        None,
        layer_of(o, causal=True),
        None,
        len(words.vocabulary),
        embedding=o.embedding,
        attention=o.attention,
        dropout=o.dropout,
        gradient=o.gradient,
        reader=ConvEncoder(channels, (1, 2, 2, 1)),
    )
    return CaptionPredictor(model, words, height, width, longest)


def size_of(images: Sequence[Captioned], side: int) -> tuple[int, int]:
    """The height and width to which images are scaled: the first one's, or --side."""
    height, width = images[0].pixels.shape[:2]
    return (side, side) if side else (height, width)


def rivals(
    train: Sequence[Captioned], asked: Sequence[Captioned], size: tuple[int, int]
) -> dict[str, list[str]]:
    """Captions without a network: the most frequent one, and the nearest image's.

    Args:
      train: images with captions, of which may be told.
      asked: images to caption.
      size: to which all are scaled; distances are Euclidean, over all colours.
    """
    most = Counter(image.caption for image in train).most_common(1)[0][0]
    known, new = (
        np.array([resized(i.pixels, size) for i in side], np.float32).reshape(
            len(side), -1
        )
        for side in (train, asked)
    )
    squares = np.sum(known**2, axis=1) - 2 * new @ known.T
    return {
        "the most frequent caption": [most] * len(asked),
        "the nearest image's caption": [
            train[i].caption for i in squares.argmin(axis=1)
        ],
    }
