"""What does a network hold while it reads? Quotation marks, and a subject's number.

A small character model reads a text with quotation marks, and one of its units turns
out to know whether it is inside quotes (Karpathy, Johnson and Fei-Fei, 2016). The unit
is chosen on one held-out part and measured on another, beside the best unit of the same
network before training. A second network of the same cell, of --units, reads sentences
such as "the cat, which already ate …, was full": the unit that holds the number of the
subject until the verb is found in the same way, and shown beside a GRU whose weights a
person has set.

    python -m experiments.units
    python -m experiments.units --cell=elman,gru --data=novel.txt

writes into the run's folder figures/ (characters.png, sentence.png, the learning
curves), result.json, the trained models, and pages/ to open in a browser, which need no
network: connectivity.html (choose a letter and see how much each earlier one mattered,
after Madsen, 2019), characters.html (choose a unit or gate that colours the text) and
sentence.html (units × words). With several cells, each has a folder, and the pages and
figures beside these folders show all of them.
"""

import pathlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
from absl import flags

from experiments.language_model.model import make_corpus, nats_per_token, stream_task
from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.comparison import finish_together
from experiments.shared.folders import folder_name
from experiments.shared.layers import layer_of, stacked
from experiments.shared.run import Run
from experiments.units import sentences
from experiments.units.data import TABLE
from experiments.units.model import make_reader
from seqjax import figures, inspect, predict
from seqjax.extras import later

pictures = later("experiments.units.pictures")
quotes = later("experiments.units.quotes")

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
    cell="gru,lstm",
    features=128,
    buckets=1,
    steps=1500,
    batch_size=32,
    learning_rate=4e-3,
    schedule="cosine",
    clip_norm=1.0,
    eval_every=250,
)
flags.DEFINE_integer("bptt", 128, "Characters of a piece of the text.", 1)
flags.DEFINE_integer("units", 16, "Units of the network that reads sentences.", 1)
flags.DEFINE_integer("sentences", 6000, "Sentences that it learns from.", 60)
SENTENCES = "sentences"  # the folder of its training


def train(options: Any) -> dict[str, Any]:
    """Data, both trainings, the units, pages and figures, result; of one cell."""
    layer = layer_of(options, causal=True)
    source = TABLE.load(options.dataset, options.data)
    reader = make_reader(layer, source, options.gradient)
    corpus = make_corpus(source, reader.tokenizer)
    variables = predict.init(reader, jax.random.key(options.seed))
    sizes = options.batch_size, options.bptt
    task = stream_task(reader.model, variables, corpus, *sizes)
    counts = (f"{sum(map(len, part)):,}" for part in corpus[2:])
    facts = "{} characters to learn from, {} to choose by, {} held out"
    run = Run.begin("units", options, source, variables, facts.format(*counts))

    def nats(variables, lines, streams):
        bound = replace(reader, variables=variables)
        return nats_per_token(bound, lines, options.buckets, streams)

    result = run.fit(
        reader.model,
        variables,
        evaluate=lambda variables: {"valid": nats(variables, corpus.valid, 16)},
        unit="nats per char",
        **task,
    )
    reader = replace(reader, variables=result.params)
    run.save(reader)
    lines = {"training": "loss", "validation": "valid"}
    run.learning_curves(result, figures.Panel("nats per character", lines))
    units = quotes.find_units(reader, variables, corpus)
    units |= read_sentences(run, options)
    draw(run, {options.cell: units}, {options.cell: run.folder})
    return report(run, result, units, nats(result.params, corpus.test, 1))


def read_sentences(run: Run, options: Any) -> dict[str, Any]:
    """Trains the network that reads sentences; the unit that holds the number."""
    run.say("sentences:")
    within = run.within(SENTENCES)
    how = {"layers": options.layers, "dtype": options.dtype}
    layer = stacked(options.cell, options.units, **how)
    drawn = sentences.draw(options.seed, options.sentences)
    return sentences.train_reader(within, layer, drawn)


def report(run: Run, result: Any, units: dict[str, Any], nats: float) -> dict[str, Any]:
    """Prints and writes the result."""
    unit, before = units["quote_unit"], units["quote_unit_untrained"]
    number, at_first = units["sentence_unit"], units["sentence_unit_untrained"]
    run.say(
        f"inside quotes: {unit['quantity']}, unit {unit['unit']}, has an area of "
        f"{unit['area']:.3f} ({unit['chosen']:.3f} where it was chosen); the best unit "
        f"before training has {before['area']:.3f}",
        f"the subject's number: {number['quantity']}, unit {number['unit']}, has an "
        f"area of {number['area']:.4f} from subject to verb, and is right at every one "
        f"of these steps in {units['sentence_held']:.1%} of sentences; the best unit "
        f"before training has {at_first['area']:.3f}; {units['sentences_agree']:.1%} "
        f"of verbs agree",
    )
    return run.finish(
        result,
        metric="area under the ROC curve of one unit for being inside quotes",
        lower_is_better=False,
        score=unit["area"],
        baseline=before["area"],
        baseline_name="the best unit of the untrained network",
        best_possible=run.source.best if run.source else None,
        nats_per_character=nats,
        **units,
    )


def draw(
    run: Run,
    units: Mapping[str, dict[str, Any]],
    folders: Mapping[str, pathlib.Path],
) -> None:
    """Draws what the networks in these folders hold; units and folders are by cell."""
    splits = TABLE.load(run.options.dataset, run.options.data).examples
    text = quotes.passage(splits.test)
    readings, readers = {}, {}
    for cell, folder in folders.items():
        model = predict.load(folder, predict.LanguagePredictor)
        readings[cell] = inspect.read_text(model, text)
        readers[cell] = predict.load(folder / SENTENCES, predict.ClassPredictor)
    quotes.draw(run, readings, units)
    pictures.draw_sentences(run, readers, units)
    run.say(f"pages to open in a browser: {run.folder / 'pages'}")


def together(
    options: Any, folder: pathlib.Path, results: Mapping[str, dict[str, Any]]
) -> None:
    """Draws all cells side by side, and writes what each reached."""
    (folder / "figures").mkdir(exist_ok=True)
    folders = {name: folder / folder_name(name) for name in results}
    draw(Run("units", options, folder), results, folders)
    finish_together(folder, results)


if __name__ == "__main__":
    cli.run(train, together=together)
