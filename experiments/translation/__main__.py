"""Sentences of one language in another: many to many, of unequal lengths.

    python -m experiments.translation --workdir=runs/french
    python -m experiments.translation --mode=translate --workdir=runs/french \\
        --text="Voulez-vous chanter avec moi ?"
    python -m experiments.translation --reverse
    python -m experiments.translation \\
        --flagfile=experiments/presets/translation/interface.txt

An encoder reads the source in both directions; a decoder writes the target, looking at
the encoder's states (--attention=additive or multiplicative) or at one context vector
(none). Scored by sacrebleu's BLEU, greedy and by beam search, beside copying the source
and translating word for word. --data takes two columns by tab, or two files with a
sentence a line, as --data=FILE,FILE; --reverse translates from the second to the first.
Writes figures/loss.png, figures/alignment.png, translations.tsv (source, target, what
the beam wrote), result.json, and the model that --mode=translate asks.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from experiments import common, saved
from experiments.pieces import Language
from experiments.translation.data import Pair
from experiments.translation.french import SING
from experiments.translator import Settings, Tokens, Translator, encoded
from seqjax.baselines import word_for_word
from seqjax.data import Batches, DataError, load
from seqjax.data.tokenize import split_words
from seqjax.decode import Beam, Sampling
from seqjax.figures import alignments, learning_curve
from seqjax.metrics import Mean
from seqjax.models import EncoderDecoder
from seqjax.train import Task

flags.adopt_module_key_flags(common)
common.describe_data(
    "translation", "Two columns by tab, or two files of lines as FILE,FILE."
)
common.set_defaults(
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
MODE = flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "translate"],
    "train: makes a model. translate: the one in --workdir translates --text.",
)
REVERSE = flags.DEFINE_bool("reverse", False, "From the second language to the first.")
ATTENTION = flags.DEFINE_enum(
    "attention",
    "additive",
    ["none", "additive", "multiplicative"],
    "How the decoder looks at the source: as in Cho et al. (2014), Bahdanau et al. "
    "(2015), or Luong et al. (2015).",
)
PIECES = flags.DEFINE_enum(
    "pieces",
    "words",
    ["words", "chars", "bpe"],
    "What a token is: a word, a character, or a byte pair.",
)
VOCABULARY = flags.DEFINE_integer(
    "vocabulary", 8000, "How many tokens of each language are known.", 1
)
EMBEDDING = flags.DEFINE_integer("embedding", 128, "Width of a token's vector.", 1)
DROPOUT = flags.DEFINE_float(
    "dropout", 0.2, "Share of embeddings and states dropped in training.", 0.0, 0.99
)
SAMPLED = flags.DEFINE_float(
    "sampled",
    0.0,
    "Share of the tokens fed back in training that the model draws: scheduled "
    "sampling.",
    0.0,
    1.0,
)
BEAM = flags.DEFINE_integer("beam", 4, "Hypotheses of the beam search.", 1)
LENGTH_PENALTY = flags.DEFINE_float(
    "length_penalty", 0.6, "The beam search's α; 0 favours short sentences.", 0.0
)
UNKNOWN = flags.DEFINE_enum(
    "unknown",
    "copy",
    ["copy", "mask"],
    "copy: an unknown word becomes the source word most looked at; mask: none is ever "
    "written. Without attention there is only the second.",
)
LONGEST = flags.DEFINE_integer(
    "longest",
    60,
    "Tokens of a sentence; longer ones are not learned from.",
    2,
)
TEXT = flags.DEFINE_string("text", "", "A sentence, for --mode=translate.")
FLAGS = flags.FLAGS


def make_settings(pairs: Sequence[Pair]) -> Settings:
    """As the flags say, with the tokens of the training sentences."""
    sources, targets = zip(*pairs, strict=True)
    kind, size = PIECES.value, VOCABULARY.value
    return Settings(
        FLAGS.cell,
        FLAGS.features,
        FLAGS.layers,
        FLAGS.bidirectional,
        EMBEDDING.value,
        ATTENTION.value,
        LONGEST.value,
        Language.build(sources, kind, size),
        Language.build(targets, kind, size),
    )


@functools.partial(jax.jit, static_argnums=0)
def _nats(model: EncoderDecoder, variables: Any, batch) -> Mean:
    nats = model.apply(variables, *sides(batch), method="loss").total
    return Mean(nats, jnp.sum(batch.lengths.target))


def make_translator(settings: Settings, variables: Any) -> Translator:
    """As the flags say."""
    copies = UNKNOWN.value == "copy"
    return Translator(settings, variables, copies, FLAGS.buckets)


def sides(batch) -> tuple[Any, ...]:
    """A batch as a model's arguments."""
    values, lengths = batch
    return values.source, lengths.source, values.target, lengths.target


def make_task(
    settings: Settings, variables: Any, train: list[Tokens], valid: list[Tokens]
) -> Task:
    """−log P of a target's token: in the mean, as lengths differ thirtyfold."""
    model = settings.model(dropout=DROPOUT.value, gradient=FLAGS.gradient)
    size, buckets = FLAGS.batch_size, FLAGS.buckets
    asked = Batches(valid, 64, buckets=buckets)

    def loss(variables, batch, key, carried):
        nats = model.apply(
            variables,
            *sides(batch),
            train=True,
            sampled=SAMPLED.value,
            rngs={"dropout": key},
            method="loss",
        )
        tokens = jnp.sum(batch.lengths.target)
        return Mean(nats.total, tokens.astype(float)), tokens, carried

    def evaluate(variables):
        nats = asked.mean(functools.partial(_nats, model, variables))
        return {"valid": float(nats.result())}

    marks = model.trainable(variables)
    data = Batches(train, size, FLAGS.seed, buckets)
    return Task(loss, evaluate, data, common.optimizer_from_flags(marks), marks)


