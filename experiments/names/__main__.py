"""Learns a list of names letter by letter, and makes up new ones.

The course's assignment 2, "Dinosaurus land". The model reads nothing at first
(x⟨1⟩ = 0), then each letter, and predicts the next; a name ends with <EOS>. New names
are drawn from it letter by letter.

    python -m experiments.names --cell=gru --steps=2000

writes into the run's folder: names.txt, figures/loss.png beside the n-gram baselines,
figures/gradient_norm.png (compare --clip_norm=0 with --clip_norm=1), figures/states.png
(a hidden layer along a new name), metrics.jsonl, checkpoints/, flags.txt, result.json.
"""

import functools
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from experiments import common
from seqjax.baselines import best_ngram, unigram
from seqjax.data import Batch, Batches, Corpus, DataError, Vocabulary, load
from seqjax.decode import Rules, Sampling, generate
from seqjax.figures import gradient_norms, heat_map, learning_curve
from seqjax.metrics import Mean
from seqjax.models import LanguageModel
from seqjax.models.recurrent import BEFORE_FIRST
from seqjax.train import Fitted, Task

flags.adopt_module_key_flags(common)
common.describe_data("names", "A text file of your own, one name a line.")
common.set_defaults(
    buckets=2,
    cell="lstm",
    features=256,
    steps=2000,
    batch_size=64,
    learning_rate=2e-2,
    schedule="cosine",
    optimizer="adamw",
    weight_decay=0.01,
    clip_norm=1.0,
)
TEMPERATURE = flags.DEFINE_float(
    "temperature",
    1.0,
    "Divides the logits when names are drawn: below 1 plays safe, above 1 dares; 0 "
    "always takes the likeliest letter.",
    0.0,
)
SAMPLES = flags.DEFINE_integer("samples", 1000, "How many names to draw.", 1)
DROPOUT = flags.DEFINE_float(
    "dropout", 0.6, "Share of states hidden from the readout in training.", 0.0, 0.99
)
WEIGHT_DROPOUT = flags.DEFINE_float(
    "weight_dropout", 0.7, "Share of recurrent weights left out in training.", 0.0, 0.99
)
RESET_RATE = flags.DEFINE_float(
    "reset_rate",
    0.15,
    "Chance, at each letter in training, that the state is cleared, so that the model "
    "learns to predict from short contexts too, as n-grams do.",
    0.0,
    1.0,
)
FLAGS = flags.FLAGS
LONGEST = 40  # letters of a drawn name


def read_corpus() -> Corpus:
    """Reads and splits what --data, --dataset and --seed ask for."""
    source = load("names", FLAGS.dataset, FLAGS.data)
    names = sorted(set(source.examples))  # no name stands on two sides
    tenth = len(names) // 10
    if not tenth:
        raise DataError(
            f"{source.name}: {len(names)} names are too few; give 10 or more"
        )
    vocabulary = Vocabulary.build(names)
    order = np.random.default_rng(FLAGS.seed).permutation(len(names))
    parts = order[2 * tenth :], order[tenth : 2 * tenth], order[:tenth]
    encoded = ([vocabulary.encode(names[i]) for i in part] for part in parts)
    return Corpus(source, vocabulary, *encoded)


def make_task(model: LanguageModel, variables: Any, corpus: Corpus) -> Task:
    """The loss is E7: the sum over a name's letters, in the mean over names."""

    def loss(variables, batch, key, carried):
        rngs = {"dropout": key}
        nats = model.apply(variables, *batch, train=True, rngs=rngs, method="loss")
        return nats, jnp.sum(batch.lengths), carried

    valid = Batches(corpus.valid, FLAGS.batch_size)
    return Task(
        loss,
        lambda variables: {"valid": nats_per_letter(model, variables, valid)},
        Batches(corpus.train, FLAGS.batch_size, FLAGS.seed, FLAGS.buckets),
        common.optimizer_from_flags(model.trainable(variables)),
        model.trainable(variables),
    )


def nats_per_letter(model: LanguageModel, variables: Any, batches: Batches) -> float:
    """The negative log-likelihood per letter, <EOS> counted."""
    nats = batches.mean(functools.partial(_nats, model, variables))
    return float(nats.result())


@functools.partial(jax.jit, static_argnums=0)
def _nats(model: LanguageModel, variables: Any, batch: Batch) -> Mean:
    nats = model.apply(variables, *batch, method="loss").total
    return Mean(nats, jnp.sum(batch.lengths))


