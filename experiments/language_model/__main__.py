"""Language models of words or characters: trains, scores, ranks, samples.

    python -m experiments.language_model --workdir=runs/bible
    python -m experiments.language_model --workdir=runs/bible --mode=sample
    python -m experiments.language_model --workdir=runs/bible --mode=score \\
        --text="In the beginning God created the heaven and the earth."
    python -m experiments.language_model --level=word --dataset=ptb \\
        --flagfile=experiments/presets/language_model/zaremba_small.txt

The text is read as parallel streams with truncated back-propagation through time and a
state that is carried over, or (--sentences) line by line. Training writes figures/ and
result.json: perplexity per token, bits per character, and the same of a unigram and the
best interpolated Kneser-Ney n-gram on the same split.
"""

import collections
import functools
import math
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags
from jax import lax

from experiments import common, saved, trained
from experiments.trained import Settings
from seqjax.baselines import best_ngram, unigram
from seqjax.data import Batches, Corpus, DataError, Streams, Vocabulary, load
from seqjax.decode import Sampling
from seqjax.figures import gradient_norms, learning_curve
from seqjax.masks import select
from seqjax.metrics import Mean
from seqjax.models import LanguageModel
from seqjax.train import Task

flags.adopt_module_key_flags(common)
common.describe_data("language_model", "A text file of your own, in UTF-8.")
common.set_defaults(
    buckets=8,
    cell="lstm",
    features=256,
    steps=13_000,
    batch_size=32,
    learning_rate=1e-2,
    schedule="cosine",
    clip_norm=1.0,
    eval_every=1000,
    checkpoint_every=4000,
)
MODE = flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "score", "rank", "sample"],
    "train: makes a model. The others ask the one in --workdir. score: log P of each "
    "token of --text, and their sum. rank: the --k tokens that are likeliest after "
    "--text. sample: --samples texts of --length "
    "tokens that go on from --text.",
)
LEVEL = flags.DEFINE_enum("level", "char", ["char", "word"], "What a token is.")
BPTT = flags.DEFINE_integer("bptt", 64, "Tokens of a piece of a stream.", 1)
SENTENCES = flags.DEFINE_bool(
    "sentences", False, "Read line by line, each from nothing, instead of streams."
)
VOCABULARY = flags.DEFINE_integer(
    "vocabulary", 10_000, "How many different tokens are known, beside <UNK>.", 1
)
EMBEDDING = flags.DEFINE_integer(
    "embedding", 64, "Width of a token's vector; 0 reads one-hot vectors.", 0
)
TIED = flags.DEFINE_bool("tied", False, "Use the embeddings as the readout's kernel.")
INPUT_DROPOUT = flags.DEFINE_float(
    "input_dropout", 0.0, "Share of inputs dropped in training.", 0.0, 0.99
)
DROPOUT = flags.DEFINE_float(
    "dropout", 0.0, "Share of states dropped in training.", 0.0, 0.99
)
WEIGHT_DROPOUT = flags.DEFINE_float(
    "weight_dropout", 0.0, "Share of recurrent weights dropped.", 0.0, 0.99
)
INIT_SCALE = flags.DEFINE_float(
    "init_scale", 0.0, "All weights begin uniform in ±this; 0: each in its own way.", 0
)
ORDERS = flags.DEFINE_integer("orders", 7, "The longest n-gram to try.", 1)
TEXT = flags.DEFINE_string("text", "", "For --mode other than train.")
K = flags.DEFINE_integer("k", 10, "Tokens that --mode=rank prints.", 1)
SAMPLES = flags.DEFINE_integer("samples", 3, "Texts that --mode=sample prints.", 1)
LENGTH = flags.DEFINE_integer("length", 300, "Tokens of a sample.", 1)
TEMPERATURE = flags.DEFINE_float("temperature", 0.8, "Divides a sample's logits.", 0.0)
TOP_K = flags.DEFINE_integer("top_k", 0, "Draw from so many tokens; 0: from all.", 0)
TOP_P = flags.DEFINE_float("top_p", 1.0, "Draw from the likeliest of this share.", 0, 1)
FLAGS = flags.FLAGS


def settings() -> Settings:
    """What the flags say of the model."""
    if FLAGS.bidirectional:
        raise common.UsageError("--bidirectional: a language model may not look ahead")
    if TIED.value and EMBEDDING.value != FLAGS.features:
        raise common.UsageError("--tied: needs --embedding equal to --features")
    return Settings(
        LEVEL.value,
        SENTENCES.value,
        FLAGS.cell,
        FLAGS.features,
        FLAGS.layers,
        EMBEDDING.value,
        TIED.value,
    )


