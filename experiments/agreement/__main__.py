"""How far does a memory reach? "The cats, which already ate …, were full."

Each cell reads a sentence up to its verb, and says whether the verb is singular or
plural. It is trained on clauses of up to --longest words and tested on clauses many
times as long, with nouns of the other number in between.

    python -m experiments.agreement
    python -m experiments.agreement --cell=peephole_lstm --longest=20

writes into the run's folder: figures/agreement.png (accuracy against distance and
against the number of attractors, for each cell), result.json, and for each cell a
folder with its metrics.jsonl and checkpoints/.
"""

import functools
import itertools
import pathlib
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from experiments import common
from experiments.agreement.data import NOUNS, PLURAL, Sentence
from seqjax import losses
from seqjax.data import Batch, Batches, Corpus, DataError, Vocabulary, load
from seqjax.figures import curves
from seqjax.metrics import Mean
from seqjax.models import Classifier
from seqjax.train import Task

flags.adopt_module_key_flags(common)
common.describe_data(
    "agreement", "A text file of sentences to test on, with their verbs *marked*."
)
common.set_defaults(
    cell=None,
    features=64,
    steps=1500,
    learning_rate=3e-3,
    clip_norm=1.0,
    eval_every=250,
)
FLAGS = flags.FLAGS
FLAGS["cell"].help = "One cell alone; elman, gru and lstm if not given."
LONGEST = flags.DEFINE_integer("longest", 12, "Words of a clause in training.", 2)
SIDE_BY_SIDE = ("elman", "gru", "lstm")
BATCH = 200  # sentences at a time in tests


def read_corpus() -> tuple[Corpus, list[Sentence]]:
    """Splits the short sentences into three; all long ones are for the test.

    Returns:
      Sentences as tokens up to the verb, and then 0 for was or 1 for were; and those
      that the test is made of, by length.
    """
    source = load("agreement", FLAGS.dataset, FLAGS.data)
    order = np.random.default_rng(FLAGS.seed).permutation(len(source.examples))
    shuffled = [source.examples[i] for i in order]
    short = [s for s in shuffled if s.distance <= LONGEST.value]
    long = [s for s in shuffled if s.distance > LONGEST.value]
    tenth = len(short) // 10
    if not tenth or not long:
        raise DataError(
            f"{source.name}: {len(short)} sentences with at most {LONGEST.value} words "
            f"between subject and verb and {len(long)} with more; 10 and 1 are needed"
        )
    tested = sorted([*short[:tenth], *long], key=lambda s: len(s.words))
    vocabulary = Vocabulary.build([s.words for s in short[2 * tenth :]])

    def encoded(sentences):
        words = (vocabulary.encode(s.words, eos=False) for s in sentences)
        verbs = (int(s.verb in PLURAL) for s in sentences)
        return [
            np.append(w, verb).astype(np.int32)
            for w, verb in zip(words, verbs, strict=True)
        ]

    parts = short[2 * tenth :], short[tenth : 2 * tenth], tested
    return Corpus(source, vocabulary, *map(encoded, parts)), tested


def make_task(model: Classifier, variables: Any, corpus: Corpus) -> Task:
    """Binary cross entropy of the verb's number: E6."""

    def loss(variables, batch, key, carried):
        del key
        nats, _ = verdicts(model, variables, batch)
        return nats, jnp.sum(batch.lengths), carried

    def evaluate(variables):
        right = is_right(model, variables, corpus.valid)
        return {"valid_errors": float(1 - right.mean())}

    marks = model.trainable(variables)
    return Task(
        loss,
        evaluate,
        Batches(corpus.train, FLAGS.batch_size, FLAGS.seed, FLAGS.buckets),
        common.optimizer_from_flags(marks),
        marks,
    )


def verdicts(model: Classifier, variables: Any, batch: Batch) -> tuple[Mean, jax.Array]:
    """The loss of a batch, and which of its rows are right."""
    before = jnp.maximum(batch.lengths - 1, 0)
    logits = model.apply(variables, batch.values, before)[:, 0]
    plural = jnp.take_along_axis(batch.values, before[:, None], axis=1)[:, 0]
    real = batch.lengths[None] > 0
    nats = losses.binary_cross_entropy(logits[None], plural[None], real)
    return nats, (logits > 0) == plural


@functools.partial(jax.jit, static_argnums=0)
def _right(model: Classifier, variables: Any, batch: Batch) -> jax.Array:
    return verdicts(model, variables, batch)[1]


