"""A trained language model: language_model saves it, other experiments ask it."""

import functools
import json
import pathlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments import common
from seqjax.data import DataError, Vocabulary
from seqjax.data.readers import read_bytes
from seqjax.decode import log_probs
from seqjax.models import LanguageModel
from seqjax.models.recurrent import BEFORE_FIRST


class Settings(NamedTuple):
    """What a model is made by, beside its vocabulary."""

    level: str  # "char" or "word"
    sentences: bool  # lines from nothing, instead of streams
    cell: str
    features: int
    layers: int
    embedding: int
    tied: bool

    def tokens(self, line: str) -> list[str]:
        """A line's words or characters."""
        return line.split() if self.level == "word" else list(line)

    def model(self, vocabulary: Vocabulary, **training: Any) -> LanguageModel:
        """The model; `training` has its further fields."""
        return LanguageModel(
            common.stacked(self.cell, self.features, self.layers),
            len(vocabulary),
            embedding=self.embedding,
            tied=self.tied,
            **training,
        )


class Trained(NamedTuple):
    """A model to ask."""

    settings: Settings
    vocabulary: Vocabulary
    model: LanguageModel
    variables: Any
    words: dict[str, int]  # how often each stands in the text that it learned from

    @property
    def step(self):
        """(carry, tokens [B]) to (carry, logits [B, V])."""
        return functools.partial(self.model.apply, self.variables, method="step")

    def begin(self, rows: int) -> tuple[Any, jax.Array]:
        """The state before a line, and what is fed first."""
        carry = self.model.apply(self.variables, rows, method="initial_carry")
        first = BEFORE_FIRST if self.settings.sentences else self.vocabulary.eos
        return carry, jnp.full(rows, first)

    def log_probs(self, lines: list[str], rows: int = 64) -> list[np.ndarray]:
        """log P of each token of each line, <EOS> counted, in nats."""
        encoded = [self.vocabulary.encode(self.settings.tokens(line)) for line in lines]
        longest = max(map(len, encoded))
        found = []
        for start in range(0, len(encoded), rows):
            part = encoded[start : start + rows]
            tokens = np.zeros((rows, longest), np.int32)
            lengths = np.zeros(rows, np.int32)
            for row, ids in enumerate(part):
                tokens[row, : len(ids)], lengths[row] = ids, len(ids)
            each = np.asarray(self._scored(tokens, lengths))
            found += [
                values[: len(ids)] for values, ids in zip(each, part, strict=False)
            ]
        return found

    def _scored(self, tokens: np.ndarray, lengths: np.ndarray) -> jax.Array:
        carry, first = self.begin(len(tokens))
        return _log_probs(self.model, self.variables, carry, first, tokens, lengths)


@functools.partial(jax.jit, static_argnums=0)
def _log_probs(model: LanguageModel, variables, carry, first, tokens, lengths):
    step = functools.partial(model.apply, variables, method="step")
    return log_probs(step, carry, first, tokens, lengths)


def save(
    workdir: pathlib.Path,
    settings: Settings,
    vocabulary: Vocabulary,
    variables: Any,
    words: dict[str, int],
) -> None:
    """Writes settings.json, vocabulary.json, words.json and model.msgpack.

    Args:
      workdir: the run's folder.
      settings: of the model.
      vocabulary: its tokens.
      variables: of the model.
      words: how often each word stands in the text that it learned from.
    """
    common.write_text(workdir / "settings.json", json.dumps(settings._asdict()) + "\n")
    common.write_text(workdir / "words.json", json.dumps(words) + "\n")
    vocabulary.to_json(workdir / "vocabulary.json")
    common.save_variables(workdir, variables)


def load(workdir: str | pathlib.Path) -> Trained:
    """Reads what `save` wrote.

    Raises:
      DataError: a file is missing or damaged.
    """
    folder = pathlib.Path(workdir)
    settings = Settings(**_read_json(folder / "settings.json", set(Settings._fields)))
    words = _read_json(folder / "words.json")
    vocabulary = Vocabulary.from_json(folder / "vocabulary.json")
    model = settings.model(vocabulary)
    like = model.init(jax.random.key(0), jnp.zeros((1, 1), int), jnp.ones(1, int))
    variables = common.load_variables(folder, like)
    return Trained(settings, vocabulary, model, variables, words)


def _read_json(path: pathlib.Path, keys: set[str] | None = None) -> dict[str, Any]:
    raw = read_bytes(path)
    try:
        found = json.loads(raw)
        if not isinstance(found, dict) or keys not in (None, set(found)):
            raise ValueError("other keys")
    except ValueError as error:
        raise DataError(f"{path}: not of a language model: {error}") from None
    return found
