"""Learns to play solos over chords, and plays new ones: music that is heard.

The course's assignment 3, "improvise a jazz solo". A solo is a sequence of events, each
a note or a rest with its duration; the model begins with the genre, reads each event
beside the chord of the next one's moment, and predicts that event. New solos are drawn
from it event by event until the form is full.

    python -m experiments.jazz
    python -m experiments.jazz --mode=sample --workdir=runs/jazz --genre=blues
    python -m experiments.jazz --mode=sample --workdir=runs/jazz --temperature=0.8 \\
        --top_p=0.95 --progression="Dm7 | G7 | Cmaj7 | Cmaj7" --begin="D4:1/2 F4:1/2"
    python -m experiments.jazz --mode=steps --workdir=runs/jazz

writes into the run's folder: solo.mid, solo.wav, figures/solo.png (the piano roll of a
new solo, in which tones of the chords stand out), steps.txt (the same solo as the
course draws it: x⟨t⟩, p⟨t⟩, the draw, x⟨t+1⟩), figures/loss.png beside the n-gram
baselines, metrics.jsonl, checkpoints/, flags.txt, result.json, and the model, which the
other modes and seqjax.load ask.
"""

from dataclasses import replace
from typing import Any

import jax
from absl import flags

from experiments.jazz.ask import asked, sample, steps
from experiments.jazz.course import step_by_step
from experiments.jazz.data import TABLE, best_nats, split_solos
from experiments.jazz.model import known_solos, loss_of, make_predictor, ngram_nats
from experiments.jazz.perform import perform
from experiments.jazz.tones import strong_chord_tones
from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.layers import layer_of
from experiments.shared.run import Run, split_seed
from seqjax import figures, predict
from seqjax.data import Batches, Splits
from seqjax.extras import library
from seqjax.train import TrainResult

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
    cell="lstm",
    features=192,
    steps=1400,
    batch_size=32,
    learning_rate=5e-3,
    schedule="cosine",
    clip_norm=1.0,
)
flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "sample", "steps"],
    "train: makes a model. sample: the one in --workdir plays --samples solos, into "
    "MIDI and WAV files. steps: it shows how it draws one.",
)
flags.DEFINE_integer("embedding", 64, "Width of an event's vector.", 1)
flags.DEFINE_float(
    "dropout", 0.3, "Share of states hidden from the readout in training.", 0.0, 0.99
)
flags.DEFINE_string("genre", None, "Of the solos to play; drawn if None.")
flags.DEFINE_string(
    "progression",
    None,
    'Chords to play over, as in "Dm7 G7 | Cmaj7"; one of the genre\'s if None.',
)
flags.DEFINE_string(
    "begin",
    "",
    'The first events of each solo, as in "D4:1/2 r:1": pitches, r for a rest, and '
    "beats.",
)
flags.DEFINE_float(
    "temperature",
    1.0,
    "Divides the logits when events are drawn: below 1 plays safe, above 1 dares; 0 "
    "always takes the likeliest event.",
    0.0,
)
flags.DEFINE_float(
    "top_p",
    1.0,
    "Draws from the likeliest events with this share of the probability.",
    1e-6,
    1.0,
)
flags.DEFINE_integer("samples", 1, "How many solos to play, for --mode=sample.", 1)
flags.DEFINE_float("tempo", 140.0, "Beats a minute of what is heard.", 20.0, 400.0)
flags.DEFINE_float(
    "swing",
    0.64,
    "Where the second eighth of a beat is heard: 0.5 is even; MIDI has them even.",
    0.5,
    0.75,
)


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, baselines, a new solo, figures, result."""
    layer, _ = layer_of(options, causal=True), library("mido", "sound")
    source = TABLE.load(options.dataset, options.data)
    splits = split_solos(source, split_seed(options))
    jazz = make_predictor(layer, splits, options)
    variables = predict.init(jazz, jax.random.key(options.seed))
    how = asked(options, jazz)
    run = Run.begin("jazz", options, source, variables, facts(splits, jazz))
    valid, test = (
        jazz.batches(known_solos(part), buckets=options.buckets) for part in splits[1:]
    )
    result = run.fit(
        jazz.model,
        variables,
        run.batches([jazz.encode(known.solo) for known in splits.train]),
        loss_of(jazz.model),
        lambda variables: {"valid": nats(replace(jazz, variables=variables), valid)},
        unit="nats per event",
    )
    jazz = replace(jazz, variables=result.params)
    run.save(jazz)
    solo, *_ = jazz.sample(**{**how, "count": 1})
    perform(run.folder, "solo", solo, options.tempo, options.swing)
    run.write("steps.txt", step_by_step(jazz, solo) + "\n")
    scores = {"score": nats(jazz, test), "valid": nats(jazz, valid)}
    return report(run, result, jazz, splits, scores)


def report(
    run: Run,
    result: TrainResult,
    jazz: predict.SoloPredictor,
    splits: Splits,
    scores: dict[str, float],
) -> dict[str, Any]:
    """Draws the learning curves beside the n-grams, and writes the result."""
    baselines, best = ngram_nats(jazz.codec, splits), best_nats(splits.test)
    lines = {"training, with dropout": "loss", "validation": "valid"}
    known = {"the process": best_nats(splits.valid)} if best else {}
    ngrams = {k: v for k, v in baselines.valid.items() if k != "unigram"}
    beside: Any = {**ngrams, **known}
    run.learning_curves(result, figures.Panel("−log P (nats per event)", lines, beside))
    ngram, *_ = baselines.valid
    others = {**baselines.test, **({"process that drew them": best} if best else {})}
    against = ", ".join(f"{value:.4f} by the {name}" for name, value in others.items())
    run.say(f"held-out solos: {scores['score']:.4f} nats per event, against {against}")
    return run.finish(
        result,
        metric="nats per event of held-out solos",
        lower_is_better=True,
        **scores,
        baseline=baselines.test[ngram],
        baseline_name=f"best interpolated {ngram}",
        baselines=baselines.test,
        best_possible=best,
        strong_chord_tones={
            "drawn": strong_chord_tones(in_every_genre(jazz, run.options.seed)),
            "held out": strong_chord_tones(known_solos(splits.test)),
        },
    )


def facts(splits: Splits, jazz: predict.SoloPredictor) -> str:
    """How much there is to learn from, to choose by and to score on."""
    events = sum(len(known.solo.events) for known in splits.train)
    return (
        f"{len(splits.train)} solos to learn from ({events:,} events, "
        f"{jazz.codec.end} different), {len(splits.valid)} to choose by, "
        f"{len(splits.test)} held out; genres: {', '.join(jazz.genres)}"
    )


def nats(jazz: predict.SoloPredictor, batches: Batches) -> float:
    """The negative log-likelihood per event."""
    return float(jazz.nats(batches).result())


def in_every_genre(jazz: predict.SoloPredictor, seed: int) -> list[predict.Solo]:
    """Twenty solos of each genre."""
    each = (jazz.sample(genre, count=20, seed=seed) for genre in jazz.genres)
    return [solo for solos in each for solo in solos]


DRAWING = "genre progression begin temperature top_p seed"

if __name__ == "__main__":
    cli.run(
        train,
        sample=sample,
        steps=steps,
        uses={"sample": f"{DRAWING} samples tempo swing", "steps": DRAWING},
    )
