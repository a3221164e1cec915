"""What is in an image? The same digits one to one, by rows, and pixel by pixel.

    python -m experiments.image_classification
    python -m experiments.image_classification --way=fixed
    python -m experiments.image_classification \\
        --flagfile=experiments/image_classification/presets/permuted.txt
    python -m experiments.image_classification --mode=reasons
    python -m experiments.image_classification --mode=classify --workdir=runs/digits \\
        --image=seven.png

A fixed network reads all pixels at once (--way=fixed); a recurrent one reads a row or a
column a step (rows, columns), or a pixel a step (pixels), in one fixed random order if
--permuted. Images to learn from are turned, moved and bent at random (--warp). Beside
it stand the most frequent class, the nearest mean image and scikit-learn's logistic
regression. --mode=reasons shows why a fixed network will not do: digits to learn from
stand at the left of a wide image, and digits at other places, and images of other
widths, are asked of both kinds of network.

Writes predictions.tsv (name, class, taken for, P of that), figures/loss.png,
figures/confusion.png, figures/examples.png, result.json, and the model that
--mode=classify and seqjax.load ask; --mode=reasons writes figures/reasons.png.
"""

from dataclasses import replace
from typing import Any

import jax
import numpy as np
from absl import flags

from experiments.image_classification.baselines import baselines
from experiments.image_classification.data import TABLE
from experiments.image_classification.model import (
    examples_of,
    loss_of,
    make_predictor,
)
from experiments.image_classification.picture import describe, divide
from experiments.image_classification.reasons import reasons
from experiments.image_classification.report import draw, report
from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.classifying import scorer, share_right
from experiments.shared.errors import UsageError
from experiments.shared.run import Run, load_model, split_seed
from seqjax import predict
from seqjax.data import DataError
from seqjax.extras import library

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
    buckets=1,
    features=128,
    bidirectional=True,
    steps=7000,
    batch_size=100,
    learning_rate=3e-3,
    schedule="cosine",
    clip_norm=1.0,
    average=0.995,
    eval_every=400,
)
flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "classify", "reasons"],
    "train: makes a model. classify: the one in --workdir tells what is in --image. "
    "reasons: trains a fixed and a recurrent network on digits at the left, and asks "
    "both about other places and widths.",
)
flags.DEFINE_enum(
    "way",
    "rows",
    ["fixed", "rows", "columns", "pixels"],
    "What is read: all pixels at once, by a network of --layers ReLU layers; or a row, "
    "a column or a pixel a step.",
)
flags.DEFINE_bool(
    "permuted", False, "Pixels in one random order, the same for all; with pixels."
)
flags.DEFINE_integer("order_seed", 0, "Of the order of --permuted.", 0)
flags.DEFINE_enum(
    "pooling",
    "last",
    ["last", "mean", "max", "attention"],
    "What is made of the layer's outputs over time.",
)
flags.DEFINE_integer(
    "hidden", 0, "Units of a ReLU layer that reads what is pooled; 0: none.", 0
)
flags.DEFINE_float("dropout", 0.3, "Share of inputs and outputs dropped.", 0.0, 0.99)
flags.DEFINE_float(
    "warp",
    1.3,
    "How much images are changed in training: at 1 they are moved by up to 2 pixels, "
    "turned by 12 degrees, scaled by 12 % and bent by about a pixel; 0: not at all.",
    0.0,
)
flags.DEFINE_string("image", None, "An image file, for --mode=classify.")


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, baselines, figures, result."""
    library("sklearn", "images")
    source = TABLE.load(options.dataset, options.data)
    splits = divide(source.examples, split_seed(options), source.name)
    teller = make_predictor(splits.train, options)
    examples = [examples_of(teller, part) for part in splits]
    labels = [np.array([e.label for e in part]) for part in examples]
    inputs = [[teller.inputs(p.pixels) for p in part] for part in splits]
    variables = predict.init(teller, jax.random.key(options.seed))
    facts = describe(splits, max(len(x) for x in inputs[0]))
    run = Run.begin("image_classification", options, source, variables, facts)
    valid, test = (teller.batches(x, 100, options.buckets) for x in inputs[1:])
    result = run.fit(
        teller.model,
        variables,
        run.batches(examples[0]),
        loss_of(teller, options.warp),
        scorer(teller, valid, labels[1]),
        unit="nats per image",
        loss_per="sequence",
    )
    teller = replace(teller, variables=result.params)
    run.save(teller)
    rivals, shares = baselines(inputs, labels), teller.probabilities(test)
    draw(run, result, rivals, splits.test, teller.classes, shares)
    return report(run, result, share_right(shares, labels[2]), rivals)


def classify(options: Any) -> None:
    """Prints what is in --image, and P of each class, the likeliest first."""
    if not options.image:
        raise UsageError("--image: name an image file")
    teller = load_model(options.workdir, predict.ImageClassPredictor)
    try:
        (shares,) = teller.probabilities(teller.batches([teller.inputs(options.image)]))
    except DataError:
        raise
    except ValueError as error:
        raise UsageError(f"--image={options.image}: {error}") from None
    print(teller.classes[shares.argmax()])
    for place in np.argsort(-shares):
        print(f"{shares[place]:8.4f}  {teller.classes[place]}")


if __name__ == "__main__":
    cli.run(
        train,
        classify=classify,
        reasons=reasons,
        uses={
            "classify": "image",
            "reasons": "data dataset cell features layers hidden steps batch_size "
            "learning_rate schedule clip_norm seed split_seed eval_every average "
            "dropout warp bidirectional",
        },
    )
