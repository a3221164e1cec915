"""A translator: translation trains, saves and asks it."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from experiments.pieces import Language

from experiments import common
from experiments.translation.data import Pair
from seqjax.data import Batches
from seqjax.data.vocabulary import UNK
from seqjax.decode import Rules, generate, replace_unknown
from seqjax.models import EncoderDecoder
from seqjax.models.recurrent import BOS


class Settings(NamedTuple):
    """What a translator is made by."""

    cell: str
    features: int
    layers: int
    bidirectional: bool
    embedding: int
    attention: str
    longest: int
    source: Sequence[Any]  # the fields of a `Language`
    target: Sequence[Any]

    def model(self, **training: Any) -> EncoderDecoder:
        """The model; `training` has its further fields."""
        sizes = self.cell, self.features, self.layers
        attention: Any = self.attention
        return EncoderDecoder(
            common.stacked(*sizes, self.bidirectional),
            common.stacked(*sizes),
            *(len(language.vocabulary) for language in self.languages),
            embedding=self.embedding,
            attention=attention,
            **training,
        )

    @property
    def languages(self) -> tuple[Language, Language]:
        """Of the source and of the target."""
        return Language(*self.source), Language(*self.target)

    def example(self):
        """A pair of one token each."""
        one, length = jnp.zeros((1, 1), int), jnp.ones(1, int)
        return one, length, one, length

    def check(self):
        """Cuts a text in both languages."""
        return [language.encode("a") for language in self.languages]


class Tokens(NamedTuple):
    """A pair as integers."""

    source: np.ndarray  # [S]
    target: np.ndarray  # [T]


def encoded(settings: Settings, pairs: Sequence[Pair]) -> list[Tokens]:
    """Pairs as integers, <EOS> at the end of both."""
    source, target = settings.languages
    return [Tokens(source.encode(p.source), target.encode(p.target)) for p in pairs]


class Translator:
    """A model to ask."""

    def __init__(
        self, settings: Settings, variables: Any, copies: bool = True, buckets: int = 1
    ):
        """Takes what `saved.load` gives.

        Args:
          settings: of the model.
          variables: of the model.
          copies: whether an unknown word becomes the source word most looked at; else,
            and where there is no attention, none is ever written.
          buckets: groups of sentences of like length.
        """
        self._settings, self._variables, self._buckets = settings, variables, buckets
        self._model = settings.model()
        self.source, self.target = settings.languages
        self._copies = copies and settings.attention != "none"

    def translate(self, texts: Sequence[str], strategy: Any) -> list[str]:
        """The best of a strategy's hypotheses for each text."""
        written = self._written(texts, strategy)
        if self._copies and any(UNK in tokens for tokens in written):
            sides = zip(written, self.looked(texts, written), texts, strict=True)
            written = [
                replace_unknown(tokens, weights, self.source.cut(text))
                for tokens, weights, text in sides
            ]
        return [self.target.join(tokens) for tokens in written]

    def _written(self, texts: Sequence[str], strategy: Any) -> list[list[str]]:
        vocabulary = self.target.vocabulary
        forbidden = () if self._copies else (vocabulary.unk,)
        write = functools.partial(
            _write,
            self._model,
            strategy,
            self._settings.longest,
            vocabulary.eos,
            Rules(forbidden=forbidden),
            self._variables,
        )
        sources = [self.source.encode(text) for text in texts]
        rows = Batches(sources, 64, buckets=self._buckets).each(write)
        return [vocabulary.decode(row) for row in rows]

    def looked(
        self, texts: Sequence[str], written: Sequence[Sequence[str]]
    ) -> list[np.ndarray]:
        """How much each written token, <EOS> counted, looked at each that was read."""
        examples = [
            Tokens(self.source.encode(text), self.target.vocabulary.encode(tokens))
            for text, tokens in zip(texts, written, strict=True)
        ]
        look = functools.partial(_look, self._model, self._variables)
        rows = Batches(examples, 64, buckets=self._buckets).each(look)
        return [
            row[: len(e.target), : len(e.source)]
            for row, e in zip(rows, examples, strict=True)
        ]


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3, 4))
def _write(model, strategy, length, stop, rules, variables, batch) -> jax.Array:
    apply = functools.partial(model.apply, variables)
    found = generate(
        functools.partial(apply, method="step"),
        apply(*batch, method="initial_carry"),
        jnp.full(len(batch.lengths), BOS),
        strategy,
        length=length,
        eos_id=stop,
        rules=rules,
    )
    return found.tokens[:, 0]


@functools.partial(jax.jit, static_argnums=0)
def _look(model: EncoderDecoder, variables: Any, batch) -> jax.Array:
    source, target = batch.values
    lengths = batch.lengths.source
    return model.apply(variables, source, lengths, target, method="alignments")