def baselines(train: list[Pair], sources: Sequence[str]) -> dict[str, list[str]]:
    """What copying, and the word most often aligned with each word, make of sources."""
    columns = zip(*train, strict=True)
    table = word_for_word(*([split_words(text) for text in side] for side in columns))
    words = Language("words", ())
    told = [words.join(table.translate(split_words(text))) for text in sources]
    return {"copying": list(sources), "word for word": told}


def draw_figures(
    figures, history, translator: Translator, beam: Beam, pairs: list[Pair]
) -> None:
    """Writes the learning curve, and where the decoder looked in some sentences."""
    learning_curve(
        figures / "loss.png",
        history,
        {"valid": f"{FLAGS.cell}, attention: {ATTENTION.value}"},
        {},
        "validation targets: −log P (nats per token)",
    )
    if ATTENTION.value == "none":
        return
    cut = translator.source.cut
    long = [p.source for p in pairs if 5 <= len(cut(p.source)) <= 14][:3]
    texts = long or [pairs[0].source]
    written = [
        translator.target.cut(text) for text in translator.translate(texts, beam)
    ]
    looked = translator.looked(texts, written)
    panels = [
        (
            [*translator.source.shown(cut(text)), "<EOS>"],
            [*translator.target.shown(tokens), "<EOS>"],
            weights,
        )
        for text, tokens, weights in zip(texts, written, looked, strict=True)
    ]
    alignments(figures / "alignment.png", panels)


def read_parts():
    """What --data or --dataset ask for, in the direction that --reverse asks for."""
    source = load("translation", FLAGS.dataset, FLAGS.data)
    parts = source.examples
    if REVERSE.value:
        parts = type(parts)(*([Pair(*pair[::-1]) for pair in part] for part in parts))
    return source, parts


def train() -> None:
    """Data, baselines, model, training, BLEU, figures, result."""
    common.make_layer()
    sacrebleu = common.library("sacrebleu")
    source, parts = read_parts()
    settings = make_settings(parts.train)
    tokens = encoded(settings, parts.train)
    short = [t for t in tokens if max(map(len, t)) <= LONGEST.value]
    if not short:
        raise DataError(f"{source.name}: no pair to learn from has --longest tokens")
    workdir = common.open_workdir("translation", source)
    sizes = [len(language.tokens) for language in settings.languages]
    common.say(
        f"data: {source.name}, {len(short):,} pairs to learn from, "
        f"{len(parts.valid):,} to choose by, {len(parts.test):,} held out; "
        f"{sizes[0]:,} and {sizes[1]:,} different tokens"
    )
    sources, targets = map(list, zip(*parts.test, strict=True))
    rivals = baselines(parts.train, sources)
    key = jax.random.key(FLAGS.seed)
    variables = settings.model().init(key, *settings.example())
    task = make_task(settings, variables, short, encoded(settings, parts.valid))
    fitted = common.fit(task, variables, workdir, key)
    saved.save(workdir, settings, fitted.params)

    translator = make_translator(settings, fitted.params)
    beam = Beam(BEAM.value, LENGTH_PENALTY.value)
    told = {
        "beam": translator.translate(sources, beam),
        "greedy": translator.translate(sources, Sampling(temperature=0)),
        **rivals,
    }
    metric = sacrebleu.BLEU()
    bleu = {k: metric.corpus_score(v, [targets]).score for k, v in told.items()}
    rows = zip(sources, targets, told["beam"], strict=True)
    lines = ("\t".join(row) + "\n" for row in rows)
    common.write_text(workdir / "translations.tsv", "".join(lines))
    draw_figures(workdir / "figures", fitted.history, translator, beam, parts.test)
    exact = np.mean([a == b for a, b in zip(told["beam"], told["greedy"], strict=True)])
    is_french = source.name in ("synthetic", "interface-fr") and not REVERSE.value
    shown = [SING.source, *sources[:2]] if is_french else sources[:3]
    pairs = zip(shown, translator.translate(shown, beam), strict=True)
    scores = ", ".join(f"{value:.2f} by {name}" for name, value in bleu.items())
    common.say(
        f"held-out sentences, BLEU: {scores}",
        str(metric.get_signature()),
        *(f"{source} → {target}" for source, target in pairs),
        f"the run's folder, with its figures: {workdir}",
    )
    common.finish(
        workdir,
        fitted,
        task="translation",
        data=source.name,
        cell=FLAGS.cell,
        metric="BLEU of held-out sentences, by beam search",
        score=bleu["beam"],
        baseline=bleu["word for word"],
        baseline_name="word for word, by the most frequent alignment",
        copying=bleu["copying"],
        greedy=bleu["greedy"],
        greedy_is_beam=float(exact),
        signature=str(metric.get_signature()),
        attention=ATTENTION.value,
        best_possible=source.best,
        valid=fitted.scores["valid"],
    )


def translate() -> None:
    """Prints the translation of --text."""
    if not TEXT.value.strip():
        raise common.UsageError("--text: needs a sentence to translate")
    settings, variables = saved.load(FLAGS.workdir, Settings)
    translator = make_translator(settings, variables)
    beam = Beam(BEAM.value, LENGTH_PENALTY.value)
    print(translator.translate([TEXT.value], beam)[0])


def main(argv: list[str]) -> None:
    """Does what --mode asks for."""
    del argv
    translate() if MODE.value == "translate" else train()


if __name__ == "__main__":
    common.run(main)
