"""Which words are part of a name, and of what kind: many to many, of equal length.

    python -m experiments.name_entity
    python -m experiments.name_entity --tags=binary --nobidirectional
    python -m experiments.name_entity \\
        --flagfile=experiments/name_entity/presets/conll2003.txt
    python -m experiments.name_entity --mode=tag --workdir=runs/conll \\
        --text="Yesterday, Harry Potter met Hermione Granger."

A layer in both directions reads each word, its letters and how it is written; a CRF, or
a softmax, or a sigmoid (--tags=binary, as in the course) predicts its tag. Scored by
entities, as conlleval and seqeval count them. --data takes a CoNLL folder with
train.txt, valid.txt and test.txt, in IOB1 or IOB2, or one file, which is cut at random.
Writes figures/loss.png, figures/confusion.png, predictions.txt (word, gold tag,
predicted tag), result.json, and the model that --mode=tag and seqjax.load ask.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
from absl import flags

from experiments.name_entity.data import TABLE, TEDDY, Tagged
from experiments.name_entity.model import encode, loss_of, make_predictor, read_splits
from experiments.name_entity.scoring import (
    Scores,
    as_columns,
    most_frequent_tags,
    score,
)
from experiments.shared import cli, words
from experiments.shared import flags as shared
from experiments.shared.errors import UsageError
from experiments.shared.layers import layer_of
from experiments.shared.run import Run, load_model
from seqjax import figures, predict
from seqjax.data import Batches, Splits, split_words
from seqjax.extras import library
from seqjax.metrics import OUTSIDE
from seqjax.train import TrainResult

flags.adopt_module_key_flags(shared)
flags.adopt_module_key_flags(words)
shared.describe_data(TABLE)
shared.set_defaults(
    buckets=8,
    features=100,
    embedding=100,
    letter_features=25,
    bidirectional=True,
    steps=1200,
    batch_size=32,
    learning_rate=4e-3,
    schedule="cosine",
    clip_norm=5.0,
    eval_every=200,
)
flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "tag"],
    "train: makes a model. tag: the one in --workdir tags --text.",
)
flags.DEFINE_enum(
    "tags",
    "bio",
    ["bio", "binary"],
    "bio: what kind of name each word begins or goes on with; binary: name or not.",
)
flags.DEFINE_bool(
    "crf", True, "Tags know their neighbours, by a CRF; of --tags=bio alone."
)
flags.DEFINE_string("text", "", "A sentence, for --mode=tag.")


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, baseline, figures, result."""
    layer, _ = layer_of(options), library("sklearn.metrics")
    source = TABLE.load(options.dataset, options.data)
    splits = read_splits(source.examples, options.tags == "binary", source.name)
    tagger = make_predictor(layer, splits.train, options)
    variables = predict.init(tagger, jax.random.key(options.seed))
    run = Run.begin("name_entity", options, source, variables, facts(splits))
    sides = splits.valid, splits.test
    valid, test = (batches_of(tagger, part, options.buckets) for part in sides)

    def evaluate(variables):
        scores = score(splits.valid, replace(tagger, variables=variables).tags(valid))
        return {"valid": 1 - scores.f1, "valid_accuracy": scores.accuracy}

    result = run.fit(
        tagger.model,
        variables,
        run.batches([encode(tagger, sentence) for sentence in splits.train]),
        loss_of(tagger, options.word_dropout),
        evaluate,
        unit="nats per word",
    )
    tagger = replace(tagger, variables=result.params)
    run.save(tagger)
    predicted = tagger.tags(test)
    by_word = [score(part, most_frequent_tags(splits.train, part)) for part in sides]
    draw_figures(run, result, by_word[0], splits.test, predicted)
    run.write("predictions.txt", as_columns(splits.test, predicted))
    scores = score(splits.test, predicted)
    return report(run, result, scores, by_word[1], p_teddy(tagger))


def facts(splits: Splits) -> str:
    """How much there is to learn from, to choose by and to score on."""
    count = sum(len(s.words) for s in splits.train)
    return (
        f"{len(splits.train):,} sentences to learn from ({count:,} words), "
        f"{len(splits.valid):,} to choose by, {len(splits.test):,} held out"
    )


def batches_of(
    tagger: predict.TagPredictor, sentences: Sequence[Tagged], buckets: int
) -> Batches:
    """The words of sentences, batched once, for a tagger to tag."""
    return tagger.batches([s.words for s in sentences], buckets=buckets)


def p_teddy(tagger: predict.TagPredictor) -> dict[str, float]:
    """P that Teddy is a name, in two sentences that differ behind it alone."""
    sentences = [text.split() for text in TEDDY]
    rows = tagger.probabilities(tagger.batches(sentences))
    return {
        text: 1 - float(p[words.index("Teddy"), 0])
        for text, words, p in zip(TEDDY, sentences, rows, strict=True)
    }


def draw_figures(
    run: Run, result: TrainResult, by_word: Scores, test: Sequence[Tagged], predicted
) -> None:
    """Draws the learning curves, and which kind of tag was taken for which."""
    run.learning_curves(
        result,
        figures.Panel("−log P (nats per word)", {"training, with dropout": "loss"}),
        figures.Panel(
            "1 − entity F1",
            {"validation": "valid"},
            {"each word's most frequent tag": 1 - by_word.f1},
        ),
    )
    gold, guess = (
        [tag.split("-", 1)[-1] for tag in itertools.chain.from_iterable(tags)]
        for tags in ((s.tags for s in test), predicted)
    )
    kinds = [OUTSIDE, *sorted(set(gold + guess) - {OUTSIDE})]
    counts = library("sklearn.metrics").confusion_matrix(gold, guess, labels=kinds)
    title = "words of held-out sentences"
    run.figure(figures.confusion, "confusion", counts, kinds, title=title)


def report(
    run: Run, result: TrainResult, ours: Scores, by_word: Scores, teddy: dict
) -> dict[str, Any]:
    """Prints and writes the result."""
    run.say(
        f"held-out sentences: entity F1 {ours.f1:.4f}, {ours.accuracy:.4f} of words "
        f"right; by each word's most frequent tag {by_word.f1:.4f}, "
        f"{by_word.accuracy:.4f}",
        *(f"P(Teddy is a name) = {p:.3f} in: {s}" for s, p in teddy.items()),
    )
    return run.finish(
        result,
        metric="entity F1 on held-out sentences",
        lower_is_better=False,
        score=ours.f1,
        baseline=by_word.f1,
        baseline_name="the most frequent tag of each word",
        accuracy=ours.accuracy,
        baseline_accuracy=by_word.accuracy,
        best_possible=run.source.best,
        p_teddy=list(teddy.values()),
        valid=1 - result.scores["valid"],
    )


def tag(options: Any) -> None:
    """Prints each word of --text, and its tag."""
    if not split_words(options.text):
        raise UsageError("--text: needs a sentence to tag")
    tagger = load_model(options.workdir, predict.TagPredictor)
    for word, tag in tagger.tag(options.text):
        print(f"{word}\t{tag}")


if __name__ == "__main__":
    cli.run(train, tag=tag, uses={"tag": "text"})
