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

writes into the run's folder: figures/loss.png, figures/by_length.png (what is right
against the length, where a problem is asked beyond the length of training), for anbn
and dyck figures/counter.png (the unit that follows the count best), result.json, and
the trained model, which seqjax.load asks; with several cells, figures of all of them
and figures/comparison.png.
"""

import json
import pathlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
from absl import flags

from experiments.memory import counting, pictures, scoring
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
from seqjax.predict import VectorPredictor
from seqjax.train import TrainResult

FLAGS = flags.FLAGS
NO_USE = {"data", "dataset", "split_seed", "buckets"}  # nothing is read or split
for flag in FLAGS.get_flags_for_module(shared.__name__):
    if flag.name not in NO_USE:
        flags.declare_key_flag(flag.name)
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
    facts = f"length {length}, asked up to {tested}, {len(test.mask)} held out"
    run = Run.begin("memory", options, source, variables, facts)
    o = options
    learn = Endless(problem, length, o.batch_size, o.seed, o.steps, o.curriculum)
    if len(learn.lengths) > 1:
        steps = zip(learn.lengths, learn.ends, strict=True)
        words = ", ".join(f"{n} up to step {end}" for n, end in steps)
        run.say(f"curriculum: length {words}")

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
    predictor = replace(predictor, variables=result.params)
    run.save(predictor)
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
    valid, test = held_out
    found = scoring.score(predictor, problem, valid, test, length)
    chance = {"chance": found["baseline"]} if found["lower_is_better"] else {}
    unit = UNITS[problem.kind]
    run.learning_curves(
        result,
        figures.Panel(f"training: {unit}", {"training": "loss"}),
        figures.Panel(f"length {length}: {unit}", {"validation": "valid"}, chance),
    )
    curve = scoring.by_length(predictor, problem, test, length)
    if curve:
        run.write(pictures.CURVE, json.dumps(curve) + "\n")
        title = f"{options.problem}: {options.cell}"
        pictures.draw_curves(run.folder, {options.cell: [curve]}, title=title)
    if problem.ragged:
        counter = counting.counter(predictor, valid, test, length)
        found |= {name: counter[name] for name in counting.NUMBERS}
        run.write(pictures.COUNTER, json.dumps(counter) + "\n")
        pictures.draw_counters(run.folder, {options.cell: counter}, options.problem)
        run.say(f"{options.cell}: {counting.in_words(counter)}")
    run.say(f"{options.cell}: {scoring.in_words(found)}")
    return run.finish(result, length=length, **found)


def together(
    options: Any, folder: pathlib.Path, results: Mapping[str, dict[str, Any]]
) -> None:
    """Draws all cells in one figure, prints a table, and writes what each reached."""
    (folder / "figures").mkdir(exist_ok=True)
    pictures.draw_together(
        options,
        folder,
        {
            name: (result["cell"], folder / folder_name(name))
            for name, result in results.items()
        },
    )
    compare(options, folder, results)


if __name__ == "__main__":
    cli.run(train, together=together)
