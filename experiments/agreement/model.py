"""Agreement as integers: the corpus, the classifier, its loss, and the baseline."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from experiments.agreement.data import NOUNS, PLURAL, Sentence
from experiments.agreement.nested import INNER_PLURAL
from seqjax.data import Batches, DataError, Source, Splits, Tokenizer
from seqjax.data.batches import Batch
from seqjax.devices import by_rows
from seqjax.layer import Layer
from seqjax.losses import binary_cross_entropy
from seqjax.models import Classifier
from seqjax.predict import ClassPredictor

VERBS = ("was", "were")  # stand for their numbers
PLURALS = INNER_PLURAL.union(PLURAL)
LONGEST = 10_000  # words of a sentence that are read


class Example(NamedTuple):
    """The words before the last verb as integers, and the verbs' numbers."""

    words: np.ndarray  # [T]
    numbers: np.ndarray  # [T], of the verb that comes next: 1 or 2; 0 if none does


class Verbs(NamedTuple):
    """Which verbs are predicted right, by sentence [N]."""

    last: np.ndarray  # bool, that of the subject
    inner: np.ndarray  # how many of the other verbs that are asked for
    asked: np.ndarray  # how many these are

    def wrong(self) -> float:
        """The share of all verbs that are wrong."""
        right = self.last.sum() + self.inner.sum()
        return float(1 - right / (len(self.last) + self.asked.sum()))

    def inner_right(self) -> float | None:
        """The share of inner verbs that are right; None where none is asked for."""
        asked = self.asked.sum()
        return float(self.inner.sum() / asked) if asked else None


def split_sentences(source: Source, longest: int, seed: int) -> Splits:
    """Splits the short sentences in three; all long ones are for the test.

    Args:
      source: sentences.
      longest: words between subject and verb of a short one.
      seed: of the split.

    Returns:
      The splits; the test sentences are sorted by their lengths.

    Raises:
      DataError: there are fewer than ten short ones, or no long one.
    """
    order = np.random.default_rng(seed).permutation(len(source.examples))
    shuffled = [source.examples[i] for i in order]
    short = [s for s in shuffled if s.distance <= longest]
    long = [s for s in shuffled if s.distance > longest]
    tenth = len(short) // 10
    if not tenth or not long:
        raise DataError(
            f"{source.name}: {len(short)} sentences with at most {longest} words "
            f"between subject and verb and {len(long)} with more; 10 and 1 are needed"
        )
    test = sorted([*short[:tenth], *long], key=lambda s: len(s.words))
    return Splits(short[2 * tenth :], short[tenth : 2 * tenth], test)


def make_predictor(
    layer: Layer, sentences: Sequence[Sentence], gradient: Any
) -> ClassPredictor:
    """A classifier of the verb's number that knows the words of these sentences."""
    texts = (" ".join(s.words) for s in sentences)
    tokenizer = Tokenizer.build(texts, "spaced")
    embed = nn.Embed(len(tokenizer.tokens), layer.features)
    model = Classifier(layer, 1, embed, gradient=gradient)
    return ClassPredictor(model, tokenizer, VERBS, LONGEST)


def encode(predictor: ClassPredictor, sentence: Sentence) -> Example:
    """Turns a sentence into integers."""
    words = predictor.encode(" ".join(sentence.words))
    numbers = np.zeros_like(words)
    numbers[-1] = 1 + (sentence.verb in PLURALS)
    for place in sentence.inner:
        numbers[place - 1] = 1 + (sentence.words[place] in PLURALS)
    return Example(words, numbers)


def batches_of(
    predictor: ClassPredictor, sentences: Sequence[Sentence], buckets: int = 6
) -> Batches:
    """Sentences, batched once, to be tested on."""
    encoded = [encode(predictor, sentence) for sentence in sentences]
    return Batches(encoded, batch_size=200, buckets=buckets)


def loss_of(model: Classifier) -> Callable[..., Any]:
    """The loss is the binary cross entropy of each verb's number, E6."""

    def loss(variables, batch, key, recurrent_state):
        logits, numbers = _logits(model, variables, batch, key), batch.values.numbers
        nats = binary_cross_entropy(logits.T, (numbers == 2).T, (numbers > 0).T)
        return nats, jnp.sum(batch.lengths.words), recurrent_state

    return loss


def verbs_right(predictor: ClassPredictor, batches: Batches) -> Verbs:
    """Which verbs of sentences, from `batches_of`, are predicted right."""
    function = functools.partial(_count, predictor.model, predictor.variables)
    last, inner, asked = np.stack(batches.map_rows(function)).T
    return Verbs(last > 0, inner, asked)


@by_rows(static=1)
def _count(model: Classifier, variables: Any, batch: Batch) -> jax.Array:
    """The counts of `Verbs` of each row, [B, 3]."""
    numbers = batch.values.numbers
    right = (_logits(model, variables, batch) > 0) == (numbers == 2)
    last = jnp.arange(numbers.shape[1]) == batch.lengths.words[:, None] - 1
    inner = (numbers > 0) & ~last
    counts = right & last, right & inner, inner
    return jnp.stack([jnp.sum(count, axis=1) for count in counts], axis=-1)


def _logits(
    model: Classifier, variables: Any, batch: Batch, key: jax.Array | None = None
) -> jax.Array:
    """The logit that a verb after each word is plural, [B, T]; with a key, of noise."""
    words, lengths, train = batch.values.words, batch.lengths.words, key is not None
    how: dict[str, Any] = {"rngs": {"dropout": key} if train else None}
    logits: Any = model.apply(
        variables, words, lengths, train, method="at_every_step", **how
    )
    return logits[..., 0]


def last_noun(sentence: Sentence) -> str:
    """Baseline: agrees with the last noun."""
    verbs = {noun: "was" for noun in NOUNS} | {f"{noun}s": "were" for noun in NOUNS}
    predicted = [verbs[word] for word in sentence.words if word in verbs]
    return predicted[-1] if predicted else "was"


def last_noun_right(sentences: Sequence[Sentence]) -> np.ndarray:
    """Where the baseline is right: bool [N]."""
    return np.array([(last_noun(s) in PLURAL) == (s.verb in PLURAL) for s in sentences])


def majority(sentences: Sequence[Sentence]) -> float:
    """The share of the more frequent number."""
    plural = np.mean([s.verb in PLURAL for s in sentences])
    return float(max(plural, 1 - plural))
