"""Language models of words or characters: trains, scores, ranks, samples.

    python -m experiments.language_model --workdir=runs/bible
    python -m experiments.language_model --workdir=runs/bible --mode=sample
    python -m experiments.language_model --workdir=runs/bible --mode=score \\
        --text="In the beginning God created the heaven and the earth."
    python -m experiments.language_model --workdir=runs/bible --mode=page \\
        --text="And God said, Let there be light: and there was light."
    python -m experiments.language_model --workdir=runs/bible --mode=truncation
    python -m experiments.language_model \\
        --flagfile=experiments/language_model/presets/zaremba_small.txt

The text is read as parallel streams with truncated back-propagation through time (every
--bptt_every tokens, through --bptt) and a state that is carried over, or (--sentences)
line by line. Training writes figures/ and
result.json: perplexity per word or bits per character, and the same of a unigram and
the best interpolated Kneser-Ney n-gram on the same split; and the model, which the
other modes and seqjax.load ask.
"""

from dataclasses import replace
from typing import Any

import jax
from absl import flags

from experiments.language_model import ask, truncation
from experiments.language_model.data import TABLE
from experiments.language_model.model import (
    line_loss,
    make_corpus,
    make_predictor,
    nats_per_token,
    stream_task,
    uniform_variables,
)
from experiments.language_model.report import describe, report
from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.errors import UsageError
from experiments.shared.layers import layer_of
from experiments.shared.ngrams import ngram_nats
from experiments.shared.run import Run
from seqjax import predict

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
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
flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "score", "rank", "sample", "page", "truncation"],
    "train: makes a model. The others ask the one in --workdir. score: log P of each "
    "token of --text, and their sum. rank: the --k tokens that are likeliest after "
    "--text. sample: --samples texts of --length tokens that go on from --text. page: "
    "what each letter of --text looked back to and what each unit held, as pages for a "
    "browser. truncation: how like the gradient through fewer steps is to the full "
    "one, in figures/truncation.png. For these two --workdir may hold several runs.",
)
flags.DEFINE_enum("level", "char", ["char", "word"], "What a token is.")
flags.DEFINE_integer("bptt", 64, "Tokens of a stream that a gradient goes through.", 1)
flags.DEFINE_integer(
    "bptt_every", 0, "New tokens of a stream in an update; 0: as many as --bptt.", 0
)
flags.DEFINE_bool(
    "sentences", False, "Read line by line, each from nothing, instead of streams."
)
flags.DEFINE_integer(
    "vocabulary", 10_000, "How many different tokens are known, beside <UNK>.", 1
)
flags.DEFINE_integer(
    "embedding", 64, "Width of a token's vector; 0 reads one-hot vectors.", 0
)
flags.DEFINE_bool("tied", False, "Use the embeddings as the readout's kernel.")
flags.DEFINE_float(
    "input_dropout", 0.0, "Share of inputs dropped in training.", 0.0, 0.99
)
flags.DEFINE_float("dropout", 0.0, "Share of states dropped in training.", 0.0, 0.99)
flags.DEFINE_float(
    "weight_dropout", 0.0, "Share of recurrent weights dropped.", 0.0, 0.99
)
flags.DEFINE_float(
    "init_scale", 0.0, "All weights begin uniform in ±this; 0: each in its own way.", 0
)
flags.DEFINE_integer("orders", 7, "The longest n-gram to try.", 1, 100)
flags.DEFINE_string("text", "", "For --mode other than train.")
flags.DEFINE_integer("k", 10, "Tokens that --mode=rank prints.", 1)
flags.DEFINE_integer("samples", 3, "Texts that --mode=sample prints.", 1)
flags.DEFINE_integer("length", 300, "Tokens of a sample.", 1)
flags.DEFINE_float("temperature", 0.8, "Divides a sample's logits.", 0.0)
flags.DEFINE_integer("top_k", 0, "Draw from so many tokens; 0: from all.", 0)
flags.DEFINE_float("top_p", 1.0, "Draw from the likeliest of this share.", 0, 1)
flags.DEFINE_integer(
    "reach", 128, "Most steps of --mode=truncation; twice as many are the full one.", 2
)


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, baselines, figures, result."""
    if options.sentences and options.bptt_every:
        raise UsageError("--bptt_every: --sentences reads whole lines, and cuts none")
    layer = layer_of(options, causal=True)
    source = TABLE.load(options.dataset, options.data)
    text = make_predictor(layer, source.examples.train, options)
    corpus, model = make_corpus(source, text.tokenizer), text.model
    key = jax.random.key(options.seed)
    variables = predict.init(text, key)
    if options.init_scale:
        variables = uniform_variables(variables, key, options.init_scale)
    task = {"loss": line_loss(model)}
    if not options.sentences:
        sizes = options.batch_size, options.bptt, options.bptt_every
        task = stream_task(model, variables, corpus, *sizes)
    facts = describe(corpus, options.level)
    run = Run.begin("language_model", options, source, variables, facts)

    def nats(variables, lines, streams):
        bound = replace(text, variables=variables)
        return nats_per_token(bound, lines, options.buckets, streams)

    result = run.fit(
        model,
        variables,
        evaluate=lambda variables: {"valid": nats(variables, corpus.valid, 16)},
        unit=f"nats per {options.level}",
        **({"data": run.batches(corpus.train)} | task),
    )
    run.save(replace(text, variables=result.params))
    score = nats(result.params, corpus.test, 1)
    baselines = ngram_nats(corpus, range(1, options.orders + 1))
    return report(run, result, score, baselines, options.level)


if __name__ == "__main__":
    cli.run(
        train,
        score=ask.score,
        rank=ask.rank,
        sample=ask.sample,
        page=ask.page,
        truncation=truncation.measure,
        uses={
            "page": "text",
            "score": "text",
            "rank": "text k",
            "sample": "text samples length temperature top_k top_p seed",
            "truncation": "reach",
        },
    )
