"""Which words are part of a name, and of what kind: many to many, of equal length.

    python -m experiments.name_entity
    python -m experiments.name_entity --tags=binary --nobidirectional
    python -m experiments.name_entity \\
        --flagfile=experiments/presets/name_entity/conll2003.txt
    python -m experiments.name_entity --mode=tag --workdir=runs/conll \\
        --text="Yesterday, Harry Potter met Hermione Granger."

A layer in both directions reads each word, its letters and how it is written; a CRF, or
a softmax, or a sigmoid (--tags=binary, as in the course) says what it is. Scored by
entities, as conlleval and seqeval count them. --data takes a CoNLL folder with
train.txt, valid.txt and test.txt, in IOB1 or IOB2, or one file, which is cut at random.
Writes figures/loss.png, figures/confusion.png, predictions.txt (word, truth, tag),
result.json, and the model that --mode=tag asks.
"""

import collections
import functools
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from experiments import common, saved, words
from experiments.name_entity.data import OUTSIDE, Tagged, as_iob2, entity_f1
from experiments.name_entity.generator import TEDDY
from seqjax.data import Batches, DataError, load
from seqjax.data.lexicon import Encoder, Lexicon, a_word
from seqjax.data.tokenize import split_words
from seqjax.figures import confusion, learning_curve
from seqjax.models import Tagger, Words
from seqjax.train import Task

flags.adopt_module_key_flags(common)
flags.adopt_module_key_flags(words)
common.describe_data(
    "name_entity", "A CoNLL folder or file: a word and its tag a line."
)
common.set_defaults(
    buckets=8,
    features=100,
    embedding=100,
    letter_features=25,
    bidirectional=True,
    steps=1200,
    batch_size=32,
    learning_rate=4e-3,
    schedule="cosine",
    clip_norm=5.0,
    eval_every=200,
)
MODE = flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "tag"],
    "train: makes a model. tag: the one in --workdir tags --text.",
)
TAGS = flags.DEFINE_enum(
    "tags",
    "bio",
    ["bio", "binary"],
    "bio: what kind of name each word begins or goes on with; binary: name or not.",
)
CRF = flags.DEFINE_bool(
    "crf", True, "Tags know their neighbours, by a CRF; of --tags=bio alone."
)
TEXT = flags.DEFINE_string("text", "", "A sentence, for --mode=tag.")
FLAGS = flags.FLAGS


class Settings(NamedTuple):
    """What a tagger is made by."""

    cell: str
    features: int
    layers: int
    bidirectional: bool
    embedding: int
    letter_features: int
    crf: bool
    labels: Sequence[str]  # two for a binary tagger, the second is the name's
    lexicon: Sequence[Sequence[str]]

    def model(self, **training: Any) -> Tagger:
        """The model; `training` has its further fields."""
        layer = common.stacked(
            self.cell, self.features, self.layers, self.bidirectional
        )
        embed = Lexicon(*self.lexicon).features(
            self.embedding,
            self.cell,
            self.letter_features,
            training.get("gradient", "lean"),
        )
        labels = 1 if self.is_binary else len(self.labels)
        return Tagger(layer, labels, embed, crf=self.crf, **training)

    @property
    def is_binary(self) -> bool:
        """Whether a word is a name or not, and no more."""
        return tuple(self.labels) == BINARY

    def example(self):
        """A sentence of one word of one letter."""
        return a_word()

    def check(self):
        """Makes the encoder."""
        return Encoder(Lexicon(*self.lexicon))


BINARY = (OUTSIDE, "I-NAME")


class Example(NamedTuple):
    """A sentence as integers."""

    words: Words
    labels: np.ndarray  # [T]


class Tags(Encoder):
    """Turns sentences into integers, and labels into tags."""

    def __init__(self, settings: Settings):
        super().__init__(Lexicon(*settings.lexicon))
        self.labels = tuple(settings.labels)

    def example(self, sentence: Tagged) -> Example:
        """A tag that training does not know becomes the first label."""
        places = {label: i for i, label in enumerate(self.labels)}
        labels = np.array([places.get(tag, 0) for tag in sentence.tags])
        return Example(self.encode(sentence.words), labels)

    def decode(self, labels: np.ndarray) -> tuple[str, ...]:
        """Labels [T] as tags."""
        return tuple(self.labels[i] for i in labels.tolist())


def as_names(sentence: Tagged) -> Tagged:
    """The same, with tags that say name or not."""
    tags = (OUTSIDE if tag == OUTSIDE else BINARY[1] for tag in sentence.tags)
    return Tagged(sentence.words, tuple(tags))


