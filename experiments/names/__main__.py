"""Learns a list of names letter by letter, and makes up new ones.

The course's assignment 2, "Dinosaurus land". The model reads nothing at first
(x⟨1⟩ = 0), then each letter, and predicts the next; a name ends with <EOS>. New names
are drawn from it letter by letter.

    python -m experiments.names --cell=gru --steps=2000
    python -m experiments.names --mode=sample --workdir=runs/dinosaurs --text=tyr

writes into the run's folder: names.txt, figures/loss.png beside the n-gram baselines,
figures/gradient_norm.png (compare --clip_norm=0 with --clip_norm=1), figures/states.png
(a hidden layer along a new name), metrics.jsonl, checkpoints/, flags.txt, result.json,
and the model, which --mode=sample and seqjax.load ask.
"""

from dataclasses import replace
from typing import Any

import jax
import numpy as np
from absl import flags

from experiments.names.data import TABLE, make_corpus
from experiments.names.model import loss_of, make_predictor, with_datastore
from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.layers import layer_of
from experiments.shared.ngrams import Nats, ngram_nats
from experiments.shared.run import Run, load_model, split_seed
from seqjax import figures, predict
from seqjax.data import Batches, Corpus
from seqjax.train import TrainResult

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
    buckets=2,
    cell="lstm",
    features=128,
    steps=800,
    batch_size=32,
    learning_rate=2e-2,
    schedule="cosine",
    optimizer="adamw",
    weight_decay=0.01,
    clip_norm=1.0,
)
flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "sample"],
    "train: makes a model. sample: the one in --workdir draws --samples names.",
)
flags.DEFINE_float(
    "temperature",
    1.0,
    "Divides the logits when names are drawn: below 1 plays safe, above 1 dares; 0 "
    "always takes the likeliest letter.",
    0.0,
)
flags.DEFINE_integer("samples", 1000, "How many names to draw.", 1)
flags.DEFINE_string("text", "", "How each name begins, for --mode=sample.")
flags.DEFINE_float(
    "dropout", 0.5, "Share of states hidden from the readout in training.", 0.0, 0.99
)
flags.DEFINE_float(
    "weight_dropout", 0.3, "Share of recurrent weights left out in training.", 0.0, 0.99
)
flags.DEFINE_float(
    "reset_rate",
    0.03,
    "Chance, at each letter in training, that the state is cleared, so that the model "
    "learns to predict from short contexts too, as n-grams do.",
    0.0,
    1.0,
)
flags.DEFINE_float(
    "neighbors",
    0.5,
    "Share of the probability of what followed, in the names learned from, where the "
    "state was like this one; 0: the model alone.",
    0.0,
    0.99,
)
flags.DEFINE_float(
    "neighbor_temperature",
    0.3,
    "Divides the squared distances of states: the larger, the more neighbours count.",
    1e-6,
)
LONGEST = 40  # letters of a drawn name


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, baselines, new names, figures, result."""
    layer = layer_of(options, causal=True)
    corpus = make_corpus(TABLE.load(options.dataset, options.data), split_seed(options))
    names = make_predictor(layer, corpus.vocabulary, options)
    variables = predict.init(names, jax.random.key(options.seed))
    run = Run.begin("names", options, corpus.source, variables, facts(corpus))
    valid, test = (Batches(s, options.batch_size) for s in (corpus.valid, corpus.test))
    learned = run.batches(corpus.train)
    result = run.fit(
        names.model,
        variables,
        learned,
        loss_of(names.model),
        lambda variables: {"valid": nats(replace(names, variables=variables), valid)},
        unit="nats per letter",
    )
    alone = replace(names, variables=result.params)
    names = with_datastore(alone, learned, options)
    run.save(names)
    scores = {"score": nats(names, test), "valid": nats(names, valid)}
    scores["without_neighbors"] = nats(alone, test)
    baselines = ngram_nats(corpus)
    lines = {"training, with dropout": "loss", "validation": "valid"}
    beside = {"with neighbours": scores["valid"], **baselines.valid}
    panel = figures.Panel("−log P (nats per letter)", lines, beside)
    run.learning_curves(result, panel)
    how = {"count": options.samples, "temperature": options.temperature}
    drawn = names.sample(length=LONGEST, seed=options.seed, **how)
    draw_states(run, names, max(drawn[:10], key=len))
    return report(run, result, scores, baselines, drawn)


def facts(corpus: Corpus) -> str:
    """How much there is to learn from, to choose by and to score on."""
    counts = [len(split) for split in (corpus.train, corpus.valid, corpus.test)]
    letters = sum(map(len, corpus.train))
    return (
        f"{sum(counts)} names: {counts[0]} to learn from ({letters} letters), "
        f"{counts[1]} to choose by, {counts[2]} held out"
    )


def nats(names: predict.LanguagePredictor, batches: Batches) -> float:
    """The negative log-likelihood per letter, <EOS> counted."""
    return float(names.nats(batches).result())


def draw_states(run: Run, names: predict.LanguagePredictor, name: str) -> None:
    """Draws the hidden states while a name is written."""
    tokens = names.tokenizer.encode(name)[None]
    lengths = np.array([tokens.size])
    states = names.model.apply(names.variables, tokens, lengths, method="states")
    title = f"{run.options.cell}: states while it writes “{name}” (· is x⟨1⟩ = 0)"
    labels = ["·", *name]
    run.figure(figures.heat_map, "states", np.asarray(states[0]), labels, title=title)


def report(
    run: Run,
    result: TrainResult,
    scores: dict[str, float],
    baselines: Nats,
    drawn: list[str],
) -> dict[str, Any]:
    """Writes the new names and the result."""
    ngram, *_ = baselines.test
    known = set(run.source.examples)
    new = [name for name in drawn if name not in known]
    run.write("names.txt", "".join(f"{name}\n" for name in new))
    against = ", ".join(f"{nats:.4f} by the {n}" for n, nats in baselines.test.items())
    run.say(
        f"held-out names: {scores['score']:.4f} nats per letter, "
        f"{scores['without_neighbors']:.4f} without neighbours, against {against}",
        f"{len(new)} of {len(drawn)} names drawn are in no list; ten of them:",
        *(f"  {name}" for name in new[:10]),
    )
    return run.finish(
        result,
        metric="nats per letter of held-out names",
        lower_is_better=True,
        baseline=baselines.test[ngram],
        baseline_name=f"best interpolated {ngram}",
        unigram=baselines.test["unigram"],
        best_possible=run.source.best,
        **scores,
        new_names=len(new) / len(drawn),
        distinct_names=len(set(drawn)) / len(drawn),
    )


def sample(options: Any) -> None:
    """Prints names that the model in --workdir makes up."""
    names = load_model(options.workdir, predict.LanguagePredictor)
    how = {"count": options.samples, "temperature": options.temperature}
    drawn = names.sample(options.text, length=LONGEST, seed=options.seed, **how)
    print(*drawn, sep="\n")


if __name__ == "__main__":
    cli.run(train, sample=sample, uses={"sample": "text samples temperature seed"})
