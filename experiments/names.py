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
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from experiments import common
from seqjax import losses
from seqjax.baselines import best_ngram, unigram
from seqjax.data import Batches, Vocabulary, load
from seqjax.decode import sample
from seqjax.inspect import gradient_norms, heat_map, learning_curve
from seqjax.masks import from_lengths
from seqjax.metrics import Mean
from seqjax.models import LanguageModel
from seqjax.models.language_model import BEFORE_FIRST
from seqjax.train import Task, fit

flags.adopt_module_key_flags(common)
common.set_defaults(
    cell="lstm",
    features=128,
    steps=1500,
    batch_size=64,
    learning_rate=1e-2,
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
    "dropout",
    0.5,
    "Share of states hidden from the readout in training.",
    0.0,
    0.99,
)
WEIGHT_DROPOUT = flags.DEFINE_float(
    "weight_dropout", 0.6, "Share of recurrent weights left out in training.", 0.0, 0.99
)
RESET_RATE = flags.DEFINE_float(
    "reset_rate",
    0.1,
    "Chance, at each letter in training, that the state is cleared, so that the model "
    "learns to predict from short contexts too, as n-grams do.",
    0.0,
    1.0,
)
BUCKETS = flags.DEFINE_integer(
    "buckets", 2, "Groups of names of like length, each padded to its own longest.", 1
)
FLAGS = flags.FLAGS
LONGEST = 40  # letters of a drawn name


class Split(NamedTuple):
    """Names as token sequences, each with <EOS> at its end."""

    train: list[np.ndarray]
    valid: list[np.ndarray]
    test: list[np.ndarray]


