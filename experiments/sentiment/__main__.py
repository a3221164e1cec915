"""How many stars does a text give? Many to one.

    python -m experiments.sentiment
    python -m experiments.sentiment --flagfile=experiments/presets/sentiment/vader.txt
    python -m experiments.sentiment --mode=rate --workdir=runs/vader \\
        --text="There is nothing to like in this movie."

A layer reads the words, in both directions; what it makes of them is pooled over time.
--classes=binary leaves the middle out and tells one or two stars from four or five.
Beside it stand the most frequent class and a logistic regression on the words and word
pairs of a text, by scikit-learn, chosen on the same split. --data takes a CSV or TSV
file with the columns text and stars. Writes figures/loss.png, figures/confusion.png,
predictions.tsv (true stars, told stars, text), result.json, and the model that
--mode=rate asks.
"""

import collections
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from experiments import common, saved, words
from experiments.sentiment.data import NOTHING, Review
from seqjax.data import Batches, DataError, load
from seqjax.data.lexicon import Encoder, Lexicon, a_word
from seqjax.data.tokenize import split_words
from seqjax.figures import confusion, learning_curve
from seqjax.losses import cross_entropy
from seqjax.models import Classifier, Words
from seqjax.train import Task

flags.adopt_module_key_flags(common)
flags.adopt_module_key_flags(words)
common.describe_data("sentiment", "A CSV or TSV file with the columns text and stars.")
common.set_defaults(
    buckets=6,
    features=64,
    bidirectional=True,
    steps=1500,
    batch_size=32,
    learning_rate=3e-3,
    schedule="cosine",
    clip_norm=5.0,
    eval_every=150,
)
MODE = flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "rate"],
    "train: makes a model. rate: the one in --workdir gives --text its stars.",
)
CLASSES = flags.DEFINE_enum(
    "classes",
    "stars",
    ["stars", "binary"],
    "stars: 1 to 5. binary: bad (1, 2) or good (4, 5).",
)
POOLING = flags.DEFINE_enum(
    "pooling",
    "attention",
    ["last", "mean", "max", "attention"],
    "What is made of the layer's outputs over time.",
)
TEXT = flags.DEFINE_string("text", "", "For --mode=rate.")
FLAGS = flags.FLAGS
STARS = {"stars": (1, 2, 3, 4, 5), "binary": (1, 5)}
LONGEST = 200  # words of a text that are read


class Settings(NamedTuple):
    """What a classifier is made by."""

    cell: str
    features: int
    layers: int
    bidirectional: bool
    embedding: int
    letter_features: int
    pooling: str
    stars: Sequence[int]  # of each class
    lexicon: Sequence[Sequence[str]]

    def model(self, **training: Any) -> Classifier:
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
        pooling: Any = self.pooling
        return Classifier(layer, len(self.stars), embed, pooling, **training)

    def example(self):
        """A text of one word of one letter."""
        return a_word()

    def check(self):
        """Makes the encoder."""
        return Encoder(Lexicon(*self.lexicon))


class Example(NamedTuple):
    """A text as integers."""

    words: Words
    label: int


class Texts:
    """Texts, batched once, whose stars any variables can tell."""

    def __init__(self, settings: Settings, reviews: list[Review], **order: int):
        encoder = Encoder(Lexicon(*settings.lexicon))
        self._model, self._stars = settings.model(), np.array(settings.stars)
        places = {star: i for i, star in enumerate(settings.stars)}
        examples = [
            Example(encoder.encode(words_of(r.text)), places.get(r.stars, 0))
            for r in reviews
        ]
        self.batches = Batches(examples, **order)

    def p(self, variables: Any) -> np.ndarray:
        """P of each class of each text, [N, classes]."""
        rows = self.batches.each(functools.partial(_p, self._model, variables))
        return np.stack(rows)

    def told(self, variables: Any) -> np.ndarray:
        """The likeliest stars of each text, [N]."""
        return self._stars[self.p(variables).argmax(axis=1)]


