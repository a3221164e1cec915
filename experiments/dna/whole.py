"""Whole sequences and their classes: many to one."""

from dataclasses import replace
from typing import Any

import jax
import numpy as np

from experiments.dna.data import Sequence
from experiments.shared.classifying import (
    Example,
    draw_confusion,
    loss_of,
    majority,
    scorer,
    unchanged,
)
from experiments.shared.layers import layer_of
from experiments.shared.run import Run
from seqjax import figures, predict
from seqjax.data import DataError, Source, Splits, Tokenizer
from seqjax.data.nucleotides import LETTERS, SHARES
from seqjax.data.nucleotides import encode as codes_of
from seqjax.extras import library
from seqjax.models import Classifier, PlacedEmbed

REGRESSION = "logistic regression on the letter at each place"
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0)  # C of scikit-learn, to try


def train_whole(options: Any, source: Source) -> dict[str, Any]:
    """Model, training, baselines, figures, result."""
    splits = source.examples
    teller = make_classifier(splits, options, source.name)
    variables = predict.init(teller, jax.random.key(options.seed))
    facts = "{:,} sequences to learn from, {:,} to choose by, {:,} held out"
    facts = facts.format(*map(len, splits))
    run = Run.begin("dna", options, source, variables, facts)
    labels = [labels_of(teller, part) for part in splits]
    texts = [[sequence.text for sequence in part] for part in splits]
    valid, test = (teller.batches(part, buckets=options.buckets) for part in texts[1:])
    result = run.fit(
        teller.model,
        variables,
        run.batches(list(map(Example, map(teller.encode, texts[0]), labels[0]))),
        loss_of(teller.model, unchanged),
        scorer(teller, valid, labels[1]),
        unit="nats per sequence",
        loss_per="sequence",
    )
    teller = replace(teller, variables=result.params)
    run.save(teller)
    shares = teller.probabilities(test)
    draw_learning(run, result)
    of = teller.classes, shares, labels[2]
    draw_confusion(run, *of, "held-out sequences", "dna")
    taken = shares.argmax(axis=1)
    return report(run, result, labels, taken, regression(splits, labels))


def report(
    run: Run,
    result: Any,
    labels: list[np.ndarray],
    taken: np.ndarray,
    regressed: np.ndarray,
) -> dict[str, Any]:
    """Prints and writes the result."""
    every = (taken, regressed, majority(labels[0]))
    right, by_regression, by_majority = (float(np.mean(o == labels[2])) for o in every)
    run.say(
        f"held-out sequences: {right:.4f} right; by {REGRESSION} {by_regression:.4f}, "
        f"by the most frequent class {by_majority:.4f}"
    )
    return run.finish(
        result,
        metric="share of held-out sequences whose class is right",
        lower_is_better=False,
        score=right,
        baseline=by_regression,
        baseline_name=REGRESSION,
        majority=by_majority,
        best_possible=run.source.best if run.source else None,
        valid=1 - result.scores["valid_wrong"],
    )


def make_classifier(splits: Splits, options: Any, name: str) -> predict.ClassPredictor:
    """A classifier of the classes of the sequences to learn from.

    Raises:
      DataError: there is one class alone.
    """
    classes = tuple(sorted({sequence.label for sequence in splits.train}))
    if len(classes) < 2:
        raise DataError(f"{name}: two classes or more are needed, not {classes}")
    tokenizer = Tokenizer.build([LETTERS], "chars")
    embed = PlacedEmbed(len(tokenizer.tokens), options.embedding)
    model = Classifier(
        layer_of(options),
        len(classes),
        embed,
        options.pooling,
        dropout=options.dropout,
        gradient=options.gradient,
    )
    longest = max(len(sequence.text) for part in splits for sequence in part)
    return predict.ClassPredictor(model, tokenizer, classes, longest)


def labels_of(teller: predict.ClassPredictor, sequences: list[Sequence]) -> np.ndarray:
    """The place of each sequence's class; one never learned is the first."""
    places = {name: i for i, name in enumerate(teller.classes)}
    return np.array([places.get(sequence.label, 0) for sequence in sequences])


def regression(splits: Splits, labels: list[np.ndarray]) -> np.ndarray:
    """The classes of the held-out sequences by a logistic regression, [N].

    It reads the letter at each place, and its penalty is chosen as the network is.
    """
    linear = library("sklearn.linear_model", "dna").LogisticRegression
    longest = max(len(sequence.text) for part in splits for sequence in part)

    def places(sequence: Sequence) -> np.ndarray:
        x = np.zeros((longest, SHARES.shape[1]))
        x[: len(sequence.text)] = SHARES[codes_of(sequence.text)]
        return x.ravel()

    xs = [np.array(list(map(places, part))) for part in splits]
    fitted = (linear(C=c, max_iter=1000).fit(xs[0], labels[0]) for c in PENALTIES)
    return max(fitted, key=lambda m: m.score(xs[1], labels[1])).predict(xs[2])


def draw_learning(run: Run, result: Any) -> None:
    """Draws the learning curves."""
    run.learning_curves(
        result,
        figures.Panel(
            "−log P (nats per sequence)",
            {"training, with dropout": "loss", "validation": "valid"},
        ),
        figures.Panel("share of wrong sequences", {"validation": "valid_wrong"}),
    )
