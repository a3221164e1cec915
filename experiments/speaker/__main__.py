"""Whose voice is it, a woman's or a man's? Many to one, on sound.

    python -m experiments.speaker
    python -m experiments.speaker --target=speaker
    python -m experiments.speaker --dataset=synthetic --workdir=runs/gender
    python -m experiments.speaker --mode=classify --workdir=runs/gender --wav=anna.wav

A layer reads features of a sound in both directions, and what it makes of them is
pooled over time. With --target=gender speakers of the test are never heard in training,
where it is known who speaks; with --target=speaker the test has other sounds of the
same speakers. Beside it stand the most frequent label and scikit-learn's logistic
regression on the mean of a sound's features.

Writes predictions.tsv (name, speaker, label, taken for, P of that), figures/loss.png,
figures/confusion.png, figures/pitch.png (pitch against decision, for --target=gender
where there are waveforms), result.json, and the model that --mode=classify and
seqjax.load ask.
"""

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
    scorer,
    share_right,
    with_noise,
)
from experiments.shared.errors import UsageError
from experiments.shared.run import Run, load_model, split_seed
from experiments.speaker.data import DEFAULTS, TABLE
from experiments.speaker.division import answered, divide
from experiments.speaker.model import labels_of, make_predictor, prepare
from experiments.speaker.report import (
    draw_decisions,
    draw_learning,
    predictions,
    report,
)
from seqjax import predict
from seqjax.audio import read_wav
from seqjax.baselines import logistic_regression
from seqjax.data import DataError
from seqjax.extras import library

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
    buckets=1,
    features=32,
    bidirectional=True,
    steps=400,
    batch_size=32,
    learning_rate=3e-3,
    schedule="cosine",
    clip_norm=5.0,
    eval_every=40,
)
flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "classify"],
    "train: makes a model. classify: the one in --workdir tells whose voice --wav has.",
)
flags.DEFINE_enum(
    "target",
    "gender",
    ["gender", "speaker"],
    "What is told of a voice: a woman's or a man's, or which speaker's.",
)
flags.DEFINE_enum(
    "pooling",
    "mean",
    ["last", "mean", "max", "attention"],
    "What is made of the layer's outputs over time.",
)
flags.DEFINE_integer("bands", 40, "Mel bands of waveforms.", 8)
flags.DEFINE_integer("deltas", 0, "Times that slopes over time are added.", 0, 2)
flags.DEFINE_integer("stack", 1, "Frames that become one step.", 1)
flags.DEFINE_float("dropout", 0.3, "Share of inputs and outputs dropped.", 0.0, 0.99)
flags.DEFINE_float("noise", 0.6, "Noise in training, in deviations of a feature.", 0.0)
flags.DEFINE_string("wav", None, "A WAV file, for --mode=classify.")


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, baselines, figures, result."""
    library("sklearn", "sound")
    dataset = options.dataset or DEFAULTS[options.target]
    source = TABLE.load(dataset, options.data)
    clips = answered(source.examples.clips, options.target, source.name)
    splits, said = divide(clips, options.target, split_seed(options), source.name)
    teller = make_predictor(source.examples, splits.train, options)
    teller, inputs = prepare(teller, splits)
    labels = [labels_of(teller, part) for part in splits]
    variables = predict.init(teller, jax.random.key(options.seed))
    facts = "{:,} sounds to learn from, {:,} to choose by, {:,} held out: {}"
    facts = facts.format(*map(len, splits), said)
    run = Run.begin("speaker", options, source, variables, facts)
    valid, test = (teller.batches(x, buckets=options.buckets) for x in inputs[1:])
    result = run.fit(
        teller.model,
        variables,
        run.batches(list(map(Example, inputs[0], labels[0]))),
        loss_of(teller.model, with_noise(options.noise)),
        scorer(teller, valid, labels[1]),
        unit="nats per sound",
        loss_per="sequence",
    )
    teller = replace(teller, variables=result.params)
    run.save(teller)
    most, regressed = majority(labels[0]), regression(inputs, labels)
    shares = {"model": teller.probabilities(test), "regression": regressed[1]}
    of_test = shares["model"], labels[2], splits.test
    wrong = {"regression": 1 - share_right(regressed[0], labels[1])}
    wrong["majority"] = float(np.mean(labels[1] != most))
    draw_learning(run, result, wrong)
    draw_decisions(run, teller.classes, *of_test, source.examples.rate)
    run.write("predictions.tsv", predictions(splits.test, teller.classes, of_test[0]))
    return report(run, result, labels[2], shares, most, splits.test)


def regression(inputs: Any, labels: list[np.ndarray]) -> list[np.ndarray]:
    """P of the validation and test part, by logistic regression on mean features."""
    means = [np.array([x.mean(axis=0) for x in part]) for part in inputs]
    return logistic_regression(means, labels, extra="sound")


def classify(options: Any) -> None:
    """Prints whose voice --wav has, and P of each class, the likeliest first."""
    if not options.wav:
        raise UsageError("--wav: name a WAV file")
    teller = load_model(options.workdir, predict.SoundClassPredictor)
    try:
        sound = read_wav(options.wav, teller.front.extract.rate)
        (shares,) = teller.probabilities(teller.batches([teller.inputs(sound)]))
    except DataError:
        raise
    except ValueError as error:
        raise UsageError(f"--wav={options.wav}: {error}") from None
    for note in sound.notes:
        print(note)
    print(teller.classes[shares.argmax()])
    for place in np.argsort(-shares):
        print(f"{shares[place]:8.4f}  {teller.classes[place]}")


if __name__ == "__main__":
    cli.run(train, classify=classify, uses={"classify": "wav"})
