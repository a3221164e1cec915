"""How many stars does a text give? Many to one.

    python -m experiments.sentiment
    python -m experiments.sentiment --flagfile=experiments/sentiment/presets/vader.txt
    python -m experiments.sentiment --mode=rate --workdir=runs/vader \\
        --text="There is nothing to like in this movie."

A layer reads the words, in both directions; what it makes of them is pooled over time.
--classes=binary leaves the middle out and tells one or two stars from four or five.
Beside it stand the most frequent class and a logistic regression on the words and word
pairs of a text, by scikit-learn, chosen on the same split. --data takes a CSV or TSV
file with the columns text and stars. Writes figures/loss.png, figures/confusion.png,
predictions.tsv (gold stars, predicted stars, text), result.json, and the model that
--mode=rate and seqjax.load ask.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from absl import flags

from experiments.sentiment.baselines import (
    Predicted,
    logistic_regression,
    majority,
    stars_of,
)
from experiments.sentiment.data import NOTHING, TABLE, Review
from experiments.sentiment.model import encode, loss_of, make_predictor, read_splits
from experiments.shared import cli, words
from experiments.shared import flags as shared
from experiments.shared.errors import UsageError
from experiments.shared.layers import layer_of
from experiments.shared.run import Run, load_model
from seqjax import figures, predict
from seqjax.data import Batches, split_words
from seqjax.extras import library
from seqjax.train import TrainResult

flags.adopt_module_key_flags(shared)
flags.adopt_module_key_flags(words)
shared.describe_data(TABLE)
shared.set_defaults(
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
flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "rate"],
    "train: makes a model. rate: the one in --workdir gives --text its stars.",
)
flags.DEFINE_enum(
    "classes",
    "stars",
    ["stars", "binary"],
    "stars: 1 to 5. binary: bad (1, 2) or good (4, 5).",
)
flags.DEFINE_enum(
    "pooling",
    "attention",
    ["last", "mean", "max", "attention"],
    "What is made of the layer's outputs over time.",
)
flags.DEFINE_string("text", "", "A text, for --mode=rate.")


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, baselines, figures, result."""
    layer, _ = layer_of(options), library("sklearn")
    source = TABLE.load(options.dataset, options.data)
    splits = read_splits(source.examples, options.classes == "binary", source.name)
    rater = make_predictor(layer, splits.train, options)
    variables = predict.init(rater, jax.random.key(options.seed))
    counts = (len(part) for part in splits)
    facts = "{:,} texts to learn from, {:,} to choose by, {:,} held out".format(*counts)
    run = Run.begin("sentiment", options, source, variables, facts)
    valid, test = (batches_of(rater, part, options.buckets) for part in splits[1:])
    gold_valid, gold = map(stars_of, splits[1:])

    def evaluate(variables):
        p = np.log(replace(rater, variables=variables).probabilities(valid) + 1e-9)
        places = np.searchsorted(rater.classes, gold_valid)
        wrong = p.argmax(axis=1) != places
        nats = -p[np.arange(len(p)), places]
        return {"valid": float(wrong.mean()), "valid_nats": float(nats.mean())}

    result = run.fit(
        rater.model,
        variables,
        run.batches([encode(rater, review) for review in splits.train]),
        loss_of(rater, options.word_dropout),
        evaluate,
        unit="nats per text",
        loss_per="sequence",
    )
    rater = replace(rater, variables=result.params)
    run.save(rater)
    predicted = np.array(rater.classes)[rater.probabilities(test).argmax(axis=1)]
    others = {"majority": majority(splits), "regression": logistic_regression(splits)}
    wrong = {name: float(np.mean(o.valid != gold_valid)) for name, o in others.items()}
    draw_figures(run, result, wrong, gold, predicted, rater.classes)
    write_predictions(run, splits.test, predicted)
    return report(run, result, gold, predicted, others, rater.rate(NOTHING))


def batches_of(
    rater: predict.ClassPredictor, reviews: Sequence[Review], buckets: int
) -> Batches:
    """Texts, batched once, for a classifier to classify."""
    return rater.batches([review.text for review in reviews], buckets=buckets)


def draw_figures(
    run: Run, result: TrainResult, wrong: dict[str, float], gold, predicted, classes
) -> None:
    """Draws the learning curves, and which stars were taken for which."""
    run.learning_curves(
        result,
        figures.Panel(
            "−log P (nats per text)",
            {"training, with dropout": "loss", "validation": "valid_nats"},
        ),
        figures.Panel("share of wrong texts", {"validation": "valid"}, wrong),
    )
    counts = library("sklearn.metrics").confusion_matrix(
        gold, predicted, labels=classes
    )
    names = [f"{star} ★" for star in classes]
    run.figure(figures.confusion, "confusion", counts, names, title="held-out texts")


def write_predictions(run: Run, test: Sequence[Review], predicted: np.ndarray) -> None:
    """Writes gold stars, predicted stars and the text, a line each."""
    rows = zip(test, predicted, strict=True)
    lines = (f"{r.stars}\t{star}\t{' '.join(r.text.split())}\n" for r, star in rows)
    run.write("predictions.tsv", "".join(lines))


def report(
    run: Run,
    result: TrainResult,
    gold: np.ndarray,
    predicted: np.ndarray,
    others: dict[str, Predicted],
    nothing: float,
) -> dict[str, Any]:
    """Prints and writes the result."""

    def numbers(stars):
        return float(np.mean(stars == gold)), float(np.mean(np.abs(stars - gold)))

    right, error = numbers(predicted)
    regression, regression_error = numbers(others["regression"].test)
    most, most_error = numbers(others["majority"].test)
    run.say(
        f"held-out texts: {right:.4f} right, {error:.3f} stars off in the mean; by "
        f"logistic regression {regression:.4f} and {regression_error:.3f}, by the most "
        f"frequent class {most:.4f} and {most_error:.3f}",
        f"{nothing:.2f} stars expected for: {NOTHING}",
    )
    return run.finish(
        result,
        metric="share of held-out texts whose stars are predicted",
        lower_is_better=False,
        score=right,
        baseline=regression,
        baseline_name="logistic regression on words and pairs of words",
        majority=most,
        mean_absolute_error=error,
        baseline_error=regression_error,
        majority_error=most_error,
        best_possible=run.source.best if run.options.classes == "stars" else None,
        stars_of_nothing=nothing,
        valid=1 - result.scores["valid"],
    )


def rate(options: Any) -> None:
    """Prints P of each class of --text, and the stars that are expected."""
    if not split_words(options.text):
        raise UsageError("--text: needs a text to rate")
    rater = load_model(options.workdir, predict.ClassPredictor)
    for star, share in rater.classify(options.text).items():
        print(f"{share:8.4f}  {'★' * star}")
    print(f"{rater.rate(options.text):8.2f}  stars expected")


if __name__ == "__main__":
    cli.run(train, rate=rate, uses={"rate": "text"})
