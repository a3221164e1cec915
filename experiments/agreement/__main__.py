"""How far does a memory reach? "The cats, which already ate …, were full."

Each cell reads a sentence up to its verb, and says whether the verb is singular or
plural. It is trained on clauses of up to --longest words and tested on clauses many
times as long, with nouns of the other number in between.

    python -m experiments.agreement
    python -m experiments.agreement --dataset=nested --seeds=5
    python -m experiments.agreement --cell=peephole_lstm --longest=20
    python -m experiments.agreement --mode=agree --workdir=runs/agreement/lstm \\
        --text="the cats , which already ate near the old dog ,"

With --distances it is trained and tested at each of these alone, to see where learning
stops:

    python -m experiments.agreement \\
        --flagfile=experiments/agreement/presets/distances.txt

writes into the run's folder: figures/agreement.png (accuracy against distance and
against the number of attractors, for each cell), figures/memory.png (how each holds the
number), result.json, and for each cell and seed a folder with accuracy.json,
memory.json, metrics.jsonl, checkpoints/ and its model, which --mode=agree and
seqjax.load ask. With --distances there are figures/distances.png and learned.json.
"""

import json
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from absl import flags

from experiments.agreement import by_distance, memory
from experiments.agreement.accuracy import FILE, Panels, draw_accuracy, over_seeds
from experiments.agreement.data import TABLE, Sentence
from experiments.agreement.model import (
    Verbs,
    batches_of,
    encode,
    last_noun_right,
    loss_of,
    majority,
    make_predictor,
    split_sentences,
    verbs_right,
)
from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.comparison import finish_together
from experiments.shared.errors import UsageError
from experiments.shared.folders import folder_name
from experiments.shared.layers import layer_of
from experiments.shared.run import Run, load_model, split_seed
from seqjax import figures, predict
from seqjax.extras import later
from seqjax.train import TrainResult

pictures = later("experiments.agreement.pictures")

flags.adopt_module_key_flags(shared)
shared.describe_data(TABLE)
shared.set_defaults(
    cell="elman,gru,lstm",
    features=64,
    steps=1500,
    learning_rate=3e-3,
    clip_norm=1.0,
    eval_every=250,
)
flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "agree"],
    "train: makes a model. agree: the one in --workdir says which verb follows --text.",
)
flags.DEFINE_integer("longest", 12, "Words of a clause in training.", 2)
flags.DEFINE_list(
    "distances",
    [],
    "Words between subject and verb to train and test at, each alone; none: up to "
    "--longest, and beyond.",
)
flags.DEFINE_string("text", "", "A sentence up to its verb, for --mode=agree.")


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, figures, result, of one cell."""
    if options.distances:
        return by_distance.train(options)
    layer = layer_of(options, causal=True)
    source = TABLE.load(options.dataset, options.data)
    splits = split_sentences(source, options.longest, split_seed(options))
    agree = make_predictor(layer, splits.train, options.gradient)
    variables = predict.init(agree, jax.random.key(options.seed))
    far = sum(s.distance > options.longest for s in splits.test)
    facts = (
        f"{len(splits.train)} sentences of at most {options.longest} words between "
        f"subject and verb to learn from, {len(splits.valid)} to choose by, "
        f"{len(splits.test) - far} like them and {far} longer ones held out"
    )
    run = Run.begin("agreement", options, source, variables, facts)
    valid, test = (batches_of(agree, part) for part in splits[1:])
    result = run.fit(
        agree.model,
        variables,
        run.batches([encode(agree, sentence) for sentence in splits.train]),
        loss_of(agree.model),
        lambda v: {"valid": verbs_right(replace(agree, variables=v), valid).wrong()},
        unit="nats per sentence",
        loss_per="sequence",
    )
    agree = replace(agree, variables=result.params)
    run.save(agree)
    show_memory(run, agree, splits.test)
    return report(run, result, splits.test, verbs_right(agree, test))


def show_memory(
    run: Run, agree: predict.ClassPredictor, tested: Sequence[Sentence]
) -> None:
    """Measures, draws and says how the number is held beyond the trained length."""
    cell, far = run.options.cell, run.options.longest
    measured = memory.measure(agree, [s for s in tested if s.distance > far])
    if measured is None:
        return
    run.write(memory.FILE, json.dumps(measured) + "\n")
    run.say(f"{cell}: {pictures.memory_in_words([measured])}")
    run.figure(pictures.draw_memory, "memory", {cell: [measured]}, title=cell)


def report(
    run: Run, result: TrainResult, tested: Sequence[Sentence], verbs: Verbs
) -> dict[str, Any]:
    """Draws accuracy against distance and attractors; prints and writes the result."""
    cell, longest = run.options.cell, run.options.longest
    run.learning_curves(
        result,
        figures.Panel("−log P (nats per sentence)", {"training": "loss"}),
        figures.Panel("share of wrong verbs", {"validation": "valid"}),
    )
    right, baseline = verbs.last, last_noun_right(tested)
    panels = Panels(run.source.examples, longest).of(tested, right, baseline)
    run.write(FILE, json.dumps(panels) + "\n")
    title = f"agreement of {cell}"
    run.figure(draw_accuracy, "agreement", {cell: panels}, longest, title=title)
    far = np.array([s.distance > longest for s in tested])
    run.say(
        f"{cell}: {right[~far].mean():.3f} of verbs right up to {longest} words, "
        f"{right[far].mean():.3f} beyond, where agreeing with the last noun has "
        f"{baseline[far].mean():.3f}"
    )
    return run.finish(
        result,
        metric=f"share of verbs that agree beyond {longest} words",
        lower_is_better=False,
        score=float(right[far].mean()),
        baseline=float(baseline[far].mean()),
        baseline_name="the last noun",
        majority=majority([s for s in tested if s.distance > longest]),
        best_possible=run.source.best,
        within=float(right[~far].mean()),
        inner=Verbs(*(column[far] for column in verbs)).inner_right(),
        valid=1 - result.scores["valid"],
    )


def together(
    options: Any, folder: pathlib.Path, results: Mapping[str, dict[str, Any]]
) -> None:
    """Draws all cells in one figure, and writes what each reached."""
    (folder / "figures").mkdir(exist_ok=True)
    folders: dict[str, list[pathlib.Path]] = {}
    for name, result in results.items():
        folders.setdefault(result["cell"], []).append(folder / folder_name(name))
    if options.distances:
        by_distance.together(options, folder, folders)
    else:
        path = folder / "figures" / "agreement.png"
        title = "agreement, each cell: the mean of seeds, and from lowest to highest"
        draw_accuracy(path, over_seeds(folders), options.longest, title=title)
        pictures.memory_together(options, folder, folders)
    finish_together(folder, results)


def agree(options: Any) -> None:
    """Prints P of each verb after --text."""
    if not options.text.split():
        raise UsageError("--text: needs a sentence up to its verb")
    predictor = load_model(options.workdir, predict.ClassPredictor)
    for verb, p in predictor.classify(options.text).items():
        print(f"{p:8.4f}  {verb}")


if __name__ == "__main__":
    cli.run(train, together=together, agree=agree, uses={"agree": "text"})
