"""Sentences of one language in another: many to many, of unequal lengths.

    python -m experiments.translation --workdir=runs/french
    python -m experiments.translation --mode=translate --workdir=runs/french \\
        --text="Voulez-vous chanter avec moi ?"
    python -m experiments.translation --reverse
    python -m experiments.translation \\
        --flagfile=experiments/translation/presets/interface.txt

An encoder reads the source in both directions; a decoder writes the target, attending
to the encoder's states (--attention=additive or multiplicative) or given one context
vector (none). Scored by sacrebleu's BLEU, greedy and by beam search, beside copying the
source and translating word for word. --data takes two columns by tab, or two files with
a sentence a line, as --data=FILE,FILE; --reverse translates from the second to the
first. Writes figures/loss.png, figures/attention.png, translations.tsv (source, target,
what the beam wrote), result.json, and the model that --mode=translate and seqjax.load
ask.
"""

import functools
from dataclasses import replace
from typing import Any

import jax
from absl import flags

from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.errors import UsageError
from experiments.shared.layers import layer_of
from experiments.shared.run import Run, load_model
from experiments.translation.data import SING, TABLE, Pair
from experiments.translation.model import (
    baselines,
    loss_of,
    make_predictor,
    nats_per_token,
)
from experiments.translation.report import draw_figures, report
from seqjax import predict
from seqjax.data import Batches, DataError, Splits
from seqjax.extras import library

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
    features=128,
    bidirectional=True,
    steps=1500,
    batch_size=64,
    buckets=6,
    learning_rate=4e-3,
    schedule="cosine",
    clip_norm=1.0,
    eval_every=250,
)
flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "translate"],
    "train: makes a model. translate: the one in --workdir translates --text.",
)
flags.DEFINE_bool("reverse", False, "From the second language to the first.")
flags.DEFINE_enum(
    "attention",
    "additive",
    ["none", "additive", "multiplicative"],
    "How the decoder attends to the source: as in Cho et al. (2014), Bahdanau et al. "
    "(2015), or Luong et al. (2015).",
)
flags.DEFINE_enum(
    "pieces",
    "words",
    ["words", "chars", "bpe"],
    "What a token is: a word, a character, or a byte pair.",
)
flags.DEFINE_integer(
    "vocabulary", 8000, "How many tokens of each language are known.", 1
)
flags.DEFINE_integer("embedding", 128, "Width of a token's vector.", 1)
flags.DEFINE_float(
    "dropout", 0.2, "Share of embeddings and states dropped in training.", 0.0, 0.99
)
flags.DEFINE_float(
    "sampled",
    0.0,
    "Share of the tokens fed back in training that the model draws: scheduled "
    "sampling.",
    0.0,
    1.0,
)
flags.DEFINE_integer("beam", 4, "Hypotheses of the beam search.", 1, 1000)
flags.DEFINE_float(
    "length_penalty", 0.6, "The beam search's α; 0 favours short sentences.", 0.0
)
flags.DEFINE_enum(
    "unknown",
    "copy",
    ["copy", "mask"],
    "copy: an unknown word becomes the source word with the most attention; mask: none "
    "is ever written. Without attention there is only the second.",
)
flags.DEFINE_integer(
    "longest",
    60,
    "Tokens of a sentence; longer ones are not learned from.",
    2,
)
flags.DEFINE_string("text", "", "A sentence, for --mode=translate.")


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, baselines, BLEU, figures, result."""
    encoder, _ = layer_of(options), library("sacrebleu")
    source = TABLE.load(options.dataset, options.data)
    splits = read_splits(source.examples, options.reverse)
    translator = make_predictor(encoder, splits.train, options)
    pairs = translator.encode(splits.train)
    short = [pair for pair in pairs if max(map(len, pair)) <= options.longest]
    if not short:
        raise DataError(f"{source.name}: no pair to learn from has --longest tokens")
    key = jax.random.key(options.seed)
    variables = predict.init(translator, key)
    facts = describe(len(short), splits, translator)
    run = Run.begin("translation", options, source, variables, facts)
    valid = Batches(translator.encode(splits.valid), 64, buckets=options.buckets)
    result = run.fit(
        translator.model,
        variables,
        run.batches(short),
        loss_of(translator.model, options.sampled),
        lambda v: {"valid": nats_per_token(translator.model, v, valid)},
        unit="nats per token",
    )
    translator = replace(translator, variables=result.params)
    run.save(translator)
    sources, targets = map(list, zip(*splits.test, strict=True))
    translate = functools.partial(translator.translate, **decoding(options))
    translations = {
        "beam": translate(sources),
        "greedy": translate(sources, beam=1),
        **baselines(splits.train, sources),
    }
    draw_figures(run, result, translator, translate, splits.test)
    is_french = source.name in ("synthetic", "interface-fr") and not options.reverse
    shown = [SING.source, *sources[:2]] if is_french else sources[:3]
    examples = zip(shown, translate(shown), strict=True)
    return report(run, result, sources, targets, translations, list(examples))


def read_splits(splits: Splits, reverse: bool) -> Splits:
    """The pairs, the other way round if `reverse`."""
    if not reverse:
        return splits
    return Splits(*([Pair(*pair[::-1]) for pair in part] for part in splits))


def describe(
    count: int, splits: Splits, translator: predict.TranslationPredictor
) -> str:
    """How much there is to learn from, to choose by and to score on."""
    sizes = [len(t.tokens) for t in (translator.source, translator.target)]
    return (
        f"{count:,} pairs to learn from, {len(splits.valid):,} to choose by, "
        f"{len(splits.test):,} held out; {sizes[0]:,} and {sizes[1]:,} different tokens"
    )


def decoding(options: Any) -> dict[str, Any]:
    """How the flags ask to decode."""
    return {
        "beam": options.beam,
        "length_penalty": options.length_penalty,
        "copy_unknown": options.unknown == "copy",
        "buckets": options.buckets,
    }


def ask(options: Any) -> None:
    """Prints the translation of --text."""
    if not options.text.strip():
        raise UsageError("--text: needs a sentence to translate")
    translator = load_model(options.workdir, predict.TranslationPredictor)
    print(translator.translate(options.text, **decoding(options)))


if __name__ == "__main__":
    cli.run(
        train,
        translate=ask,
        uses={"translate": "text beam length_penalty unknown"},
    )
