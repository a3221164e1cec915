"""The recogniser, what it reads, and its loss."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from experiments.shared.errors import UsageError
from experiments.shared.layers import layer_of, stacked
from experiments.speech_recognition.augment import another_voice
from experiments.speech_recognition.data import Recordings
from seqjax.audio import MFCC, FrontEnd, LogMel
from seqjax.data import Splits, Vocabulary
from seqjax.models import EncoderDecoder, Transcriber
from seqjax.predict import SpeechPredictor, Spoken


def front_end(recordings: Recordings, options: Any) -> FrontEnd:
    """The front end that the flags ask for, or that made the data's own features."""
    o = options
    if o.streaming and (recordings.extract or o.deltas):
        raise UsageError(
            "--streaming: needs a data set of sounds, and --deltas=0: features of "
            "whole recordings, and deltas, look ahead"
        )
    normalize = "corpus" if o.streaming else "utterance"
    extract = recordings.extract
    if extract is None:
        window, hop = (round(recordings.rate * s) for s in (0.025, 0.01))
        extract = LogMel(recordings.rate, window, hop, o.bands)
        if o.cepstra:
            extract = MFCC(extract, o.cepstra)
    return FrontEnd(extract, normalize, o.deltas, o.stack)


def make_predictor(
    front: FrontEnd, texts: Sequence[str], words: tuple[str, ...], options: Any
) -> SpeechPredictor:
    """The recogniser that the flags ask for, without variables."""
    letters = Vocabulary.build(texts)
    layer = layer_of(options, causal=options.streaming)
    sizes = {"dropout": options.dropout, "gradient": options.gradient}
    if options.method == "ctc":
        model = Transcriber(layer, len(letters), letters.eos, **sizes)
    else:
        if options.streaming:
            raise UsageError(
                "--streaming: a decoder that attends needs the whole sound"
            )
        decoder = stacked(options.cell, options.features, dtype=options.dtype)
        size = len(letters)
        model = EncoderDecoder(layer, decoder, None, size, embedding=16, **sizes)
    longest = round(1.5 * max(map(len, texts)))
    closed = words if options.closed and options.method == "ctc" else ()
    return SpeechPredictor(model, front, letters, closed, longest)


def prepare(
    predictor: SpeechPredictor,
    recordings: Recordings,
    splits: Splits,
    options: Any,
) -> tuple[SpeechPredictor, list[list[np.ndarray]]]:
    """Extracts features, and changes those to learn from as the flags say.

    Returns:
      The predictor, whose front end knows the mean where it needs one, and the inputs
      of each part.
    """
    front, o = predictor.front, options
    given = recordings.extract is not None

    def frames(part):
        return [u.sound if given else front.frames(u.sound) for u in part]

    rng = np.random.default_rng(o.seed)
    changes = o.warp, o.stretch, o.noise, recordings.ceiling
    train, valid, test = map(frames, splits)
    train = [another_voice(f, front.extract, rng, *changes) for f in train if len(f)]
    if front.normalize == "corpus":
        front = front.fit(train)
    parts = [[front.inputs(f) for f in part] for part in (train, valid, test)]
    return dataclasses.replace(predictor, front=front), parts


def too_short(predictor: SpeechPredictor, examples: Sequence[Spoken]) -> list[int]:
    """Finds the examples that CTC has too few steps for."""
    if not predictor.aligned:
        return []
    needed = [
        len(e.letters) + np.count_nonzero(e.letters[1:] == e.letters[:-1])
        for e in examples
    ]
    return [i for i, e in enumerate(examples) if len(e.inputs) < needed[i]]


def loss_of(predictor: SpeechPredictor) -> Callable[..., Any]:
    """The loss of a training step, as `seqjax.train.Task` calls it."""

    def loss(variables, batch, key, recurrent_state):
        lengths = batch.lengths
        inputs = batch.values.inputs, lengths.inputs
        nats = predictor.model.apply(
            variables,
            *inputs,
            batch.values.letters,
            lengths.letters,
            train=True,
            method="loss",
            rngs={"dropout": key},
        )
        return nats, jnp.sum(lengths.inputs), recurrent_state

    return loss
