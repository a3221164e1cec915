"""A language model to ask: how likely a text is, what comes next, what it writes."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqjax.data.batches import Batch, Batches
from seqjax.data.streams import Streams
from seqjax.data.tokenize import Tokenizer
from seqjax.data.vocabulary import EOS
from seqjax.decode import Rules, Sampling, generate, log_probs, rank
from seqjax.decode.generation import Hypotheses
from seqjax.decode.scoring import Ranked
from seqjax.devices import by_rows
from seqjax.metrics import Mean
from seqjax.models.recurrent import BOS
from seqjax.predict.batched import apply, one_or_more

PIECE = 1000  # tokens of a stream that are scored at a time


@dataclasses.dataclass(frozen=True, eq=False)
class LanguagePredictor:
    """A trained language model.

    Attributes:
      model: a Flax module with the methods `loss`, `initial_carry` and `step` of
        `LanguageModel`, and `stream` for `nats_of_stream`.
      tokenizer: between texts and integers.
      stream: True for a model of running text, which begins after an `<EOS>` and writes
        on past others; False for a model of single lines, each from nothing to its
        `<EOS>`.
      word_counts: how often each word occurs in the text that the model has learned.
      variables: of the model.

    Example:
      >>> import jax
      >>> from seqjax.cells import LSTM
      >>> from seqjax.models import LanguageModel
      >>> from seqjax.predict import init
      >>> names = Tokenizer.build(["anna", "hanna"], "chars")
      >>> model = LanguageModel(LSTM(8), len(names.tokens))
      >>> untrained = LanguagePredictor(model, names, stream=False)
      >>> variables = init(untrained, jax.random.key(0))
      >>> predictor = dataclasses.replace(untrained, variables=variables)
      >>> [token for token, log_p in predictor.score("anna")]
      ['a', 'n', 'n', 'a', '<EOS>']
      >>> len(predictor.sample("han", count=2, length=5, seed=1))
      2
    """

    model: Any
    tokenizer: Tokenizer
    stream: bool
    word_counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    variables: Any = None

    def __post_init__(self):
        known, size = (
            len(self.tokenizer.tokens),
            getattr(self.model, "vocabulary", None),
        )
        if size is not None and size != known:
            raise ValueError(f"the model has {size} tokens, but the tokenizer {known}")

    def example(self) -> tuple[Any, ...]:
        """Returns a batch of one token, for the model's `init`."""
        return jnp.zeros((1, 1), int), jnp.ones(1, int)

    def score(self, text: str) -> list[tuple[str, float]]:
        """Returns log P of each token of a text and of the `<EOS>` after it, in nats.

        Raises:
          ValueError: the text is empty.
        """
        if not text:
            raise ValueError("there is no text to score")
        (values,) = self.log_probs([text])
        return list(zip([*self._tokenize(text), EOS], values.tolist(), strict=True))

    def log_probs(self, texts: Sequence[str], *, buckets: int = 4) -> list[np.ndarray]:
        """Returns log P of each token of each text, `<EOS>` counted: [length], in nats.

        Args:
          texts: at least one.
          buckets: groups of texts of like length that are scored together.
        """
        vocabulary = self.tokenizer.vocabulary
        encoded = [vocabulary.encode(self._tokenize(text)) for text in texts]
        score = functools.partial(_log_probs, self.model, self.variables, self.first)
        rows = Batches(encoded, 64, buckets=buckets).map_rows(score)
        return [row[: len(ids)] for row, ids in zip(rows, encoded, strict=True)]

    def rank(self, text: str = "", k: int = 10) -> list[tuple[str, float]]:
        """Returns the k likeliest tokens after a text, best first, and P of each.

        Raises:
          ValueError: k is below 1.
        """
        k = min(one_or_more(k, "k"), len(self.tokenizer.tokens))
        best = _rank(self.model, k, self.variables, self.first, self._encode(text))
        names = [self.tokenizer.tokens[i] for i in best.tokens[0].tolist()]
        return list(zip(names, np.exp(best.log_probs[0]).tolist(), strict=True))

    def sample(
        self,
        text: str = "",
        *,
        count: int = 1,
        length: int = 300,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int | jax.Array = 0,
    ) -> list[str]:
        """Returns texts that begin with a given one and go on as the model would.

        Args:
          text: what all of them begin with.
          count: how many to draw, independently of each other.
          length: the most tokens that are drawn for each.
          temperature: see `seqjax.decode.Sampling`, as for `top_k` and `top_p`.
          top_k: draws from the k likeliest tokens alone; 0 draws from all.
          top_p: draws from the likeliest tokens with this share of the probability.
          seed: the same seed (or key of `jax.random`) draws the same texts.

        Raises:
          ValueError: a number is out of its range.
        """
        longest = one_or_more(length, "length")
        strategy = Sampling(one_or_more(count, "count"), temperature, top_k, top_p)
        key = jax.random.key(seed) if isinstance(seed, int) else seed
        ids, vocabulary = self._encode(text), self.tokenizer.vocabulary
        eos = -1 if self.stream else vocabulary.eos  # running text goes on behind it
        options = strategy, ids.shape[1] + longest, eos, Rules((vocabulary.unk,))
        drawn = jax.device_get(
            _generate(self.model, *options, self.variables, self.first, ids, key)
        )
        given = self._tokenize(text)
        return [
            self._joined(
                [*given, *(self.tokenizer.tokens[i] for i in row[len(given) : n])]
            )
            for row, n in zip(drawn.tokens[0], drawn.lengths[0], strict=True)
        ]

    def nats(self, batches: Batches) -> Mean:
        """Returns −log P a token of encoded lines, each read from nothing."""

        def nats(batch: Batch) -> Mean:
            total = apply(self.model, "loss", self.variables, *batch).total
            return Mean(total, batch.lengths.sum())

        return batches.mean(nats)

    def nats_of_stream(self, tokens: np.ndarray, streams: int = 1) -> Mean:
        """Returns −log P a token of running text, all but the first token [N].

        Args:
          tokens: integers [N], at least two.
          streams: how many parts of the text are read side by side, each of 1000 tokens
            or more; 1 reads it in one go.
        """
        streams = min(streams, max(len(tokens) // PIECE, 1))
        length = min(PIECE, (len(tokens) - 1) // streams)
        nats, carry = Mean(0.0, 0.0), self.initial_carry(streams)
        for piece in Streams(tokens, streams, length).once():
            arguments = self.variables, carry, piece.tokens, piece.targets
            carry, each = apply(self.model, "stream", *arguments)
            nats = nats.merge(Mean(each.total, piece.targets.size))
        return Mean(float(nats.total), float(nats.weight))

    @property
    def first(self) -> int:
        """The token that `step` reads before the first one of a text."""
        return self.tokenizer.vocabulary.eos if self.stream else BOS

    def initial_carry(self, rows: int) -> Any:
        """Returns the state before the first token, for so many texts at once."""
        return self.model.apply(self.variables, rows, method="initial_carry")

    def step(self, carry: Any, tokens: Any) -> tuple[Any, jax.Array]:
        """Reads a token of each text, and scores what may follow.

        Args:
          carry: from `initial_carry` or the last step.
          tokens: integers [B]; `first` at the beginning.

        Returns:
          The state after them, and logits [B, V].
        """
        return apply(self.model, "step", self.variables, carry, jnp.asarray(tokens))

    def _tokenize(self, text: str) -> list[str]:
        """Returns tokens; a line break is an `<EOS>`."""
        lines = text.split("\n")
        if len(lines) > 1 and not self.stream:
            raise ValueError("this model reads one line; the text has a line break")
        tokens = [
            token for line in lines for token in (EOS, *self.tokenizer.tokenize(line))
        ]
        return tokens[1:]

    def _encode(self, text: str) -> np.ndarray:
        ids = self.tokenizer.vocabulary.encode(self._tokenize(text), eos=False)
        return ids[None]

    def _joined(self, tokens: list[str]) -> str:
        return self.tokenizer.detokenize(tokens).rstrip("\n")


def _begin(model: Any, variables: Any, first: Any, rows: int) -> tuple[Any, Any, Any]:
    """Returns the step, the state before it, and what is read first."""
    step = functools.partial(model.apply, variables, method="step")
    carry = model.apply(variables, rows, method="initial_carry")
    return step, carry, jnp.full(rows, first)


@by_rows(static=1)
def _log_probs(model: Any, variables: Any, first: int, batch: Batch) -> jax.Array:
    begin = _begin(model, variables, first, len(batch.lengths))
    return log_probs(*begin, *batch)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _rank(model: Any, k: int, variables: Any, first: int, ids: jax.Array) -> Ranked:
    lengths = jnp.array([ids.shape[1]])
    return rank(*_begin(model, variables, first, 1), ids, lengths, k)


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3, 4))
def _generate(
    model: Any,
    strategy: Sampling,
    length: int,
    eos_id: int,
    rules: Rules,
    variables: Any,
    first: int,
    ids: jax.Array,
    key: jax.Array,
) -> Hypotheses:
    return generate(
        *_begin(model, variables, first, 1),
        strategy,
        length=length,
        eos_id=eos_id,
        rules=rules,
        prefix=(ids, jnp.array([ids.shape[1]])),
        key=key,
    )
