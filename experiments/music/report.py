"""What a run leaves: pictures, a new piece, and the result."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.music.roll import Piece, write_roll
from experiments.shared.run import Run
from seqjax import figures
from seqjax.extras import later
from seqjax.predict import RollPredictor
from seqjax.train import TrainResult

pictures = later("experiments.music.pictures")

SHOWN = 64  # frames of a held-out piece in the picture
GIVEN = 8  # frames of a held-out piece that the model goes on from


def draw_learning(
    run: Run, result: TrainResult, others: Mapping[str, Mapping[str, float]]
) -> None:
    """Draws the learning curve from the first evaluation on, beside the baselines.

    Before it, every key is likely to be down, and the loss is many times as large.
    """
    first = min(line["step"] for line in result.history if "valid" in line)
    history = [line for line in result.history if line["step"] >= first]
    lines = {"training, with dropout": "loss", "validation": "valid"}
    beside = {name: nats["valid"] for name, nats in others.items()}
    panel = figures.Panel("−log P (nats per frame)", lines, beside)
    run.learning_curves(result._replace(history=history), panel)


def draw_prediction(run: Run, player: RollPredictor, pieces: Sequence[Piece]) -> None:
    """Draws a held-out piece beside the probabilities of its keys."""
    piece = pieces[0]
    roll = piece.roll[:SHOWN]
    p = player.probabilities(player.batches([roll]))[0]
    nll = player.nll(piece.roll)
    title = f"{piece.name}, held out: {nll:.2f} nats per frame by {run.options.cell}"
    run.figure(pictures.prediction, "roll", roll, p, title=title)


def first_frames(pieces: Sequence[Piece]) -> np.ndarray:
    """What a new piece begins with: the first frames of a held-out one."""
    return pieces[0].roll[:GIVEN]


def write_sample(
    run: Run, player: RollPredictor, roll: np.ndarray, options: Any
) -> list[pathlib.Path]:
    """The model goes on from a roll: sample.mid and figures/sample.png."""
    how = {"temperature": options.temperature, "seed": options.seed}
    whole = player.sample(roll, options.length, **how)
    path = run.folder / "sample.mid"
    write_roll(path, whole, player.frames)
    title = f"{options.length} frames drawn after {len(roll)} given"
    run.figure(pictures.sample, "sample", whole, len(roll), title=title)
    return [path, run.folder / "figures" / "sample.png"]


def finish(
    run: Run,
    result: TrainResult,
    scores: Mapping[str, float],
    others: Mapping[str, Mapping[str, float]],
) -> dict[str, Any]:
    """Says and writes the result beside the baselines.

    Args:
      run: the run.
      result: of the training.
      scores: nats per frame: score, of the held-out pieces, and valid.
      others: those of the baselines, {name: {"valid": …, "test": …}}.
    """
    best = min(others, key=lambda name: others[name]["valid"])
    against = ", ".join(f"{nats['test']:.4f} by {n}" for n, nats in others.items())
    run.say(f"held-out pieces: {scores['score']:.4f} nats per frame, against {against}")
    return run.finish(
        result,
        metric="nats per frame of held-out pieces",
        lower_is_better=True,
        baseline=others[best]["test"],
        baseline_name=best,
        baselines={name: nats["test"] for name, nats in others.items()},
        best_possible=run.source.best if run.source else None,
        **scores,
    )