def is_right(
    model: Classifier, variables: Any, sentences: list[np.ndarray]
) -> np.ndarray:
    """Whether the number of each verb is told: bool."""
    right = functools.partial(_right, model, variables)
    return np.stack(Batches(sentences, BATCH, buckets=6).each(right))


def last_noun(sentence: Sentence) -> str:
    """What who goes by the last noun says."""
    nouns = {noun: "was" for noun in NOUNS} | {f"{noun}s": "were" for noun in NOUNS}
    told = [nouns[word] for word in sentence.words if word in nouns]
    return told[-1] if told else "was"


def shares(right: np.ndarray, of: np.ndarray, edges: list[int]) -> list[float]:
    """The mean of `right` where edges[i] <= of < edges[i + 1], for each i."""
    return [
        float(right[(low <= of) & (of < high)].mean())
        for low, high in itertools.pairwise(edges)
    ]


def draw_figure(path, tested: list[Sentence], right: dict[str, np.ndarray]) -> None:
    """Accuracy against distance, and against attractors beyond the trained length."""
    distance = np.array([s.distance for s in tested])
    attractors = np.array([s.attractors for s in tested])
    panels = [("words between subject and verb", distance, slice(None))]
    if (attractors >= 0).all():
        title = f"nouns of the other number, beyond {LONGEST.value} words"
        panels.append((title, attractors, distance > LONGEST.value))
    drawn = []
    for title, of, where in panels:
        edges = np.unique(np.quantile(of[where], np.linspace(0, 1, 13)).astype(int))
        edges = [*edges[:-1].tolist(), int(edges[-1]) + 1]
        middles = shares(of[where], of[where], edges)
        lines = {
            n: (middles, shares(r[where], of[where], edges)) for n, r in right.items()
        }
        drawn.append((title, lines))
    curves(path, drawn, "share of verbs that agree", mark=LONGEST.value)


def train_one(name: str, corpus: Corpus, workdir: pathlib.Path):
    """Trains a cell; which of the tested sentences it gets right, and the run."""
    layer = common.make_layer(name)
    embed = nn.Embed(len(corpus.vocabulary), FLAGS.features)
    model = Classifier(layer, 1, embed, gradient=FLAGS.gradient)
    key = jax.random.key(FLAGS.seed)
    variables = model.init(key, jnp.zeros((1, 2), int), jnp.array([2]))
    task = make_task(model, variables, corpus)
    fitted = common.fit(task, variables, workdir / name, key)
    return is_right(model, fitted.params, corpus.test), fitted


def main(argv: list[str]) -> None:
    """Draws, trains each cell, tests all on the same sentences, draws the figure."""
    del argv
    names = [FLAGS.cell] if FLAGS.cell else list(SIDE_BY_SIDE)
    for name in names:
        common.make_layer(name)  # refuses bad flags before anything else
    corpus, tested = read_corpus()
    workdir = common.open_workdir("agreement", corpus.source)
    far = np.array([s.distance > LONGEST.value for s in tested])
    common.say(
        f"data: {corpus.source.name}: {len(corpus.train)} sentences of at most "
        f"{LONGEST.value} words between subject and verb to learn from, "
        f"{len(corpus.valid)} to choose by, {(~far).sum()} like them and {far.sum()} "
        f"longer ones held out"
    )
    right, runs = {}, {}
    for name in names:
        right[name], runs[name] = train_one(name, corpus, workdir)
        common.say(
            f"{name}: {right[name][~far].mean():.3f} of verbs right up to "
            f"{LONGEST.value} words, {right[name][far].mean():.3f} beyond"
        )
    told = np.array([last_noun(s) in PLURAL for s in tested])
    true = np.array([s.verb in PLURAL for s in tested])
    right["last noun"] = told == true
    draw_figure(workdir / "figures" / "agreement.png", tested, right)
    best = max(names, key=lambda name: right[name][far].mean())
    common.finish(
        workdir,
        task="agreement",
        data=corpus.source.name,
        cell=best,
        metric=f"share of verbs that agree beyond {LONGEST.value} words",
        score=float(right[best][far].mean()),
        baseline=float(right["last noun"][far].mean()),
        baseline_name="the last noun",
        majority=float(max(true[far].mean(), 1 - true[far].mean())),
        best_possible=corpus.source.best,
        beyond={name: float(right[name][far].mean()) for name in names},
        within={name: float(right[name][~far].mean()) for name in names},
        steps=FLAGS.steps,
        seconds=round(sum(run.seconds for run in runs.values()), 2),
        tokens_per_second=round(runs[best].tokens_per_second),
    )


if __name__ == "__main__":
    common.run(main)
