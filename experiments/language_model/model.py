"""Language models: how they begin, and their losses on streams and on lines."""

import collections
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.shared.errors import UsageError
from seqjax.data import Batches, Corpus, DataError, Source, Streams, Tokenizer
from seqjax.layer import Layer
from seqjax.models import LanguageModel
from seqjax.predict import LanguagePredictor
from seqjax.train import truncated_loss


def make_predictor(
    layer: Layer, lines: Sequence[str], options: Any
) -> LanguagePredictor:
    """Makes the language model that the flags ask for.

    Args:
      layer: reads the text.
      lines: whose tokens are known.
      options: the values of the flags.

    Raises:
      UsageError: --tied does not go with the widths.
    """
    if options.tied and options.embedding != options.features:
        raise UsageError("--tied: needs --embedding equal to --features")
    kind = "chars" if options.level == "char" else "spaced"
    tokenizer = Tokenizer.build(lines, kind, options.vocabulary)
    model = LanguageModel(
        layer,
        len(tokenizer.vocabulary),
        embedding=options.embedding,
        tied=options.tied,
        input_dropout=options.input_dropout,
        dropout=options.dropout,
        weight_dropout=options.weight_dropout,
        gradient=options.gradient,
    )
    counts = collections.Counter(word for line in lines for word in line.split())
    return LanguagePredictor(model, tokenizer, not options.sentences, counts)


def uniform_variables(variables: Any, key: jax.Array, scale: float) -> Any:
    """Draws all weights anew, uniform in ±scale, as Zaremba et al. (2014) do."""
    leaves, structure = jax.tree.flatten(variables)
    keys = jax.random.split(jax.random.fold_in(key, 1), len(leaves))
    drawn = [
        jax.random.uniform(k, leaf.shape, leaf.dtype, -scale, scale)
        for k, leaf in zip(keys, leaves, strict=True)
    ]
    return structure.unflatten(drawn)


def stream_loss(
    model: LanguageModel, initial_carry: Any, every: int
) -> Callable[..., Any]:
    """The loss of a piece of parallel streams; the state goes on into the next piece.

    Args:
      model: whose loss.
      initial_carry: the state at the beginning of an epoch.
      every: the new tokens of a piece.
    """

    def read(variables, carry, piece, rngs):
        arguments = variables, carry, piece.tokens, piece.targets, True, piece.mask
        return model.apply(*arguments, rngs=rngs, method="stream")

    return truncated_loss(read, initial_carry, every)


def line_loss(model: LanguageModel) -> Callable[..., Any]:
    """The loss of lines, each read from nothing."""

    def loss(variables, batch, key, recurrent_state):
        rngs = {"dropout": key}
        nats = model.apply(variables, *batch, train=True, rngs=rngs, method="loss")
        return nats, jnp.sum(batch.lengths), recurrent_state

    return loss


def make_corpus(source: Source, tokenizer: Tokenizer) -> Corpus:
    """Encodes the lines of each part."""
    splits = [list(map(tokenizer.encode, part)) for part in source.examples]
    for name, part in zip(("train", "valid", "test"), splits, strict=True):
        if sum(map(len, part)) < 2:
            raise DataError(f"{source.name}: too little text for {name}")
    return Corpus(source, tokenizer.vocabulary, *splits)


def stream_task(
    model: LanguageModel,
    variables: Any,
    corpus: Corpus,
    size: int,
    reach: int,
    every: int = 0,
) -> dict[str, Any]:
    """The data, the loss, and the state that goes from piece to piece.

    Args:
      model: what is trained.
      variables: of the model.
      corpus: of which the training split is read.
      size: how many streams are read side by side.
      reach: k2, the tokens that a gradient goes through.
      every: k1, the new tokens of an update; as many as `reach` if 0.

    Raises:
      UsageError: an update is made less often than gradients reach back.
      DataError: the text is too short for that.
    """
    every = every or reach
    if every > reach:
        raise UsageError(
            f"--bptt_every: with an update every {every} tokens and gradients through "
            f"--bptt={reach}, tokens would be left out"
        )
    try:
        streams = Streams(np.concatenate(corpus.train), size, every, reach - every)
    except ValueError as error:
        raise DataError(f"{corpus.source.name}: {error}") from None
    carry = model.apply(variables, size, method="initial_carry")
    loss = stream_loss(model, carry, every)
    return {"data": streams, "loss": loss, "recurrent_state": carry}


def nats_per_token(
    text: LanguagePredictor, lines: list[np.ndarray], buckets: int, streams: int
) -> float:
    """−log P a token, <EOS> counted; as one stream, or as several for speed."""
    if text.stream:
        return float(text.nats_of_stream(np.concatenate(lines), streams).result())
    return float(text.nats(Batches(lines, 64, buckets=buckets)).result())
