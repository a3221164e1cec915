"""Whole sequences and their classes: many to one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from experiments.dna.data import Sequence
from experiments.shared.layers import layer_of
from experiments.shared.run import Run
from seqjax import figures, predict
from seqjax.data import DataError, Source, Splits, Tokenizer
from seqjax.data.nucleotides import LETTERS, SHARES
from seqjax.data.nucleotides import encode as codes_of
from seqjax.extras import library
from seqjax.losses import cross_entropy
from seqjax.models import Classifier

REGRESSION = "logistic regression on the letter at each place"
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0)  # C of scikit-learn, to try


class Example(NamedTuple):
    """A sequence as integers, and its class."""

    letters: np.ndarray  # [T]
    label: int


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

    def evaluate(variables):
        p = replace(teller, variables=variables).probabilities(valid)
        nats = -np.log(p[np.arange(len(p)), labels[1]] + 1e-9)
        wrong = np.mean(p.argmax(axis=1) != labels[1])
        return {"valid": float(nats.mean()), "valid_wrong": float(wrong)}

    result = run.fit(
        teller.model,
        variables,
        run.batches(list(map(Example, map(teller.encode, texts[0]), labels[0]))),
        loss_of(teller.model),
        evaluate,
        unit="nats per sequence",
        loss_per="sequence",
    )
    teller = replace(teller, variables=result.params)
    run.save(teller)
    taken = teller.probabilities(test).argmax(axis=1)
    draw(run, result, labels[2], taken, teller.classes)
    return report(run, result, labels, taken, regression(splits, labels))


def report(
    run: Run,
    result: Any,
    labels: list[np.ndarray],
    taken: np.ndarray,
    regressed: np.ndarray,
) -> dict[str, Any]:
    """Prints and writes the result."""
    most = np.bincount(labels[0]).argmax()
    every = (taken, regressed, most)
    right, regression, majority = (float(np.mean(o == labels[2])) for o in every)
    run.say(
        f"held-out sequences: {right:.4f} right; by {REGRESSION} {regression:.4f}, by "
        f"the most frequent class {majority:.4f}"
    )
    return run.finish(
        result,
        metric="share of held-out sequences whose class is right",
        lower_is_better=False,
        score=right,
        baseline=regression,
        baseline_name=REGRESSION,
        majority=majority,
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
    embed = nn.Embed(len(tokenizer.tokens), options.embedding)
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


def loss_of(model: Classifier) -> Callable[..., Any]:
    """The loss is −log P of a sequence's class."""

    def loss(variables, batch, key, recurrent_state):
        lengths, rngs = batch.lengths.letters, {"dropout": key}
        logits = model.apply(variables, batch.values.letters, lengths, True, rngs=rngs)
        mask = (batch.lengths.label > 0)[None]
        nats = cross_entropy(logits[None], batch.values.label[None], mask)
        return nats, jnp.sum(lengths), recurrent_state

    return loss


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


def draw(run: Run, result: Any, gold: np.ndarray, taken: np.ndarray, classes) -> None:
    """Draws the learning curves, and which class was taken for which."""
    run.learning_curves(
        result,
        figures.Panel(
            "−log P (nats per sequence)",
            {"training, with dropout": "loss", "validation": "valid"},
        ),
        figures.Panel("share of wrong sequences", {"validation": "valid_wrong"}),
    )
    labels = range(len(classes))
    counts = library("sklearn.metrics", "dna").confusion_matrix(
        gold, taken, labels=labels
    )
    title = "held-out sequences"
    run.figure(figures.confusion, "confusion", counts, classes, title=title)
