"""What was said: a waveform becomes text, many to many and of unequal lengths.

    python -m experiments.speech_recognition
    python -m experiments.speech_recognition --dataset=espeak --workdir=runs/speech
    python -m experiments.speech_recognition --mode=transcribe --workdir=runs/speech \\
        --wav=salad.wav --language=runs/lm --weight=0.5

A layer in both directions reads features of sound, and CTC aligns its letters with
them, or a decoder attends to it (--method=attention). With --streaming the layer reads
forward only, and --mode=transcribe prints the text while the file is read. --data takes
a folder of WAV files. Speakers of the test are never heard in training.

Writes transcripts.tsv (name, said, heard), nbest.tsv (hypotheses with acoustic scores,
for experiments.rescoring), texts.txt (what people say, for a language model),
figures/loss.png, figures/posterior.png (figures/attention.png of a decoder that
attends), result.json, and the model that seqjax.load asks.
"""

from dataclasses import replace
from typing import Any

import jax
import numpy as np
from absl import flags

from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.errors import UsageError
from experiments.shared.run import Run, load_model, split_seed
from experiments.speech_recognition.data import TABLE, read_splits
from experiments.speech_recognition.model import (
    front_end,
    loss_of,
    make_predictor,
    prepare,
    too_short,
)
from experiments.speech_recognition.report import (
    draw_figures,
    most_frequent_word,
    report,
    said_of,
)
from seqjax import predict
from seqjax.audio import read_wav
from seqjax.data import DataError, Splits
from seqjax.metrics import word_error_rate

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
    buckets=6,
    features=64,
    bidirectional=True,
    steps=600,
    batch_size=32,
    learning_rate=4e-3,
    schedule="cosine",
    clip_norm=5.0,
    eval_every=100,
)
flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "transcribe"],
    "train: makes a model. transcribe: the one in --workdir writes down --wav.",
)
flags.DEFINE_enum(
    "method",
    "ctc",
    ["ctc", "attention"],
    "ctc: each step says a letter or nothing. attention: a decoder writes letters.",
)
flags.DEFINE_bool(
    "streaming",
    False,
    "Look at nothing that comes later, so that text can be written while the sound "
    "comes in; needs --nobidirectional and --deltas=0. With --mode=transcribe: print "
    "the text after each half second.",
)
flags.DEFINE_integer("bands", 40, "Mel bands of sounds.", 8)
flags.DEFINE_integer("cepstra", 0, "Cepstral coefficients of sounds; 0: the bands.", 0)
flags.DEFINE_integer("deltas", 2, "Times that slopes over time are added.", 0, 2)
flags.DEFINE_integer("stack", 1, "Frames that become one step.", 1)
flags.DEFINE_float("dropout", 0.3, "Share of inputs and outputs dropped.", 0.0, 0.99)
flags.DEFINE_float(
    "warp", 0.0, "Vocal tracts of training are changed by up to this.", 0.0, 0.5
)
flags.DEFINE_float("stretch", 0.2, "And their pace by up to this.", 0.0, 0.9)
flags.DEFINE_float("noise", 0.2, "Noise in training, in deviations of a feature.", 0.0)
flags.DEFINE_integer("strings", 6000, "Strings to learn from, of --dataset=digits.", 1)
flags.DEFINE_integer("longest", 7, "Words of a string.", 1)
flags.DEFINE_bool(
    "closed", True, "Write no other words, where a data set has but a few (digits)."
)
flags.DEFINE_integer("beam", 16, "Hypotheses of the prefix beam search.", 1, 1000)
flags.DEFINE_string("language", None, "The folder of a language model of characters.")
flags.DEFINE_float("weight", 0.5, "Of the language model's log P.", 0.0)
flags.DEFINE_float("bonus", 0.0, "Added for each letter.")
flags.DEFINE_string("wav", None, "A WAV file, for --mode=transcribe.")


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, baseline, texts, figures, result."""
    source = TABLE.load(options.dataset, options.data)
    recordings = source.examples
    splits = read_splits(
        recordings, split_seed(options), options.strings, options.longest
    )
    texts = [[u.text for u in part] for part in splits]
    front = front_end(recordings, options)
    speech = make_predictor(front, texts[0], recordings.words, options)
    speech, inputs = prepare(speech, recordings, splits, options)
    examples = speech.encode(inputs[0], texts[0])
    short = set(too_short(speech, examples))
    if len(short) == len(examples):
        raise DataError(f"{source.name}: every sound is too short for its text")
    variables = predict.init(speech, jax.random.key(options.seed))
    run = Run.begin("speech_recognition", options, source, variables, facts(splits))
    run.say(*said_of(short, splits.train))
    how = decoding(options)
    valid, test = (speech.batches(part, 64) for part in inputs[1:])

    def evaluate(variables):
        heard = replace(speech, variables=variables).texts(valid, **how)
        return {"valid": float(word_error_rate(heard, texts[1]).result())}

    result = run.fit(
        speech.model,
        variables,
        run.batches([e for i, e in enumerate(examples) if i not in short]),
        loss_of(speech),
        evaluate,
        unit="nats per step",
    )
    speech = replace(speech, variables=result.params)
    run.save(speech)
    draw_figures(run, result, speech, inputs[2], splits.test)
    sayings = recordings.sayings or texts[0]
    run.write("texts.txt", "".join(f"{text}\n" for text in sayings))
    found = speech.n_best(test, **how)
    baseline = most_frequent_word(splits.train, splits.test)
    return report(run, result, splits.test, found, baseline, len(short))


def facts(splits: Splits) -> str:
    """How much there is to learn from, to choose by and to score on."""
    speakers = [len({u.speaker for u in part}) for part in splits]
    return (
        f"{len(splits.train):,} utterances of {speakers[0]} speakers to learn from, "
        f"{len(splits.valid):,} of {speakers[1]} to choose by, {len(splits.test):,} of "
        f"{speakers[2]} held out"
    )


def decoding(options: Any) -> dict[str, Any]:
    """How the flags ask to decode."""
    if not options.language:
        return {"beam": options.beam}
    language = predict.load(options.language, predict.LanguagePredictor)
    helped = {"weight": options.weight, "bonus": options.bonus}
    return {"beam": options.beam, "language": language, **helped}


def transcribe(options: Any) -> None:
    """Prints what is said in --wav; with a model that streams, as it goes on."""
    if not options.wav:
        raise UsageError("--wav: name a WAV file")
    speech = load_model(options.workdir, predict.SpeechPredictor)
    sound = read_wav(options.wav, speech.front.extract.rate)
    for note in sound.notes:
        print(note)
    if not options.streaming:
        print(speech.transcribe(sound, **decoding(options)))
        return
    if not speech.streams:
        raise UsageError("--streaming: this model needs the whole sound")
    pieces = np.split(
        sound.samples, range(sound.rate // 2, len(sound.samples), sound.rate // 2)
    )
    for text in speech.follow(pieces):
        print(text, flush=True)


if __name__ == "__main__":
    used = "wav beam language weight bonus streaming"
    cli.run(train, transcribe=transcribe, uses={"transcribe": used})
