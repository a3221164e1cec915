"""An image in words: one to many, with attention over a grid of the image's parts.

    python -m experiments.image_caption --workdir=runs/scenes
    python -m experiments.image_caption --mode=caption --workdir=runs/scenes \\
        --image=scene.png
    python -m experiments.image_caption \\
        --flagfile=experiments/image_caption/presets/twemoji.txt

A small convolutional network makes a grid of vectors of an image; a decoder writes its
caption, attending to one part of the grid after the other (Xu et al., 2015), by beam
search. Scenes of coloured shapes have one right caption each, so that all can be exact;
the real images are emoji with their names. Scored by the share of exact captions and
sacrebleu's BLEU, beside the most frequent caption and that of the nearest image.

Writes captions.tsv (image, caption, what was written), figures/loss.png,
figures/captions.png, figures/attention.png (where each word looked), result.json, and
the model that --mode=caption and seqjax.load ask.
"""

from dataclasses import replace
from typing import Any

import jax
from absl import flags

from experiments.image_caption.captioned import divide
from experiments.image_caption.data import TABLE
from experiments.image_caption.model import make_predictor, rivals
from experiments.image_caption.report import draw, report
from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.errors import UsageError
from experiments.shared.run import Run, load_model, split_seed
from experiments.translation.model import loss_of, nats_per_token
from seqjax import predict
from seqjax.data import Batches
from seqjax.extras import library

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
    buckets=1,
    features=64,
    steps=5000,
    batch_size=64,
    learning_rate=4e-3,
    schedule="cosine",
    clip_norm=1.0,
    eval_every=500,
)
flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "caption"],
    "train: makes a model. caption: the one in --workdir says what is in --image.",
)
flags.DEFINE_enum(
    "attention",
    "additive",
    ["none", "additive", "multiplicative"],
    "How the decoder attends to the grid: as in Bahdanau et al. (2015), or in Luong et "
    "al. (2015); none gives it the grid's mean.",
)
flags.DEFINE_integer(
    "channels", 24, "Of the first convolution; twice as many after.", 1
)
flags.DEFINE_integer("embedding", 64, "Width of a word's vector.", 1)
flags.DEFINE_integer("vocabulary", 8000, "How many words are known.", 1)
flags.DEFINE_integer(
    "side", 0, "Pixels to which images are scaled; 0: the size of the first.", 0
)
flags.DEFINE_float("dropout", 0.0, "Share of vectors dropped in training.", 0.0, 0.99)
flags.DEFINE_integer("beam", 4, "Hypotheses of the beam search.", 1, 1000)
flags.DEFINE_string("image", None, "An image file, for --mode=caption.")


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, rivals, figures, result."""
    library("sacrebleu")
    source = TABLE.load(options.dataset, options.data)
    splits = divide(source.examples, split_seed(options), source.name)
    writer = make_predictor(splits.train, options)
    pairs = [writer.encode([(i.pixels, i.caption) for i in part]) for part in splits]
    variables = predict.init(writer, jax.random.key(options.seed))
    facts = "{:,} images to learn from, {:,} to choose by, {:,} held out; {:,} words"
    facts = facts.format(*map(len, splits), len(writer.words.tokens))
    run = Run.begin("image_caption", options, source, variables, facts)
    valid = Batches(pairs[1], min(64, len(pairs[1])))
    result = run.fit(
        writer.model,
        variables,
        run.batches(pairs[0]),
        loss_of(writer.model, 0.0),
        lambda v: {"valid": nats_per_token(writer.model, v, valid)},
        unit="nats per token",
    )
    writer = replace(writer, variables=result.params)
    run.save(writer)
    images = [image.pixels for image in splits.test]
    size = writer.height, writer.width
    told = {
        "model": writer.caption(images, beam=options.beam),
        **rivals(splits.train, splits.test, size),
    }
    draw(run, result, writer, splits.test, told["model"])
    known = {image.caption for image in splits.train}
    return report(run, result, splits.test, told, known)


def caption(options: Any) -> None:
    """Prints what is in --image."""
    if not options.image:
        raise UsageError("--image: name an image file")
    writer = load_model(options.workdir, predict.CaptionPredictor)
    print(writer.caption(options.image, beam=options.beam))


if __name__ == "__main__":
    cli.run(train, caption=caption, uses={"caption": "image beam"})
