"""The classifier of videos, what it reads, and how training changes that."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.shared.classifying import Change
from experiments.shared.errors import UsageError
from experiments.shared.layers import layer_of
from experiments.shared.ranges import whole_numbers
from experiments.video_activity.video import Video
from seqjax.models import Classifier, ConvEncoder
from seqjax.predict import VideoClassPredictor


def make_predictor(train: Sequence[Video], options: Any) -> VideoClassPredictor:
    """The classifier that the flags ask for, without variables.

    Raises:
      UsageError: a flag of images is set for points.
    """
    o, first = options, train[0]
    classes = tuple(sorted({video.label for video in train}))
    encoder = None
    if first.has_pixels:
        strides = (2,) * len(o.channels)
        encoder = ConvEncoder(
            tuple(whole_numbers(o, "channels")), strides, o.places, "flat"
        )
    elif "conv_lstm" in o.cell:
        raise UsageError("--cell: a convolutional LSTM needs videos of pixels")
    sizes = {"dropout": o.dropout, "gradient": o.gradient}
    model = Classifier(layer_of(o), len(classes), encoder, o.pooling, **sizes)
    frame = first.frames.shape[1:]
    predictor = VideoClassPredictor(model, frame, classes)
    every = np.concatenate([video.frames for video in train]).astype(float)
    if first.has_pixels:
        mean, std = (every.mean(),), (every.std(),)
    else:
        mean, std = every.mean(axis=0), np.maximum(every.std(axis=0), 1e-5)
    scaled = {"mean": tuple(map(float, mean)), "std": tuple(map(float, std))}
    return dataclasses.replace(predictor, **scaled, differences=not first.has_pixels)


def augmentation(predictor: VideoClassPredictor, options: Any) -> Change:
    """The change of inputs in training: noise; points also shrink, grow and move."""
    noise, much = options.noise, options.scale

    def change(key, inputs, lengths):
        del lengths
        key_noise, key_scale, key_move = jax.random.split(key, 3)
        if predictor.differences and much:
            rows, width = len(inputs), inputs.shape[-1] // 2
            scale = jnp.exp(much * jax.random.normal(key_scale, (rows, 1, 1)))
            move = much * jax.random.normal(key_move, (rows, 1, width))
            still = jnp.zeros_like(move)  # the differences stay where they are
            inputs = scale * inputs + jnp.concatenate([move, still], axis=-1)
        return inputs + noise * jax.random.normal(key_noise, inputs.shape)

    return change


def single_frames(videos: Sequence[Video], way: str) -> np.ndarray:
    """What the baselines read: the "middle" frame, or the "mean" one, [N, numbers]."""
    if way == "mean":
        return np.array([v.frames.mean(axis=0).ravel() for v in videos])
    return np.array([v.frames[len(v.frames) // 2].ravel() for v in videos])