def make_settings(sentences: list[Tagged]) -> Settings:
    """As the flags say, with the words, letters and tags of the training sentences."""
    tags = sorted({tag for s in sentences for tag in s.tags} - {OUTSIDE})
    binary = TAGS.value == "binary"
    return Settings(
        FLAGS.cell,
        FLAGS.features,
        FLAGS.layers,
        FLAGS.bidirectional,
        FLAGS.embedding,
        FLAGS.letter_features,
        CRF.value and not binary,
        BINARY if binary else (OUTSIDE, *tags),
        Lexicon.build((s.words for s in sentences), FLAGS.min_count),
    )


class Scored(NamedTuple):
    """How good tags are."""

    f1: float  # of entities
    accuracy: float  # of words


def score(sentences: list[Tagged], told: Sequence[Sequence[str]]) -> Scored:
    """Compares tags with the true ones, as conlleval does."""
    true = [sentence.tags for sentence in sentences]
    pairs = zip(itertools.chain(*true), itertools.chain(*told), strict=True)
    right = [tag == other for tag, other in pairs]
    return Scored(entity_f1(true, told).result(), float(np.mean(right)))


def most_frequent_tags(
    learned: list[Tagged], asked: list[Tagged]
) -> list[tuple[str, ...]]:
    """Each word's most frequent tag, and O for words that were never seen."""
    counts = collections.defaultdict(collections.Counter)
    for sentence in learned:
        for word, tag in zip(*sentence, strict=True):
            counts[word][tag] += 1
    best = {word: tags.most_common(1)[0][0] for word, tags in counts.items()}
    return [tuple(best.get(word, OUTSIDE) for word in s.words) for s in asked]


class Asked:
    """Sentences, batched once, that any variables can tag."""

    def __init__(self, model: Tagger, encoder: Tags, sentences: list[Tagged]):
        self._model, self._encoder = model, encoder
        examples = [encoder.example(sentence) for sentence in sentences]
        self._lengths = [len(example.labels) for example in examples]
        self._batches = Batches(examples, 64, buckets=FLAGS.buckets)

    def tags(self, variables: Any) -> list[tuple[str, ...]]:
        """The tags of each sentence."""
        rows = self._batches.each(functools.partial(_tag, self._model, variables))
        pairs = zip(rows, self._lengths, strict=True)
        return [self._encoder.decode(row[:length]) for row, length in pairs]

    def p_name(self, variables: Any) -> list[np.ndarray]:
        """P that each word of each sentence is part of a name."""
        return self._batches.each(functools.partial(_p_name, self._model, variables))


@functools.partial(jax.jit, static_argnums=0)
def _tag(model: Tagger, variables: Any, batch) -> jax.Array:
    words, lengths = batch.values.words, batch.lengths.labels
    return model.apply(variables, words, lengths, method="tag")


@functools.partial(jax.jit, static_argnums=0)
def _p_name(model: Tagger, variables: Any, batch) -> jax.Array:
    words, lengths = batch.values.words, batch.lengths.labels
    p = model.apply(variables, words, lengths, method="probabilities")
    return p[..., 0] if model.labels == 1 else 1 - p[..., 0]


def make_task(
    model: Tagger, variables: Any, encoder: Tags, train: list[Tagged], evaluate
) -> Task:
    """−log P of a sentence's tags; some words are taken for unknown."""
    examples = [encoder.example(sentence) for sentence in train]

    def loss(variables, batch, key, carried):
        key, key_words = jax.random.split(key)
        words, labels = batch.values
        nats = model.apply(
            variables,
            encoder.forget(words, key_words, FLAGS.word_dropout),
            labels,
            batch.lengths.labels,
            train=True,
            rngs={"dropout": key},
            method="loss",
        )
        return nats, jnp.sum(batch.lengths.labels), carried

    marks = model.trainable(variables)
    return Task(
        loss,
        evaluate,
        Batches(examples, FLAGS.batch_size, FLAGS.seed, FLAGS.buckets),
        common.optimizer_from_flags(marks),
        marks,
    )


