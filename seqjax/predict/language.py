"""A trained language model: language_model saves it, rescoring asks it, too."""

import functools
import pathlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments import common, saved
from seqjax.data import Batches, Vocabulary
from seqjax.decode import Rules, Sampling, generate, log_probs, rank
from seqjax.models import LanguageModel
from seqjax.models.recurrent import BOS


class Settings(NamedTuple):
    """What a model is made by, and the words that it learned from."""

    level: str  # "char" or "word"
    sentences: bool  # lines from nothing, instead of streams
    cell: str
    features: int
    layers: int
    embedding: int
    tied: bool
    tokens: list[str] | tuple[str, ...] = ()  # the vocabulary
    words: dict[str, int] = {}  # how often each stands in the text

    def split(self, line: str) -> list[str]:
        """A line's words or characters."""
        return line.split() if self.level == "word" else list(line)

    def model(self, **training: Any) -> LanguageModel:
        """The model; `training` has its further fields."""
        return LanguageModel(
            common.stacked(self.cell, self.features, self.layers),
            len(self.tokens),
            embedding=self.embedding,
            tied=self.tied,
            **training,
        )

    def example(self):
        """A sequence of one token."""
        return jnp.zeros((1, 1), int), jnp.ones(1, int)

    def check(self):
        """Makes the vocabulary and the counts."""
        return Vocabulary(tuple(self.tokens)), sum(self.words.values())


class Trained(NamedTuple):
    """A model to ask."""

    settings: Settings
    vocabulary: Vocabulary
    model: LanguageModel
    variables: Any

    @property
    def step(self):
        """(carry, tokens [B]) to (carry, logits [B, V])."""
        return functools.partial(self.model.apply, self.variables, method="step")

    def begin(self, rows: int) -> tuple[Any, jax.Array]:
        """The state before a line, and what is fed first."""
        carry = self.model.apply(self.variables, rows, method="initial_carry")
        first = BOS if self.settings.sentences else self.vocabulary.eos
        return carry, jnp.full(rows, first)

    def log_probs(self, lines: list[str]) -> list[np.ndarray]:
        """log P of each token of each line, <EOS> counted, in nats."""
        encoded = [self.vocabulary.encode(self.settings.split(line)) for line in lines]
        rows = Batches(encoded, 64, buckets=4).each(self._scored)
        return [row[: len(ids)] for row, ids in zip(rows, encoded, strict=True)]

    def _scored(self, batch) -> jax.Array:
        carry, first = self.begin(len(batch.lengths))
        return _log_probs(self.model, self.variables, carry, first, *batch)

    def ranked(self, text: str, k: int) -> list[tuple[str, float]]:
        """The k likeliest tokens after a text, and P of each."""
        ids = self._encoded(text)
        k = min(k, len(self.vocabulary))
        best = rank(self.step, *self.begin(1), ids, jnp.array([ids.shape[1]]), k)
        p = np.exp(best.log_probs[0]).tolist()
        names = (self.vocabulary.tokens[i] for i in best.tokens[0].tolist())
        return list(zip(names, p, strict=True))

    def samples(
        self, text: str, length: int, sampling: Sampling, key: jax.Array
    ) -> list[str]:
        """Texts that go on from a text, by at most `length` tokens."""
        ids = self._encoded(text)
        eos, begun = self.vocabulary.eos, ids.shape[1]

        @jax.jit
        def draw(key):
            return generate(
                self.step,
                *self.begin(1),
                sampling,
                length=begun + length,
                eos_id=eos
                if self.settings.sentences
                else -1,  # a stream goes on behind
                rules=Rules(forbidden=(self.vocabulary.unk,)),
                prefix=(ids, jnp.array([begun])),
                key=key,
            )

        found = jax.device_get(draw(key))
        pairs = zip(found.tokens[0], found.lengths[0], strict=True)
        return [self._joined(tokens[:length]) for tokens, length in pairs]

    def _encoded(self, text: str) -> jax.Array:
        tokens = self.settings.split(text)
        return jnp.asarray(self.vocabulary.encode(tokens, eos=False)[None])

    def _joined(self, tokens: np.ndarray) -> str:
        names = (self.vocabulary.tokens[i] for i in tokens)
        space = " " if self.settings.level == "word" else ""
        text = space.join("\n" if name == "<EOS>" else name for name in names)
        return text.rstrip("\n")


@functools.partial(jax.jit, static_argnums=0)
def _log_probs(model: LanguageModel, variables, carry, first, tokens, lengths):
    step = functools.partial(model.apply, variables, method="step")
    return log_probs(step, carry, first, tokens, lengths)


def load(workdir: str | pathlib.Path | None) -> Trained:
    """Reads what language_model saved.

    Raises:
      UsageError: no folder is named.
      DataError: a file is missing or damaged.
    """
    settings, variables = saved.load(workdir, Settings)
    vocabulary = Vocabulary(tuple(settings.tokens))
    return Trained(settings, vocabulary, settings.model(), variables)