def split(sequences: list[np.ndarray], seed: int) -> Split:
    """Puts a tenth aside for validation and a tenth for the test, at random."""
    order = np.random.default_rng(seed).permutation(len(sequences))
    tenth = max(len(sequences) // 10, 1)
    parts = order[2 * tenth :], order[tenth : 2 * tenth], order[:tenth]
    return Split(*([sequences[i] for i in part] for part in parts))


def make_task(model: LanguageModel, variables: Any, data: Split) -> Task:
    """The loss is E7: the sum over a name's letters, in the mean over names."""

    def loss(variables, batch, key):
        logits = model.apply(variables, *batch, train=True, rngs={"dropout": key})
        return _cross_entropy(logits, *batch), jnp.sum(batch.lengths)

    valid = Batches(data.valid, FLAGS.batch_size)
    return Task(
        loss,
        lambda variables: {"valid": nll(model, variables, valid)},
        Batches(data.train, FLAGS.batch_size, FLAGS.seed, FLAGS.buckets),
        common.optimizer_from_flags(model.trainable(variables)),
    )


def nll(model: LanguageModel, variables: Any, batches: Batches) -> float:
    """The negative log-likelihood per letter, <EOS> counted, in nats."""
    total = Mean(0.0, 0.0)
    for batch in batches.once():
        loss = _nll_of_batch(model, variables, batch)
        total = total.merge(Mean(loss.total, np.sum(batch.lengths)))
    return float(total.result())


@functools.partial(jax.jit, static_argnums=0)
def _nll_of_batch(model, variables, batch):
    return _cross_entropy(model.apply(variables, *batch), *batch)


def _cross_entropy(logits, tokens, lengths) -> Mean:
    mask = from_lengths(lengths, tokens.shape[1])
    return losses.cross_entropy(logits.swapaxes(0, 1), tokens.T, mask)


def draw_names(model, variables, vocabulary: Vocabulary, key) -> list[str]:
    """Draws --samples names at once, each from zeros until <EOS>."""

    @jax.jit
    def draw(variables):
        apply = functools.partial(model.apply, variables)
        return sample(
            lambda carry, token: apply(carry, token, method="step"),
            apply(SAMPLES.value, method="initial_carry"),
            jnp.full(SAMPLES.value, BEFORE_FIRST),
            key,
            length=LONGEST,
            stop=vocabulary.eos,
            temperature=TEMPERATURE.value,
            forbidden=(vocabulary.unk,),
        )

    return [
        "".join(vocabulary.decode(ids)) for ids in np.asarray(draw(variables).tokens)
    ]


def draw_figures(workdir, history, baselines, model, variables, name, vocabulary):
    """Writes the run's three figures."""
    figures = workdir / "figures"
    learning_curve(
        figures / "loss.png",
        history,
        {"valid": f"{FLAGS.cell}, validation names"},
        baselines,
        "negative log-likelihood (nats per letter)",
    )
    gradient_norms(figures / "gradient_norm.png", history, FLAGS.clip_norm)
    tokens = vocabulary.encode(name)
    states = model.apply(
        variables, tokens[None], jnp.array([len(tokens)]), method="states"
    )
    read = ["·", *name]
    heat_map(
        figures / "states.png",
        np.asarray(states[0]),
        read,
        f"{FLAGS.cell}: states along the new name “{name}” (· is x⟨1⟩ = 0)",
    )


def main(argv: list[str]) -> None:
    """Data, baselines, model, training, names, figures, result."""
    del argv
    layer = common.make_layer(causal=True)
    source = load("names", FLAGS.dataset, FLAGS.data)
    vocabulary = Vocabulary.build(source.examples)
    data = split([vocabulary.encode(name) for name in source.examples], FLAGS.seed)
    workdir = common.open_workdir("names")
    tokens = sum(map(len, data.train))
    common.say(
        f"data: {source.name}, {len(source.examples)} names, split "
        f"{'/'.join(str(len(part)) for part in data)}; {tokens} letters to learn from"
    )

    ngram = best_ngram(data.train, data.valid, len(vocabulary))
    plain = unigram(data.train, len(vocabulary))
    baselines = {
        f"{ngram.order}-gram": float(ngram.nll(data.test).result()),
        "unigram": float(plain.nll(data.test).result()),
    }

    model = LanguageModel(
        layer,
        len(vocabulary),
        DROPOUT.value,
        WEIGHT_DROPOUT.value,
        RESET_RATE.value,
        FLAGS.gradient,
    )
    key = jax.random.key(FLAGS.seed)
    variables = model.init(key, jnp.zeros((1, 1), int), jnp.ones(1, int))
    fitted = fit(
        make_task(model, variables, data),
        variables,
        workdir,
        steps=FLAGS.steps,
        key=key,
        eval_every=FLAGS.eval_every,
        checkpoint_every=FLAGS.checkpoint_every,
        resume=FLAGS.resume,
        quiet=FLAGS.quiet,
    )
    score = nll(model, fitted.params, Batches(data.test, FLAGS.batch_size))

    drawn = draw_names(model, fitted.params, vocabulary, jax.random.fold_in(key, 1))
    known = set(source.examples)
    new = [name for name in drawn if name not in known]
    common.write_text(workdir / "names.txt", "".join(f"{name}\n" for name in new))
    draw_figures(
        workdir,
        fitted.history,
        baselines,
        model,
        fitted.params,
        max(new[:10], key=len, default="a"),
        vocabulary,
    )
    common.say(
        f"held-out names: {score:.4f} nats per letter, against "
        + ", ".join(f"{value:.4f} by {label}" for label, value in baselines.items()),
        f"ten of the {len(new)} new names among {len(drawn)} drawn:",
        *(f"  {name}" for name in new[:10]),
        f"all of them, figures and checkpoints: {workdir}",
    )
    common.finish(
        workdir,
        task="names",
        data=source.name,
        cell=FLAGS.cell,
        metric="nats per letter on held-out names",
        score=score,
        baseline=baselines[f"{ngram.order}-gram"],
        steps=FLAGS.steps,
        seconds=round(fitted.seconds, 2),
        tokens_per_second=round(fitted.tokens_per_second),
        unigram=baselines["unigram"],
        ngram_order=ngram.order,
        best_possible=source.best,
        best_step=fitted.step,
        valid=fitted.scores["valid"],
        new=len(new) / len(drawn),
        distinct=len(set(drawn)) / len(drawn),
    )


if __name__ == "__main__":
    common.run(main)
