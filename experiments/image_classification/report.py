"""What a run of image_classification leaves behind: predictions, figures, scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.image_classification.picture import Picture
from experiments.shared.classifying import (
    decision,
    draw_confusion,
    draw_curves,
    predictions,
)
from experiments.shared.run import Run
from seqjax import figures
from seqjax.train import TrainResult

SHOWN = 16  # pictures with the decisions about them, up to half of them wrong ones


def draw(
    run: Run,
    result: TrainResult,
    rivals: dict[str, float],
    pictures: Sequence[Picture],
    classes: Sequence[str],
    shares: np.ndarray,
) -> None:
    """Draws curves, confusions and pictures with decisions; writes predictions.tsv.

    Args:
      run: the run.
      result: of the training.
      rivals: the shares of held-out images that baselines tell.
      pictures: those held out, N of them.
      classes: names.
      shares: P, [N, classes].
    """
    draw_curves(run, result, rivals, "image", "training, changed at random")
    gold = np.array([classes.index(p.label) for p in pictures])
    title = f"{run.options.way}: held-out images"
    draw_confusion(run, classes, shares, gold, title, "images")
    told = shares.argmax(axis=1)
    draw_examples(run, pictures, classes, shares, told != gold)
    run.write("predictions.tsv", predictions(pictures, classes, shares))


def draw_examples(
    run: Run,
    pictures: Sequence[Picture],
    classes: Sequence[str],
    shares: np.ndarray,
    wrong: np.ndarray,
) -> None:
    """Draws pictures with what they were taken for, some that went wrong first."""
    bad = np.flatnonzero(wrong)[: SHOWN // 2]
    good = np.flatnonzero(~wrong)
    every = max(len(good) // (SHOWN - len(bad)), 1)
    order = np.concatenate([bad, good[::every]])[:SHOWN]
    lines = [decision(classes, shares[i], pictures[i].label) for i in order]
    title = (
        f"{run.options.way}: what held-out images are taken for (P); "
        f"{wrong.sum()} of {len(wrong)} are wrong (red)"
    )
    images = [pictures[i].pixels for i in order]
    marks = [bool(wrong[i]) for i in order]
    run.figure(figures.pictures, "examples", images, lines, title=title, wrong=marks)


def report(
    run: Run, result: TrainResult, score: float, rivals: dict[str, float]
) -> dict[str, Any]:
    """Prints and writes the result beside the best rival."""
    best = max(rivals, key=lambda name: rivals[name])
    others = ", ".join(f"{name} {share:.4f}" for name, share in rivals.items())
    run.say(f"held-out images: {score:.4f} right; {others}")
    return run.finish(
        result,
        metric="share of held-out images whose class is told",
        lower_is_better=False,
        score=score,
        baseline=rivals[best],
        baseline_name=best,
        rivals=rivals,
        way=run.options.way,
        permuted=run.options.permuted,
        best_possible=run.source.best if run.source else None,
        valid=1 - result.scores["valid_wrong"],
    )