@functools.partial(jax.jit, static_argnums=0)
def _p(model: Classifier, variables: Any, batch) -> jax.Array:
    words, lengths = batch.values.words, batch.lengths.words.word
    return jax.nn.softmax(model.apply(variables, words, lengths))


def words_of(text: str) -> list[str]:
    """The words that are read; a text without any is one mark."""
    return split_words(text)[:LONGEST] or ["?"]


def make_settings(reviews: list[Review]) -> Settings:
    """As the flags say, with the words and letters of the training texts."""
    return Settings(
        FLAGS.cell,
        FLAGS.features,
        FLAGS.layers,
        FLAGS.bidirectional,
        FLAGS.embedding,
        FLAGS.letter_features,
        POOLING.value,
        STARS[CLASSES.value],
        Lexicon.build((words_of(r.text) for r in reviews), FLAGS.min_count),
    )


def make_task(settings: Settings, variables: Any, reviews: list[Review], evaluate):
    """−log P of a text's class; some words are taken for unknown."""
    model = settings.model(dropout=FLAGS.dropout, gradient=FLAGS.gradient)
    encoder = Encoder(Lexicon(*settings.lexicon))
    size, seed = FLAGS.batch_size, FLAGS.seed
    texts = Texts(settings, reviews, batch_size=size, seed=seed, buckets=FLAGS.buckets)

    def loss(variables, batch, key, carried):
        key, key_words = jax.random.split(key)
        words = encoder.forget(batch.values.words, key_words, FLAGS.word_dropout)
        lengths = batch.lengths.words.word
        rngs = {"dropout": key}
        logits = model.apply(variables, words, lengths, True, rngs=rngs)
        mask = (batch.lengths.label > 0)[None]
        nats = cross_entropy(logits[None], batch.values.label[None], mask)
        return nats, jnp.sum(lengths), carried

    marks = model.trainable(variables)
    optimizer = common.optimizer_from_flags(marks)
    return Task(loss, evaluate, texts.batches, optimizer, marks)


class Rivals(NamedTuple):
    """The stars that simpler ways tell, for validation and for held-out texts."""

    majority: tuple[np.ndarray, np.ndarray]
    regression: tuple[np.ndarray, np.ndarray]


def rivals(parts) -> Rivals:
    """The most frequent stars, and scikit-learn's logistic regression.

    On the words of a text, or on words and pairs, weighted by rarity; the penalty and
    the choice are the best on the validation texts.
    """
    text = common.library("sklearn.feature_extraction.text")
    linear = common.library("sklearn.linear_model")
    learned, *asked = ([r.text for r in part] for part in parts)
    true, valid = (stars_of(part) for part in parts[:2])
    most = collections.Counter(true.tolist()).most_common(1)[0][0]
    best, told = -1.0, ()
    for longest in (1, 2):
        vectors = text.TfidfVectorizer(
            ngram_range=(1, longest), token_pattern=r"\w+|[^\w\s]", sublinear_tf=True
        )
        seen = vectors.fit_transform(learned)
        unseen = [vectors.transform(texts) for texts in asked]
        for c in (0.3, 1, 3, 10):
            model = linear.LogisticRegression(C=c, max_iter=1000).fit(seen, true)
            found = tuple(model.predict(texts) for texts in unseen)
            if (right := float(np.mean(found[0] == valid))) > best:
                best, told = right, found
    return Rivals(tuple(np.full(len(texts), most) for texts in asked), told)


def stars_of(reviews: list[Review]) -> np.ndarray:
    """True stars, [N]."""
    return np.array([review.stars for review in reviews])


def as_binary(reviews: list[Review]) -> list[Review]:
    """Bad and good ones alone, as one star and five."""
    return [r._replace(stars=1 if r.stars < 3 else 5) for r in reviews if r.stars != 3]


