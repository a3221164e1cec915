"""What a run of video_activity leaves behind: predictions, figures, scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.shared.classifying import (
    decision,
    draw_confusion,
    draw_curves,
    share_right,
)
from experiments.shared.run import Run
from experiments.video_activity.video import Video
from seqjax import figures
from seqjax.train import TrainResult

SHOWN, COLUMNS = 8, 8  # videos of a contact sheet, and frames of each


def draw(
    run: Run,
    result: TrainResult,
    rivals: dict[str, float],
    videos: Sequence[Video],
    classes: Sequence[str],
    shares: np.ndarray,
) -> None:
    """Draws learning curves, a confusion matrix, and videos with decisions.

    Args:
      run: the run.
      result: of the training.
      rivals: the shares of held-out videos that baselines tell.
      videos: those held out, N of them.
      classes: names.
      shares: P, [N, classes].
    """
    draw_curves(run, result, rivals, "video", "training, with noise")
    gold = np.array([classes.index(v.label) for v in videos])
    draw_confusion(run, classes, shares, gold, "held-out videos", "images")
    missed = shares.argmax(axis=1) != gold
    order = chosen(gold, missed)
    lines = [decision(classes, shares[i], videos[i].label) for i in order]
    title = f"held-out videos (P); {missed.sum()} of {len(gold)} are wrong (red)"
    some, marks = [videos[i] for i in order], [bool(missed[i]) for i in order]
    if videos[0].has_pixels:
        draw_contact_sheet(run, some, lines, marks, title)
    else:
        paths = [video.frames for video in some]
        run.figure(figures.tracks, "tracks", paths, lines, title=title, wrong=marks)


def chosen(gold: np.ndarray, missed: np.ndarray) -> list[int]:
    """Chooses videos to show: half of them wrong if so many are, of various classes."""
    wrong = np.flatnonzero(missed)[: SHOWN // 2].tolist()
    seen, right = set(), []
    for i in np.flatnonzero(~missed).tolist():
        if gold[i] not in seen:
            seen.add(gold[i])
            right.append(i)
    right += [i for i in np.flatnonzero(~missed).tolist() if i not in right]
    return (wrong + right)[:SHOWN]


def draw_contact_sheet(
    run: Run,
    videos: Sequence[Video],
    lines: Sequence[str],
    wrong: Sequence[bool],
    title: str,
) -> None:
    """Draws a row for each video, some of its frames from first to last."""
    images, texts, marks = [], [], []
    for video, line, is_wrong in zip(videos, lines, wrong, strict=True):
        places = np.linspace(0, len(video.frames) - 1, COLUMNS).round().astype(int)
        images += [255 * video.frames[place].squeeze(-1) for place in places]
        texts += [line, *(f"frame {place + 1}" for place in places[1:])]
        marks += [is_wrong] + [False] * (COLUMNS - 1)
    options = {"title": title, "wrong": marks, "columns": COLUMNS}
    run.figure(figures.pictures, "contact_sheet", images, texts, **options)


def report(
    run: Run,
    result: TrainResult,
    shares: np.ndarray,
    gold: np.ndarray,
    rivals: dict[str, float],
) -> dict[str, Any]:
    """Prints and writes the result beside the best rival."""
    score, best = share_right(shares, gold), max(rivals, key=lambda name: rivals[name])
    others = ", ".join(f"{name} {share:.4f}" for name, share in rivals.items())
    run.say(f"held-out videos: {score:.4f} right; {others}")
    return run.finish(
        result,
        metric="share of held-out videos whose activity is told",
        lower_is_better=False,
        score=score,
        baseline=rivals[best],
        baseline_name=best,
        rivals=rivals,
        best_possible=run.source.best if run.source else None,
        valid=1 - result.scores["valid_wrong"],
    )
