"""How long does each cell remember, and which of them count? The classic tasks.

    python -m experiments.memory
    python -m experiments.memory --problem=adding --length=600 --cell="gru,elman"
    python -m experiments.memory --flagfile=experiments/memory/presets/anbn.txt

--problem says which: copy (ten symbols are written again after T blanks), adding (the
sum of two marked numbers of T), parity (whether the ones so far are odd in number),
anbn and dyck (what may follow in aⁿbⁿ and in balanced brackets, trained up to n = 100
and asked up to 256), flipflop (three bits). Sequences are drawn without end, a new
batch at each step, and those that are held out have seeds of their own. With
--curriculum=10, the default, training begins with a length of 10 and doubles it until
--length is reached; scores are of the whole length from the first evaluation on.

The cells of --cell stand side by side, their initialisation among their fields:
--cell="gru(chrono=1000),elman(activation='relu', recurrent_init=ScaledIdentity())",
with Orthogonal(), Glorot() and He() as well.

writes into the run's folder: figures/loss.png; for copy and adding figures/chance.png
(the error over the steps, beside chance); for the others figures/by_length.png (what is
right against the length, beyond that of training as well); for anbn and dyck
figures/counter.png (the unit that follows the count best); result.json, and the trained
model, which seqjax.load asks. With several cells, these figures show all of them, and
there is figures/comparison.png.
"""

import json
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
from absl import flags

from experiments.memory import counting, scoring
from experiments.memory.batches import VALID, Endless
from experiments.memory.model import UNITS, answers, loss_of, make_predictor
from experiments.memory.problems import PROBLEMS, Drawn
from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.comparison import compare
from experiments.shared.errors import UsageError
from experiments.shared.folders import folder_name
from experiments.shared.layers import layer_of
from experiments.shared.run import Run
from seqjax import figures, predict
from seqjax.data import Source
from seqjax.extras import later
from seqjax.predict import VectorPredictor
from seqjax.train import TrainResult

pictures = later("experiments.memory.pictures")
FLAGS = flags.FLAGS
NO_USE = {"data", "dataset", "split_seed", "buckets"}  # nothing is read or split
for name in {f.name for f in FLAGS.get_flags_for_module(shared.__name__)} - NO_USE:
    flags.declare_key_flag(name)
shared.set_defaults(
    cell="gru,elman,lstm",
    features=128,
    steps=3600,
    batch_size=32,
    learning_rate=5e-3,
    clip_norm=1.0,
    eval_every=400,
)
flags.DEFINE_enum("problem", "copy", list(PROBLEMS), "The task that is to be learned.")
flags.DEFINE_integer(
    "length",
    0,
    "T, the steps to remember over or to read; of anbn and dyck the largest n; 0: what "
    "suits the problem.",
    0,
)
flags.DEFINE_integer(
    "test_length", 0, "The length to be asked at, or up to; 0: as for --length.", 0
)
flags.DEFINE_integer(
    "curriculum",
    10,
    "The length to begin with, doubled until it is --length; each has an equal share "
    "of the time; 0: --length from the first step on.",
    0,
)
ASKED = 128  # validation sequences


def lengths_of(options: Any) -> tuple[int, int]:
    """The lengths to train on and to be asked at, as the flags say."""
    problem = PROBLEMS[options.problem]
    length = options.length or problem.length
    tested = options.test_length or max(length, problem.test_length or 0)
    if length < 2:
        raise UsageError("--length: at least 2 steps are needed")
    if tested < length:
        raise UsageError(
            f"--test_length: {tested} is less than the {length} of training"
        )
    if options.curriculum == 1:
        raise UsageError("--curriculum: at least 2 steps are needed to begin with")
    return length, tested


def batches_of(options: Any) -> Endless:
    """The batches to learn from, as the flags say."""
    o, (length, _) = options, lengths_of(options)
    problem = PROBLEMS[o.problem]
    return Endless(problem, length, o.batch_size, o.seed, o.steps, o.curriculum)


