"""What is done in a video? Many to one, frame by frame.

    python -m experiments.video_activity
    python -m experiments.video_activity --dataset=gun_point
    python -m experiments.video_activity \\
        --flagfile=experiments/video_activity/presets/pixels.txt --workdir=runs/moving
    python -m experiments.video_activity --mode=classify --workdir=runs/moving \\
        --video=frames/

Frames are points that were tracked, read as they are with their changes since the frame
before, or pixels, of which a small convolutional network makes vectors. A layer reads
them in order, and what it makes of them is pooled over time. --cell=conv_lstm keeps the
grid of pixels in its state. Beside it stand the most frequent activity, and logistic
regression on one frame and on the mean frame, which do not see what comes first.

Writes predictions.tsv (name, activity, taken for, P of that), figures/loss.png,
figures/confusion.png, figures/contact_sheet.png of pixels or figures/tracks.png of
points, result.json, and the model that --mode=classify and seqjax.load ask.
"""

import pathlib
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from absl import flags

from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.classifying import (
    Example,
    loss_of,
    majority,
    predictions,
    scorer,
    share_right,
)
from experiments.shared.errors import UsageError
from experiments.shared.run import Run, load_model, split_seed
from experiments.video_activity.data import TABLE, read_splits
from experiments.video_activity.model import (
    augmentation,
    make_predictor,
    single_frames,
)
from experiments.video_activity.reading import read_one
from experiments.video_activity.report import draw, report
from seqjax import predict
from seqjax.baselines import logistic_regression
from seqjax.extras import library

PENALTIES = 0.01, 0.1, 1  # inverse strengths, for the regressions

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
    buckets=1,
    cell="gru",
    features=64,
    bidirectional=True,
    steps=800,
    batch_size=32,
    learning_rate=4e-3,
    schedule="cosine",
    clip_norm=1.0,
    eval_every=50,
)
flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "classify"],
    "train: makes a model. classify: the one in --workdir tells what --video shows.",
)
flags.DEFINE_enum(
    "pooling",
    "mean",
    ["last", "mean", "max", "attention"],
    "What is made of the layer's outputs over time.",
)
flags.DEFINE_list(
    "channels", ["8", "16"], "Of each convolution of pixels; each halves the sides."
)
flags.DEFINE_bool("places", True, "Read each pixel with its place.")
flags.DEFINE_float("dropout", 0.3, "Share of inputs and outputs dropped.", 0.0, 0.99)
flags.DEFINE_float("noise", 0.05, "Noise in training, in deviations.", 0.0)
flags.DEFINE_float("scale", 0.2, "How far points shrink, grow and move in training.", 0)
flags.DEFINE_string(
    "video", None, "A folder of images, or a file of points, for --mode=classify."
)


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, baselines, figures, result."""
    library("sklearn", "images")
    source = TABLE.load(options.dataset, options.data)
    splits = read_splits(source.examples, split_seed(options))
    teller = make_predictor(splits.train, options)
    labels = [labels_of(teller, part) for part in splits]
    inputs = [[teller.inputs(v.frames) for v in part] for part in splits]
    variables = predict.init(teller, jax.random.key(options.seed))
    facts = "{:,} videos to learn from, {:,} to choose by, {:,} held out".format(
        *map(len, splits)
    )
    run = Run.begin("video_activity", options, source, variables, facts)
    valid, test = (teller.batches(x, buckets=options.buckets) for x in inputs[1:])
    result = run.fit(
        teller.model,
        variables,
        run.batches(list(map(Example, inputs[0], labels[0]))),
        loss_of(teller.model, augmentation(teller, options)),
        scorer(teller, valid, labels[1]),
        unit="nats per video",
        loss_per="sequence",
    )
    teller = replace(teller, variables=result.params)
    run.save(teller)
    shares, compared = teller.probabilities(test), rivals(splits, labels)
    draw(run, result, compared, splits.test, teller.classes, shares)
    run.write("predictions.tsv", predictions(splits.test, teller.classes, shares))
    return report(run, result, shares, labels[2], compared)


def labels_of(teller: predict.VideoClassPredictor, videos: Any) -> np.ndarray:
    """Places of the activities among the classes, [N].

    Raises:
      UsageError: there is one of which no video is learned from.
    """
    if unknown := {v.label for v in videos} - set(teller.classes):
        raise UsageError(f"--data: no video to learn {sorted(unknown)[0]!r} from")
    return np.array([teller.classes.index(v.label) for v in videos])


def rivals(splits: Any, labels: list[np.ndarray]) -> dict[str, float]:
    """The shares of held-out videos that the baselines tell."""
    found = {"the most frequent": float(np.mean(labels[2] == majority(labels[0])))}
    for way in ("middle", "mean"):
        frames = [single_frames(part, way) for part in splits]
        shares = logistic_regression(frames, labels, PENALTIES)[1]
        found[f"regression on the {way} frame"] = share_right(shares, labels[2])
    return found


def classify(options: Any) -> None:
    """Prints what is done in --video, and P of each activity, the likeliest first."""
    if not options.video:
        raise UsageError("--video: name a folder of images, or a file of points")
    teller = load_model(options.workdir, predict.VideoClassPredictor)
    try:
        shares = teller.classify(read_one(pathlib.Path(options.video)))
    except ValueError as error:
        raise UsageError(f"--video={options.video}: {error}") from None
    for name in sorted(shares, key=shares.__getitem__, reverse=True):
        print(f"{shares[name]:8.4f}  {name}")


if __name__ == "__main__":
    cli.run(train, classify=classify, uses={"classify": "video"})
