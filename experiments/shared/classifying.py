"""What tasks with one class for a whole sequence share: loss, scores, confusions."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.shared.run import Run
from seqjax import figures
from seqjax.data import Batches
from seqjax.extras import library
from seqjax.losses import cross_entropy
from seqjax.train import TrainResult

MOST = 20  # classes of a confusion matrix

# (key, inputs [B, T, ...], lengths [B]) -> inputs, changed as training asks
Change = Callable[[jax.Array, Any, jax.Array], Any]


class Example(NamedTuple):
    """A sequence as the model reads it, and the place of its class."""

    inputs: np.ndarray  # [T, ...]
    label: int


def loss_of(model: Any, change: Change) -> Callable[..., Any]:
    """The loss is −log P of a sequence's class, by inputs that are changed first."""

    def loss(variables, batch, key, recurrent_state):
        key, key_change = jax.random.split(key)
        inputs, lengths = batch.values.inputs, batch.lengths.inputs
        inputs = change(key_change, inputs, lengths)
        logits = model.apply(variables, inputs, lengths, True, rngs={"dropout": key})
        mask = (batch.lengths.label > 0)[None]
        nats = cross_entropy(logits[None], batch.values.label[None], mask)
        return nats, jnp.sum(lengths), recurrent_state

    return loss


def unchanged(key, inputs, lengths):
    """The change that changes nothing."""
    del key, lengths
    return inputs


def with_noise(deviation: float) -> Change:
    """A change that adds normal noise."""

    def change(key, inputs, lengths):
        del lengths
        return inputs + deviation * jax.random.normal(key, inputs.shape)

    return change


def scorer(predictor: Any, batches: Batches, labels: np.ndarray) -> Callable[..., Any]:
    """What a run asks of a predictor between steps: nats, and the share that is wrong.

    Args:
      predictor: a dataclass with `variables` and `probabilities(batches)`.
      batches: of the validation part.
      labels: of the same, [N].
    """

    def evaluate(variables):
        asked = dataclasses.replace(predictor, variables=variables)
        shares = asked.probabilities(batches)
        wrong = 1 - share_right(shares, labels)
        return {"valid": nats(shares, labels), "valid_wrong": wrong}

    return evaluate


def majority(labels: np.ndarray) -> int:
    """The most frequent of labels [N]."""
    return int(np.bincount(labels).argmax())


def share_right(shares: np.ndarray, gold: np.ndarray) -> float:
    """How many of P [N, classes] are highest at the label [N]."""
    return float(np.mean(shares.argmax(axis=1) == gold))


def nats(shares: np.ndarray, gold: np.ndarray) -> float:
    """The mean of −log P of the label [N] by P [N, classes]."""
    right = shares[np.arange(len(shares)), gold]
    return -float(np.mean(np.log(right + 1e-9)))


def draw_curves(
    run: Run, result: TrainResult, rivals: dict[str, float], noun: str, training: str
) -> None:
    """Draws the learning curves, beside the shares that the baselines get wrong.

    Args:
      run: the run.
      result: of the training.
      rivals: the shares of what is held out that baselines tell.
      noun: what an example is, such as "image".
      training: what the curve of the loss is called.
    """
    wrong = {name: 1 - share for name, share in rivals.items()}
    run.learning_curves(
        result,
        figures.Panel(
            f"−log P (nats per {noun})", {training: "loss", "validation": "valid"}
        ),
        figures.Panel(f"share of wrong {noun}s", {"validation": "valid_wrong"}, wrong),
    )


def decision(classes: Sequence[str], shares: np.ndarray, label: str) -> str:
    """What an example is taken for and P of that, and what it is if that is wrong."""
    taken = classes[int(shares.argmax())]
    truth = f", is {label}" if taken != label else ""
    return f"{taken} ({shares.max():.2f}){truth}"


def predictions(
    examples: Sequence[Any], classes: Sequence[str], shares: np.ndarray
) -> str:
    """A line an example: its name, its class, what it was taken for, P of that.

    Args:
      examples: N of them, with a `name` and a `label`.
      classes: names.
      shares: P, [N, classes].
    """
    rows = zip(examples, shares, strict=True)
    return "".join(
        f"{e.name}\t{e.label}\t{classes[int(row.argmax())]}\t{row.max():.4f}\n"
        for e, row in rows
    )


def draw_confusion(
    run: Run,
    classes: Sequence[str],
    shares: np.ndarray,
    gold: np.ndarray,
    title: str,
    extra: str,
) -> None:
    """Draws the confusion matrix, of the classes with most errors if there are many.

    Args:
      run: the run.
      classes: names.
      shares: P, [N, classes].
      gold: labels, [N].
      title: of the figure.
      extra: of seqjax, which brings scikit-learn.
    """
    counts = library("sklearn.metrics", extra).confusion_matrix(
        gold, shares.argmax(axis=1), labels=range(len(classes))
    )
    shown = np.arange(len(classes))
    if len(classes) > MOST:
        errors = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
        shown = np.sort(np.argsort(-errors, kind="stable")[:MOST])
        title = f"{title}: the {MOST} of {len(classes)} with most errors"
    names = [classes[int(i)] for i in shown]
    counts = counts[np.ix_(shown, shown)]
    run.figure(figures.confusion, "confusion", counts, names, title=title)