def draw_names(model, variables, vocabulary: Vocabulary, key) -> list[str]:
    """Draws --samples names at once, each from zeros until <EOS>."""

    @jax.jit
    def draw(variables):
        apply = functools.partial(model.apply, variables)
        return generate(
            lambda carry, token: apply(carry, token, method="step"),
            apply(1, method="initial_carry"),
            jnp.array([BEFORE_FIRST]),
            Sampling(SAMPLES.value, TEMPERATURE.value),
            length=LONGEST,
            stop=vocabulary.eos,
            rules=Rules(forbidden=(vocabulary.unk,)),
            key=key,
        )

    tokens = np.asarray(draw(variables).tokens[0])
    return ["".join(vocabulary.decode(ids)) for ids in tokens]


def draw_figures(
    figures: pathlib.Path, fitted: Fitted, baselines: dict[str, float], states, name
) -> None:
    """Writes the run's three figures."""
    learning_curve(
        figures / "loss.png",
        fitted.history,
        {"valid": FLAGS.cell},
        baselines,
        "validation names: −log P (nats per letter)",
    )
    gradient_norms(figures / "gradient_norm.png", fitted.history, FLAGS.clip_norm)
    heat_map(
        figures / "states.png",
        states,
        ["·", *name],
        f"{FLAGS.cell}: states while it writes “{name}” (· is x⟨1⟩ = 0)",
    )


def main(argv: list[str]) -> None:
    """Data, baselines, model, training, names, figures, result."""
    del argv
    layer = common.make_layer(causal=True)
    corpus = read_corpus()
    vocabulary, names = corpus.vocabulary, set(corpus.source.examples)
    workdir = common.open_workdir("names", corpus.source)
    common.say(
        f"data: {corpus.source.name}, {len(names)} names: {len(corpus.train)} to learn "
        f"from ({sum(map(len, corpus.train))} letters), {len(corpus.valid)} to choose "
        f"by, {len(corpus.test)} held out"
    )

    ngram = best_ngram(corpus.train, corpus.valid, len(vocabulary))
    rivals = {
        f"{ngram.order}-gram": ngram,
        "unigram": unigram(corpus.train, len(vocabulary)),
    }
    baselines = {k: float(v.nll(corpus.test).result()) for k, v in rivals.items()}
    on_valid = {k: float(v.nll(corpus.valid).result()) for k, v in rivals.items()}

    model = LanguageModel(
        layer,
        len(vocabulary),
        dropout=DROPOUT.value,
        weight_dropout=WEIGHT_DROPOUT.value,
        reset_rate=RESET_RATE.value,
        gradient=FLAGS.gradient,
    )
    key = jax.random.key(FLAGS.seed)
    variables = model.init(key, jnp.zeros((1, 1), int), jnp.ones(1, int))
    task = make_task(model, variables, corpus)
    fitted = common.fit(task, variables, workdir, key)
    variables = fitted.params
    score = nats_per_letter(model, variables, Batches(corpus.test, FLAGS.batch_size))

    drawn = draw_names(model, variables, vocabulary, jax.random.fold_in(key, 1))
    new = [name for name in drawn if name not in names]
    common.write_text(workdir / "names.txt", "".join(f"{name}\n" for name in new))
    shown = max(drawn[:10], key=len)
    tokens = vocabulary.encode(shown)[None]
    states = model.apply(variables, tokens, [tokens.size], method="states")
    draw_figures(workdir / "figures", fitted, on_valid, np.asarray(states[0]), shown)

    rest = ", ".join(
        f"{value:.4f} by the {label}" for label, value in baselines.items()
    )
    common.say(
        f"held-out names: {score:.4f} nats per letter, against {rest}",
        f"{len(new)} of {len(drawn)} names drawn are in no list; ten of them:",
        *(f"  {name}" for name in new[:10]),
        f"the run's folder, with its figures: {workdir}",
    )
    common.finish(
        workdir,
        fitted,
        task="names",
        data=corpus.source.name,
        cell=FLAGS.cell,
        metric="nats per letter of held-out names",
        score=score,
        baseline=baselines[f"{ngram.order}-gram"],
        baseline_name=f"best interpolated n-gram, n = {ngram.order}",
        unigram=baselines["unigram"],
        best_possible=corpus.source.best,
        valid=fitted.scores["valid"],
        new_names=len(new) / len(drawn),
        distinct_names=len(set(drawn)) / len(drawn),
    )


if __name__ == "__main__":
    common.run(main)