def train() -> None:
    """Data, baseline, model, training, figures, result."""
    common.make_layer()
    common.library("sklearn.metrics")
    source = load("name_entity", FLAGS.dataset, FLAGS.data)
    parts = source.examples
    if TAGS.value == "binary":
        parts = type(parts)(*(list(map(as_names, part)) for part in parts))
    if all(tag == OUTSIDE for s in parts.train for tag in s.tags):
        raise DataError(f"{source.name}: no entity in the part to learn from")
    workdir = common.open_workdir("name_entity", source)
    common.say(
        f"data: {source.name}, {len(parts.train):,} sentences to learn from "
        f"({sum(len(s.words) for s in parts.train):,} words), {len(parts.valid):,} to "
        f"choose by, {len(parts.test):,} held out"
    )
    settings = make_settings(parts.train)
    encoder = Tags(settings)
    model = settings.model(dropout=FLAGS.dropout, gradient=FLAGS.gradient)
    key = jax.random.key(FLAGS.seed)
    variables = model.init(key, *settings.example())
    valid, test = (Asked(model, encoder, part) for part in (parts.valid, parts.test))
    told = most_frequent_tags(parts.train, parts.test)
    rival = score(parts.test, told)
    rival_valid = score(parts.valid, most_frequent_tags(parts.train, parts.valid))

    def evaluate(variables):
        found = score(parts.valid, valid.tags(variables))
        return {"valid": 1 - found.f1, "valid_accuracy": found.accuracy}

    task = make_task(model, variables, encoder, parts.train, evaluate)
    fitted = common.fit(task, variables, workdir, key)
    saved.save(workdir, settings, fitted.params)
    found = test.tags(fitted.params)
    ours = score(parts.test, found)
    rows = (
        zip(*s, tags, strict=True) for s, tags in zip(parts.test, found, strict=True)
    )
    sentences = (
        "".join("\t".join(row) + "\n" for row in sentence) for sentence in rows
    )
    common.write_text(workdir / "predictions.txt", "\n".join(sentences))
    draw_figures(
        workdir / "figures", fitted.history, 1 - rival_valid.f1, parts.test, found
    )
    teddy = p_teddy(model, encoder, fitted.params)
    common.say(
        f"held-out sentences: entity F1 {ours.f1:.4f}, {ours.accuracy:.4f} of words "
        f"right; by each word's most frequent tag {rival.f1:.4f}, {rival.accuracy:.4f}",
        *(f"P(Teddy is a name) = {p:.3f} in: {s}" for s, p in teddy.items()),
        f"the run's folder, with its figures: {workdir}",
    )
    common.finish(
        workdir,
        fitted,
        task="name_entity",
        data=source.name,
        cell=FLAGS.cell,
        metric="entity F1 on held-out sentences",
        score=ours.f1,
        baseline=rival.f1,
        baseline_name="the most frequent tag of each word",
        accuracy=ours.accuracy,
        baseline_accuracy=rival.accuracy,
        best_possible=source.best,
        p_teddy=list(teddy.values()),
        valid=1 - fitted.scores["valid"],
    )


def p_teddy(model: Tagger, encoder: Tags, variables: Any) -> dict[str, float]:
    """P that Teddy is a name, in two sentences that differ behind it alone."""
    sentences = [untagged(text.split()) for text in TEDDY]
    each = Asked(model, encoder, sentences).p_name(variables)
    return {
        text: float(p[text.split().index("Teddy")])
        for text, p in zip(TEDDY, each, strict=True)
    }


def draw_figures(figures, history, baseline: float, test: list[Tagged], told) -> None:
    """Writes the run's two figures."""
    learning_curve(
        figures / "loss.png",
        history,
        {"valid": FLAGS.cell},
        {"most frequent tags": baseline},
        "validation sentences: 1 − entity F1",
    )
    true, said = (
        [tag.split("-", 1)[-1] for tag in itertools.chain.from_iterable(tags)]
        for tags in ((s.tags for s in test), told)
    )
    kinds = [OUTSIDE, *sorted(set(true + said) - {OUTSIDE})]
    metrics = common.library("sklearn.metrics")
    counts = metrics.confusion_matrix(true, said, labels=kinds)
    confusion(figures / "confusion.png", counts, kinds, "words of held-out sentences")


def untagged(words: Sequence[str]) -> Tagged:
    """Words whose tags are to be told."""
    return Tagged(tuple(words), (OUTSIDE,) * len(words))


def tag() -> None:
    """Prints each word of --text, and its tag."""
    words = split_words(TEXT.value)
    if not words:
        raise common.UsageError("--text: needs a sentence to tag")
    settings, variables = saved.load(FLAGS.workdir, Settings)
    asked = Asked(settings.model(), Tags(settings), [untagged(words)])
    tags = as_iob2(asked.tags(variables)[0])
    for word, told in zip(words, tags, strict=True):
        print(f"{word}\t{told}")


def main(argv: list[str]) -> None:
    """Does what --mode asks for."""
    del argv
    tag() if MODE.value == "tag" else train()


if __name__ == "__main__":
    common.run(main)
