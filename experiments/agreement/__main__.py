"""How far does a memory reach? "The cats, which already ate …, were full."

Each cell reads a sentence up to its verb, and says whether the verb is singular or
plural. It is trained on clauses of up to --longest words and tested on clauses many
times as long, with nouns of the other number in between.

    python -m experiments.agreement
    python -m experiments.agreement --dataset=nested --longest=20 --seeds=5
    python -m experiments.agreement --distances=5,10,20,40 --seeds=5
    python -m experiments.agreement --mode=agree --workdir=runs/agreement/lstm \\
        --text="the cats , which already ate near the old dog ,"

writes into the run's folder: figures/agreement.png (accuracy against distance and
against the number of attractors, for each cell), result.json, and for each cell a
folder with its metrics.jsonl, accuracy.json, checkpoints/ and its model, which
--mode=agree and seqjax.load ask. With --distances, figures/learned.png.
"""

import json
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from absl import flags

from experiments.agreement import learning
from experiments.agreement.accuracy import (
    ACCURACY,
    accuracy_panels,
    draw_accuracy,
    over_seeds,
    read_panels,
)
from experiments.agreement.data import PLURAL, TABLE, Sentence
from experiments.agreement.model import (
    batches_of,
    encode,
    is_right,
    last_noun,
    loss_of,
    make_predictor,
    plurals,
    split_sentences,
)
from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.comparison import finish_together
from experiments.shared.errors import UsageError
from experiments.shared.folders import folder_name
from experiments.shared.layers import layer_of
from experiments.shared.run import Run, load_model, split_seed
from seqjax import figures, predict
from seqjax.train import TrainResult

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
    "Train at each of these words between subject and verb by itself, and ask there: "
    "at which of them does a cell still learn? As in 5,10,20,40.",
)
flags.DEFINE_string("text", "", "A sentence up to its verb, for --mode=agree.")


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, figures, result, of one cell."""
    if options.distances:
        return learning.train(options)
    layer = layer_of(options)
    source = TABLE.load(options.dataset, options.data)
    splits = split_sentences(source, options.longest, split_seed(options))
    agree = make_predictor(layer, splits.train, options.gradient)
    variables = predict.init(agree, jax.random.key(options.seed))
    far = np.array([s.distance > options.longest for s in splits.test])
    facts = (
        f"{len(splits.train)} sentences of at most {options.longest} words between "
        f"subject and verb to learn from, {len(splits.valid)} to choose by, "
        f"{(~far).sum()} like them and {far.sum()} longer ones held out"
    )
    run = Run.begin("agreement", options, source, variables, facts)
    valid, test = ((batches_of(agree, s), plurals(s)) for s in splits[1:])

    def evaluate(variables):
        right = is_right(replace(agree, variables=variables), *valid)
        return {"valid": float(1 - right.mean())}

    result = run.fit(
        agree.model,
        variables,
        run.batches([encode(agree, sentence) for sentence in splits.train]),
        loss_of(agree.model),
        evaluate,
        unit="nats per sentence",
        loss_per="sequence",
    )
    agree = replace(agree, variables=result.params)
    run.save(agree)
    baseline = np.array([last_noun(s) in PLURAL for s in splits.test]) == test[1]
    return report(run, result, splits.test, is_right(agree, *test), baseline)


def report(
    run: Run,
    result: TrainResult,
    tested: Sequence[Sentence],
    right: np.ndarray,
    baseline: np.ndarray,
) -> dict[str, Any]:
    """Draws accuracy against distance and attractors; prints and writes the result."""
    longest = run.options.longest
    run.learning_curves(
        result,
        figures.Panel("−log P (nats per sentence)", {"training": "loss"}),
        figures.Panel("share of wrong verbs", {"validation": "valid"}),
    )
    panels = accuracy_panels(tested, right, baseline, longest)
    run.write(ACCURACY, json.dumps(panels) + "\n")
    title = f"agreement of {run.options.cell}"
    cells = {run.options.cell: panels}
    run.figure(draw_accuracy, "agreement", cells, longest, title=title)
    far = np.array([s.distance > longest for s in tested])
    gold = plurals(tested)[far]
    run.say(
        f"{run.options.cell}: {right[~far].mean():.3f} of verbs right up to {longest} "
        f"words, {right[far].mean():.3f} beyond, where agreeing with the last noun has "
        f"{baseline[far].mean():.3f}"
    )
    return run.finish(
        result,
        metric=f"share of verbs that agree beyond {longest} words",
        lower_is_better=False,
        score=float(right[far].mean()),
        baseline=float(baseline[far].mean()),
        baseline_name="the last noun",
        majority=float(max(gold.mean(), 1 - gold.mean())),
        best_possible=run.source.best,
        within=float(right[~far].mean()),
        valid=1 - result.scores["valid"],
    )


def together(
    options: Any, folder: pathlib.Path, results: Mapping[str, dict[str, Any]]
) -> None:
    """Draws all cells in one figure, and writes what each reached."""
    if options.distances:
        return learning.together(options, folder, results)
    (folder / "figures").mkdir(exist_ok=True)
    panels = over_seeds(
        {name: read_panels(folder / folder_name(name)) for name in results},
        [result["cell"] for result in results.values()],
    )
    path = folder / "figures" / "agreement.png"
    draw_accuracy(path, panels, options.longest, title="agreement, each cell")
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