def train(options: Any) -> dict[str, Any]:
    """Data, model, training, answers, figures, result; of one cell."""
    layer, problem = layer_of(options, causal=True), PROBLEMS[options.problem]
    length, tested = lengths_of(options)
    valid = problem.sequences([options.seed, VALID], ASKED, length)
    test = scoring.test_set(problem, options.seed, tested)
    predictor = make_predictor(layer, problem, options.gradient)
    variables = predict.init(predictor, jax.random.key(options.seed))
    best = float(problem.kind == "bits")
    source = Source((valid, test), options.problem, "none needed: generated", best)
    learn = batches_of(options)
    facts = learn.in_words(), f"{len(test.mask)} held out, of up to {tested}"
    run = Run.begin("memory", options, source, variables, *facts)

    def evaluate(variables):
        now = replace(predictor, variables=variables)
        return {"valid": answers(now, problem, valid).loss}

    result = run.fit(
        predictor.model,
        variables,
        learn,
        loss_of(predictor.model, problem.kind),
        evaluate,
        unit=UNITS[problem.kind],
        loss_per="sequence",
    )
    run.save(predictor := replace(predictor, variables=result.params))
    return report(run, result, predictor, (valid, test), length)


def report(
    run: Run,
    result: TrainResult,
    predictor: VectorPredictor,
    held_out: tuple[Drawn, Drawn],
    length: int,
) -> dict[str, Any]:
    """Asks, draws, prints and writes what was learned."""
    options, problem = run.options, PROBLEMS[run.options.problem]
    found = scoring.score(predictor, problem, *held_out, length)
    unit, name = UNITS[problem.kind], f"{options.problem}: {options.cell}"
    run.learning_curves(
        result,
        figures.Panel(f"training: {unit}", {"training": "loss"}),
        figures.Panel(f"length {length}: {unit}", {"validation": "valid"}),
    )
    draw_progress(options, run.folder, [(options.cell, run.folder)], found)
    levels = length, found["baseline"]
    curve = scoring.by_length(predictor, problem, held_out[1], *levels)
    if curve:
        run.write(pictures.CURVE, json.dumps(curve) + "\n")
        pictures.draw_curves(run.folder, {options.cell: [curve]}, title=name)
    if problem.ragged:
        counter = counting.counter(predictor, *held_out, length)
        found |= {name: counter[name] for name in counting.NUMBERS}
        run.write(pictures.COUNTER, json.dumps(counter) + "\n")
        pictures.draw_counters(run.folder, {options.cell: counter}, options.problem)
        run.say(f"{options.cell}: {counting.in_words(counter)}")
    run.say(f"{options.cell}: {scoring.in_words(found)}")
    return run.finish(result, length=length, **found)


def draw_progress(
    options: Any,
    folder: pathlib.Path,
    runs: Sequence[tuple[str, pathlib.Path]],
    result: Mapping[str, Any],
) -> None:
    """Draws the errors of runs over the steps, where chance has an error as well."""
    if result["lower_is_better"]:
        learn, unit = batches_of(options), UNITS[PROBLEMS[options.problem].kind]
        labels = f"{options.problem} at length {learn.lengths[-1]}: validation", unit
        pictures.draw_progress(folder, runs, result["baseline"], learn.ends, labels)


def together(
    options: Any, folder: pathlib.Path, results: Mapping[str, dict[str, Any]]
) -> None:
    """Draws all cells in one figure, prints a table, and writes what each reached."""
    (folder / "figures").mkdir(exist_ok=True)
    cells = [result["cell"] for result in results.values()]
    runs = list(zip(cells, (folder / folder_name(n) for n in results), strict=True))
    draw_progress(options, folder, runs, next(iter(results.values())))
    pictures.draw_together(options.problem, folder, runs)
    compare(options, folder, results)


if __name__ == "__main__":
    cli.run(train, together=together)