def read_corpus() -> Corpus:
    """Reads what --data or --dataset ask for."""
    source = load("language_model", FLAGS.dataset, FLAGS.data)
    split = settings().split
    parts = [[split(line) for line in part] for part in source.examples]
    vocabulary = Vocabulary.build(parts[0], VOCABULARY.value)
    encoded = [[vocabulary.encode(line) for line in part] for part in parts]
    corpus = Corpus(source, vocabulary, *encoded)
    for name, part in zip(("train", "valid", "test"), encoded, strict=True):
        if sum(map(len, part)) < 2:
            raise DataError(f"{source.name}: too little text for {name}")
    return corpus


def make_model(vocabulary: Vocabulary) -> LanguageModel:
    """The model that the flags ask for, with its noise."""
    return (
        settings()
        ._replace(tokens=vocabulary.tokens)
        .model(
            input_dropout=INPUT_DROPOUT.value,
            dropout=DROPOUT.value,
            weight_dropout=WEIGHT_DROPOUT.value,
            gradient=FLAGS.gradient,
        )
    )


def initial_variables(model: LanguageModel, key: jax.Array) -> Any:
    """As the model draws them, or by --init_scale."""
    variables = model.init(key, jnp.zeros((1, 1), int), jnp.ones(1, int))
    if not INIT_SCALE.value:
        return variables
    leaves, structure = jax.tree.flatten(variables)
    keys = jax.random.split(jax.random.fold_in(key, 1), len(leaves))
    scale = INIT_SCALE.value
    drawn = [
        jax.random.uniform(k, leaf.shape, leaf.dtype, -scale, scale)
        for k, leaf in zip(keys, leaves, strict=True)
    ]
    return structure.unflatten(drawn)


def stream_task(model: LanguageModel, variables: Any, corpus: Corpus) -> Task:
    """Pieces of parallel streams; the state is carried from piece to piece."""
    streams = Streams(np.concatenate(corpus.train), FLAGS.batch_size, BPTT.value)
    start = model.apply(variables, FLAGS.batch_size, method="initial_carry")

    def loss(variables, piece, key, carried):
        carry = select(~piece.begins, carried, start)
        rngs = {"dropout": key}
        carry, nats = model.apply(
            variables,
            carry,
            piece.tokens,
            piece.targets,
            True,
            rngs=rngs,
            method="stream",
        )
        return nats, jnp.array(piece.tokens.size), lax.stop_gradient(carry)

    return _task(loss, model, variables, corpus, streams, start)


def sentence_task(model: LanguageModel, variables: Any, corpus: Corpus) -> Task:
    """Batches of lines, each from nothing."""
    batches = Batches(corpus.train, FLAGS.batch_size, FLAGS.seed, FLAGS.buckets)

    def loss(variables, batch, key, carried):
        rngs = {"dropout": key}
        nats = model.apply(variables, *batch, train=True, rngs=rngs, method="loss")
        return nats, jnp.sum(batch.lengths), carried

    return _task(loss, model, variables, corpus, batches, ())


def _task(loss, model, variables, corpus: Corpus, data, carried) -> Task:
    marks = model.trainable(variables)

    def evaluate(variables):
        return {
            "valid": float(nats_per_token(model, variables, corpus.valid, 16).result())
        }

    return Task(
        loss, evaluate, data, common.optimizer_from_flags(marks), marks, carried
    )


