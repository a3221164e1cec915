"""Learns chorales frame by frame: which keys are down next? Polyphony, many to many.

A piece is a piano roll, and the model reads frame t and predicts each of the 88 keys in
frame t + 1. The score is −log P of a frame, summed over the keys, in the mean over
frames 2, …, T of all held-out pieces: the first frame of a piece is only read, and a
long piece weighs more than a short one.

    python -m experiments.music
    python -m experiments.music --data=JSB_Chorales.mat \
        --flagfile=experiments/music/presets/jsb_lstm.txt
    python -m experiments.music --mode=sample --workdir=runs/chorales --begin="A2 E3 C4"

writes into the run's folder figures/roll.png (a held-out piece beside what was expected
of it), sample.mid and figures/sample.png (another one that the model goes on with),
figures/loss.png beside the baselines, metrics.jsonl, checkpoints/, flags.txt,
result.json, and the model, which --mode=sample and seqjax.load ask.
"""

import pathlib
from dataclasses import replace
from typing import Any

import jax
from absl import flags

from experiments.music import baselines, report
from experiments.music.data import TABLE, splits_of, table
from experiments.music.model import loss_of, make_predictor
from experiments.music.opening import opening
from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.layers import layer_of
from experiments.shared.run import Run, load_model, split_seed
from seqjax import predict
from seqjax.data import Splits
from seqjax.extras import library

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
    cell="lstm",
    features=224,
    steps=1500,
    batch_size=16,
    learning_rate=8e-3,
    schedule="cosine",
    clip_norm=1.0,
    average=0.99,
    eval_every=50,
)
flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "sample"],
    "train: makes a model. sample: the one in --workdir goes on from --begin, and "
    "writes sample.mid and figures/sample.png.",
)
flags.DEFINE_integer(
    "frames", 1, "Frames in a quarter note, for files of notes and for MIDI.", 1, 24
)
flags.DEFINE_float(
    "dropout", 0.5, "Share of states hidden from the readout in training.", 0.0, 0.99
)
flags.DEFINE_float(
    "input_dropout", 0.2, "Share of keys hidden from the layer in training.", 0.0, 0.99
)
flags.DEFINE_float(
    "weight_dropout", 0.5, "Share of recurrent weights left out in training.", 0.0, 0.99
)
flags.DEFINE_integer(
    "transpose",
    5,
    "Move each piece up or down in training by at most so many semitones, drawn anew "
    "for each batch; 0 for pieces that are all in one key.",
    0,
    24,
)
flags.DEFINE_string(
    "begin",
    "C3 G3 E4 C5",
    "What --mode=sample goes on from: the keys of a first frame, 60 being C4, or a "
    "MusicXML or MIDI file.",
)
flags.DEFINE_integer("length", 64, "Frames to draw.", 1, 10_000)
flags.DEFINE_float(
    "temperature",
    1.0,
    "Divides the logits when keys are drawn: below 1 plays safe, above 1 dares; 0 "
    "presses the keys that are likelier down than up.",
    0.0,
)


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, baselines, a new piece, figures, result."""
    layer = layer_of(options, causal=True)
    library("mido", "sound")  # which the new piece is written by, in the end
    source = table(options.frames).load(options.dataset, options.data)
    splits = splits_of(source, split_seed(options))
    player = make_predictor(layer, options)
    variables = predict.init(player, jax.random.key(options.seed))
    run = Run.begin("music", options, source, variables, facts(splits))
    rolls = Splits(*([piece.roll for piece in part] for part in splits))
    valid, test = (player.batches(part) for part in rolls[1:])

    def nats(variables, batches):
        return float(replace(player, variables=variables).nats(batches).result())

    result = run.fit(
        player.model,
        variables,
        run.batches(list(map(predict.NextFrame.of, rolls.train))),
        loss_of(player.model, options.transpose),
        lambda variables: {"valid": nats(variables, valid)},
        unit="nats per frame",
    )
    player = replace(player, variables=result.params)
    run.save(player)
    others = baselines.scores(splits)
    report.draw_learning(run, result, others)
    report.draw_prediction(run, player, splits.test)
    report.write_sample(run, player, report.first_frames(splits.test), options)
    scores = {"score": nats(result.params, test), "valid": result.scores["valid"]}
    return report.finish(run, result, scores, others)


def facts(splits: Splits) -> str:
    """How much there is to learn from, to choose by and to score on."""
    pieces = [f"{len(part):,}" for part in splits]
    frames = sum(len(piece.roll) for piece in splits.train)
    return (
        f"{pieces[0]} pieces to learn from ({frames:,} frames), {pieces[1]} to choose "
        f"by, {pieces[2]} held out"
    )


def sample(options: Any) -> None:
    """The model in --workdir goes on from --begin; prints what was written."""
    player = load_model(options.workdir, predict.RollPredictor)
    roll = opening(options.begin, player.frames)
    run = Run("music", options, pathlib.Path(options.workdir))
    (run.folder / "figures").mkdir(exist_ok=True)
    for path in report.write_sample(run, player, roll, options):
        print(path)


if __name__ == "__main__":
    cli.run(train, sample=sample, uses={"sample": "begin length temperature seed"})
