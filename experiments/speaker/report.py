"""What a run of speaker leaves behind: predictions, figures, scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.shared.classifying import draw_confusion, share_right
from experiments.shared.run import Run
from experiments.speaker.clip import Clip
from seqjax import figures
from seqjax.audio import median_pitch
from seqjax.train import TrainResult


def speakers_right(
    shares: np.ndarray, gold: np.ndarray, clips: Sequence[Clip]
) -> tuple[int, int]:
    """How many speakers are told rightly from all their sounds, by the mean log P.

    Args:
      shares: P, [N, classes].
      gold: labels [N], one for all sounds of a speaker.
      clips: N of them.

    Returns:
      The number, and that of speakers; both are 0 if one is unknown.
    """
    speakers = [clip.speaker for clip in clips]
    if not all(speakers):
        return 0, 0
    names, who = np.unique(speakers, return_inverse=True)
    logs = [np.log(shares[who == i] + 1e-12).mean(axis=0) for i in range(len(names))]
    answers = [gold[who == i][0] for i in range(len(names))]
    return int(np.sum(np.argmax(logs, axis=1) == answers)), len(names)


def draw_learning(run: Run, result: TrainResult, wrong: dict[str, float]) -> None:
    """Draws the learning curves, beside the baselines' shares of wrong sounds."""
    lines = {"training, with noise": "loss", "validation": "valid"}
    run.learning_curves(
        result,
        figures.Panel("−log P (nats per sound)", lines),
        figures.Panel("share of wrong sounds", {"validation": "valid_wrong"}, wrong),
    )


def draw_decisions(
    run: Run,
    classes: Sequence[str],
    shares: np.ndarray,
    gold: np.ndarray,
    clips: Sequence[Clip],
    rate: int,
) -> None:
    """Draws a confusion matrix and, of a gender and samples, pitch against decision.

    Args:
      run: the run.
      classes: names.
      shares: P, [N, classes].
      gold: labels, [N].
      clips: N of them.
      rate: samples a second; 0 if there are none.
    """
    draw_confusion(run, classes, shares, gold, "held-out sounds", "sound")
    if run.options.target == "gender" and rate:
        draw_pitch(run, classes, shares, gold, clips, rate)
    elif run.options.target == "gender":
        run.say("there are no waveforms in this data, so no pitch to draw")


def draw_pitch(run: Run, classes, shares, gold, clips, rate: int) -> None:
    """Draws P of the first class against pitch; the arguments are as above."""
    hertz = np.array([median_pitch(clip.sound, rate) for clip in clips])
    points = {
        name: (hertz[gold == i], shares[gold == i, 0]) for i, name in enumerate(classes)
    }
    axes = "pitch, the median over time (Hz)", f"P({classes[0]} | sound)"
    title = "held-out speakers" if all(c.speaker for c in clips) else "held-out sounds"
    missing = int(np.sum(~np.isfinite(hertz)))
    title += f"; {missing} sounds without a pitch are left out" if missing else ""
    run.figure(figures.decisions, "pitch", points, *axes, title=title)


def predictions(
    clips: Sequence[Clip], classes: Sequence[str], shares: np.ndarray
) -> str:
    """A line a sound: its name, speaker, label, what it was taken for, P of that."""
    rows = zip(clips, shares, strict=True)
    return "".join(
        f"{c.name}\t{c.speaker}\t{c.label}\t{classes[row.argmax()]}\t{row.max():.4f}\n"
        for c, row in rows
    )


def told_speakers(
    run: Run, gold: np.ndarray, shares: dict[str, np.ndarray], clips: Sequence[Clip]
) -> dict[str, int]:
    """Says how many speakers are told rightly from all their sounds.

    Returns:
      Numbers for the result; none if a speaker is unknown.
    """
    found = {name: speakers_right(p, gold, clips) for name, p in shares.items()}
    (model, count), (regression, _) = found["model"], found["regression"]
    if not count:
        return {}
    run.say(
        f"of {count} speakers never heard, {model} are told rightly from all their "
        f"sounds, by the regression {regression}"
    )
    return {
        "speakers": count,
        "speakers_right": model,
        "speakers_right_by_regression": regression,
    }


def report(
    run: Run,
    result: TrainResult,
    gold: np.ndarray,
    shares: dict[str, np.ndarray],
    most: int,
    clips: Sequence[Clip],
) -> dict[str, Any]:
    """Prints and writes the result.

    Args:
      run: the run.
      result: of the training.
      gold: labels of the held-out sounds, [N].
      shares: P by the model and by the regression, [N, classes] each.
      most: the most frequent label of training.
      clips: the held-out sounds.
    """
    right = {name: share_right(p, gold) for name, p in shares.items()}
    frequent, gender = float(np.mean(gold == most)), run.options.target == "gender"
    run.say(
        f"held-out sounds: {right['model']:.4f} right, by logistic regression on mean "
        f"features {right['regression']:.4f}, by the most frequent label {frequent:.4f}"
    )
    of_speakers = told_speakers(run, gold, shares, clips) if gender else {}
    of_whom = "of speakers never heard" if of_speakers else "held out"
    return run.finish(
        result,
        metric=f"share of sounds {of_whom} whose {run.options.target} is told",
        lower_is_better=False,
        score=right["model"],
        baseline=right["regression"],
        baseline_name="logistic regression on mean features",
        majority=frequent,
        best_possible=run.source.best if gender and run.source else None,
        valid=1 - result.scores["valid_wrong"],
        **of_speakers,
    )
