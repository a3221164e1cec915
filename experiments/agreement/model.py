"""Agreement as integers: the corpus, the classifier, its loss, and the baseline."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from experiments.agreement.data import PLURAL, Sentence, noun_is_plural
from seqjax.data import Batches, DataError, Source, Splits, Tokenizer
from seqjax.layer import Layer
from seqjax.losses import binary_cross_entropy
from seqjax.models import Classifier
from seqjax.predict import ClassPredictor

VERBS = ("was", "were")  # stand for their numbers
LONGEST = 10_000  # words of a sentence that are read


class Example(NamedTuple):
    """The words before a verb as integers, and its number."""

    words: np.ndarray  # [T]
    plural: int


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
    plural = int(sentence.verb in PLURAL)
    return Example(predictor.encode(" ".join(sentence.words)), plural)


def batches_of(
    predictor: ClassPredictor, sentences: Sequence[Sentence], buckets: int = 6
) -> Batches:
    """Sentences, batched once, for a classifier to classify."""
    texts = [" ".join(s.words) for s in sentences]
    return predictor.batches(texts, batch_size=200, buckets=buckets)


def is_right(
    predictor: ClassPredictor, batches: Batches, plural: np.ndarray
) -> np.ndarray:
    """Whether the number of each verb is predicted: bool [N]."""
    return (predictor.probabilities(batches)[:, 1] > 0.5) == plural


def loss_of(model: Classifier) -> Callable[..., Any]:
    """The loss is the binary cross entropy of the verb's number, E6."""

    def loss(variables, batch, key, recurrent_state):
        del key
        lengths = batch.lengths.words
        logits = model.apply(variables, batch.values.words, lengths)[:, 0]
        labels, mask = batch.values.plural[None], lengths[None] > 0
        nats = binary_cross_entropy(logits[None], labels, mask)
        return nats, jnp.sum(lengths), recurrent_state

    return loss


def last_noun(sentence: Sentence) -> str:
    """Baseline: agrees with the last noun."""
    numbers = [noun_is_plural(word) for word in sentence.words]
    nouns = [plural for plural in numbers if plural is not None]
    return VERBS[nouns[-1]] if nouns else "was"


def plurals(sentences: Sequence[Sentence]) -> np.ndarray:
    """Which of the verbs are plural: bool [N]."""
    return np.array([s.verb in PLURAL for s in sentences])