def train() -> None:
    """Data, baselines, model, training, figures, result."""
    common.make_layer()
    common.library("sklearn")
    source = load("sentiment", FLAGS.dataset, FLAGS.data)
    parts = source.examples
    if CLASSES.value == "binary":
        parts = type(parts)(*map(as_binary, parts))
    if not all(parts) or len(set(stars_of(parts.train).tolist())) < 2:
        raise DataError(f"{source.name}: two classes and three parts are needed")
    workdir = common.open_workdir("sentiment", source)
    common.say(
        f"data: {source.name}, {len(parts.train):,} texts to learn from, "
        f"{len(parts.valid):,} to choose by, {len(parts.test):,} held out"
    )
    settings, key = make_settings(parts.train), jax.random.key(FLAGS.seed)
    variables = settings.model().init(key, *settings.example())
    valid, test = (
        Texts(settings, part, batch_size=64, buckets=FLAGS.buckets)
        for part in parts[1:]
    )
    true_valid, true = map(stars_of, parts[1:])

    def evaluate(variables):
        p = np.log(valid.p(variables) + 1e-9)
        places = np.searchsorted(settings.stars, true_valid)
        wrong = p.argmax(axis=1) != places
        nats = -p[np.arange(len(p)), places]
        return {"valid": float(wrong.mean()), "valid_nats": float(nats.mean())}

    others = rivals(parts)
    task = make_task(settings, variables, parts.train, evaluate)
    fitted = common.fit(task, variables, workdir, key)
    saved.save(workdir, settings, fitted.params)
    told = test.told(fitted.params)
    rows = zip(true, told, parts.test, strict=True)
    lines = (f"{a}\t{b}\t{' '.join(r.text.split())}\n" for a, b, r in rows)
    common.write_text(workdir / "predictions.tsv", "".join(lines))
    learning_curve(
        workdir / "figures" / "loss.png",
        fitted.history,
        {"valid": FLAGS.cell},
        {
            name.replace("_", " "): float(np.mean(stars[0] != true_valid))
            for name, stars in others._asdict().items()
        },
        "validation texts: share that is wrong",
    )
    metrics = common.library("sklearn.metrics")
    counts = metrics.confusion_matrix(true, told, labels=settings.stars)
    names = [f"{star} ★" for star in settings.stars]
    confusion(workdir / "figures" / "confusion.png", counts, names, "held-out texts")
    asked = Texts(settings, [Review(NOTHING, 1)], batch_size=1)
    nothing = float(asked.p(fitted.params)[0] @ np.array(settings.stars))

    def numbers(told):
        return float(np.mean(told == true)), float(np.mean(np.abs(told - true)))

    (ours, error), (rival, rival_error) = numbers(told), numbers(others.regression[1])
    majority, majority_error = numbers(others.majority[1])
    common.say(
        f"held-out texts: {ours:.4f} right, {error:.3f} stars off in the mean; by "
        f"logistic regression {rival:.4f} and {rival_error:.3f}, by the most frequent "
        f"class {majority:.4f} and {majority_error:.3f}",
        f"{nothing:.2f} stars expected for: {NOTHING}",
        f"the run's folder, with its figures: {workdir}",
    )
    common.finish(
        workdir,
        fitted,
        task="sentiment",
        data=source.name,
        cell=FLAGS.cell,
        metric="share of held-out texts whose stars are told",
        score=ours,
        baseline=rival,
        baseline_name="logistic regression on words and pairs of words",
        majority=majority,
        mean_absolute_error=error,
        baseline_error=rival_error,
        majority_error=majority_error,
        best_possible=source.best if CLASSES.value == "stars" else None,
        stars_of_nothing=nothing,
        valid=1 - fitted.scores["valid"],
    )


def rate() -> None:
    """Prints P of each class of --text, and the stars that are expected."""
    if not split_words(TEXT.value):
        raise common.UsageError("--text: needs a text to rate")
    settings, variables = saved.load(FLAGS.workdir, Settings)
    p = Texts(settings, [Review(TEXT.value, 0)], batch_size=1).p(variables)[0]
    for star, share in zip(settings.stars, p.tolist(), strict=True):
        print(f"{share:8.4f}  {'★' * star}")
    print(f"{float(p @ np.array(settings.stars)):8.2f}  stars expected")


def main(argv: list[str]) -> None:
    """Does what --mode asks for."""
    del argv
    rate() if MODE.value == "rate" else train()


if __name__ == "__main__":
    common.run(main)