def nats_per_token(
    model: LanguageModel, variables: Any, lines: list[np.ndarray], streams: int = 1
) -> Mean:
    """−log P a token, <EOS> counted; as one stream, or as several for speed."""
    if SENTENCES.value:
        each = functools.partial(_nats_of_lines, model, variables)
        return Batches(lines, 64, buckets=FLAGS.buckets).mean(each)
    nats = Mean(0.0, 0.0)
    text = np.concatenate(lines)
    streams = min(streams, max(len(text) // 1000, 1))
    length = min(1000, (len(text) - 1) // streams)
    carry = model.apply(variables, streams, method="initial_carry")
    for piece in Streams(text, streams, length).once():
        carry, total = _nats_of_piece(model, variables, carry, piece)
        nats = nats.merge(Mean(total, piece.targets.size))
    return Mean(float(nats.total), float(nats.weight))


@functools.partial(jax.jit, static_argnums=0)
def _nats_of_lines(model: LanguageModel, variables: Any, batch) -> Mean:
    nats = model.apply(variables, *batch, method="loss").total
    return Mean(nats, jnp.sum(batch.lengths))


@functools.partial(jax.jit, static_argnums=0)
def _nats_of_piece(model: LanguageModel, variables: Any, carry, piece):
    carry, nats = model.apply(
        variables, carry, piece.tokens, piece.targets, method="stream"
    )
    return carry, nats.total


def train(argv: list[str]) -> None:
    """Data, baselines, model, training, figures, result."""
    del argv
    common.make_layer()
    corpus = read_corpus()
    model, key = make_model(corpus.vocabulary), jax.random.key(FLAGS.seed)
    variables = initial_variables(model, key)
    make_task = sentence_task if SENTENCES.value else stream_task
    try:
        task = make_task(model, variables, corpus)
    except ValueError as error:
        raise DataError(f"{corpus.source.name}: {error}") from None
    workdir = common.open_workdir("language_model", corpus.source)
    counts = [sum(map(len, part)) for part in corpus[2:]]
    common.say(
        f"data: {corpus.source.name}, {counts[0]:,} {LEVEL.value}s to learn from, "
        f"{counts[1]:,} to choose by, {counts[2]:,} held out; "
        f"{len(corpus.vocabulary):,} different ones"
    )
    size = len(corpus.vocabulary)
    ngram = best_ngram(corpus.train, corpus.valid, size, range(1, ORDERS.value + 1))
    rivals = {f"{ngram.order}-gram": ngram, "unigram": unigram(corpus.train, size)}
    baselines = {k: v.nll(corpus.test).result().item() for k, v in rivals.items()}
    on_valid = {k: v.nll(corpus.valid).result().item() for k, v in rivals.items()}
    shown = ", ".join(f"{v:.4f} by the {k}" for k, v in baselines.items())
    common.say(f"held-out text: nats per token: {shown}")

    fitted = common.fit(task, variables, workdir, key)
    nats = nats_per_token(model, fitted.params, corpus.test).result().item()
    words = collections.Counter(
        word for line in corpus.source.examples.train for word in line.split()
    )
    made_by = settings()._replace(tokens=corpus.vocabulary.tokens, words=words)
    saved.save(workdir, made_by, fitted.params)
    draw_figures(workdir / "figures", fitted, on_valid)
    common.say(
        f"held-out text: {nats:.4f} nats per token, perplexity {math.exp(nats):.2f}, "
        f"{nats / math.log(2):.4f} bits; {shown}",
        f"the run's folder, with its figures: {workdir}",
    )
    best = f"{ngram.order}-gram"
    in_bits = LEVEL.value == "char"

    def score(nats: float) -> float:
        return nats / math.log(2) if in_bits else math.exp(nats)

    common.finish(
        workdir,
        fitted,
        task="language_model",
        data=corpus.source.name,
        cell=FLAGS.cell,
        metric="bits per character" if in_bits else "perplexity per word",
        score=score(nats),
        baseline=score(baselines[best]),
        baseline_name=f"best interpolated n-gram, n = {ngram.order}",
        unigram=score(baselines["unigram"]),
        valid=score(fitted.scores["valid"]),
        best_possible=corpus.source.best and score(corpus.source.best),
    )


def draw_figures(figures: pathlib.Path, fitted, baselines: dict[str, float]) -> None:
    """Writes the run's two figures."""
    learning_curve(
        figures / "loss.png",
        fitted.history,
        {"valid": FLAGS.cell},
        baselines,
        f"validation text: −log P (nats per {LEVEL.value})",
    )
    gradient_norms(figures / "gradient_norm.png", fitted.history, FLAGS.clip_norm)


def score() -> None:
    """Prints log P of each token of --text, <EOS> after it, and their sum."""
    if not TEXT.value:
        raise common.UsageError("--text: needs a text to score")
    model = trained.load(FLAGS.workdir)
    (each,) = model.log_probs([TEXT.value])
    tokens = [*model.settings.split(TEXT.value), "<EOS>"]
    for token, value in zip(tokens, each, strict=True):
        unknown = "" if token in model.vocabulary else "  (<UNK>)"
        print(f"{value:9.4f}  {token}{unknown}")
    print(f"{each.sum():9.4f}  log P, in nats")


def rank_next() -> None:
    """Prints the likeliest tokens after --text."""
    for token, p in trained.load(FLAGS.workdir).ranked(TEXT.value, K.value):
        print(f"{p:8.4f}  {token}")


def sample_texts() -> None:
    """Prints texts that go on from --text."""
    try:
        sampling = Sampling(SAMPLES.value, TEMPERATURE.value, TOP_K.value, TOP_P.value)
    except ValueError as error:
        raise common.UsageError(f"--{error}") from None
    key, model = jax.random.key(FLAGS.seed), trained.load(FLAGS.workdir)
    for text in model.samples(TEXT.value, LENGTH.value, sampling, key):
        print(text, end="\n\n")


def main(argv: list[str]) -> None:
    """Does what --mode asks for."""
    modes = {"score": score, "rank": rank_next, "sample": sample_texts}
    modes[MODE.value]() if MODE.value in modes else train(argv)


if __name__ == "__main__":
    common.run(main)
