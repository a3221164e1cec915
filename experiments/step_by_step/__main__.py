"""Builds recurrent networks step by step, and checks every gradient in three ways.

The course's assignment 1. `experiments.step_by_step.by_hand` derives Elman, GRU and
LSTM with pen, paper and NumPy; read it first. This script lays its gradients beside
those of seqjax (automatic differentiation) and beside what the word gradient means, the
slope of the loss:

    ∂L/∂vᵢ ≈ (L(v + ε eᵢ) − L(v − ε eᵢ)) / 2ε        for each basis direction eᵢ

Distances are max |a − b| / max |b|, with b the automatic gradient. A right derivation
agrees to rounding, about 1e-15. The differences stop near 1e-10, since the formula is
off by a multiple of ε² and the rounding of L is divided by ε: they find a wrong term,
not a wrong last digit.

    python -m experiments.step_by_step --cell=gru

prints the table and writes figures/gradients.png, figures/arrows.png (the two arrows
into each da⟨t⟩) and result.json. Delete a term in by_hand.py and run it again: which
gradients does it spoil, and why not the others?

Your own NumPy functions of the assignment (rnn_cell_forward, rnn_cell_backward, ...,
lstm_backward, as many as you have written) are checked by

    python -m experiments.step_by_step --yours=mine.py

which names the first wrong term of each, and, if its numbers are those of a classic
mistake, the mistake. experiments/step_by_step/template.py has them all, to be written.
The file is executed in this process, with all that it does. Exit status 0: all that is
there is right.
"""

import sys
from typing import Any

import jax
import numpy as np
from absl import flags

from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.errors import UsageError
from experiments.shared.run import Run
from experiments.step_by_step import by_hand, through_time
from experiments.step_by_step.gradients import (
    CLASSES,
    Problem,
    Sizes,
    compare,
    distances,
    draw,
    lengths,
)
from experiments.step_by_step.report import ROUNDING, draw_figure, table
from experiments.step_by_step.yours.check import check
from seqjax.data import DataError
from seqjax.extras import later

arrows = later("experiments.step_by_step.arrows")

for name in "cell features batch_size seed workdir quiet compilation_cache".split():
    flags.declare_key_flag(name)
shared.set_defaults(cell="all", features=5, batch_size=4)
flags.FLAGS["cell"].help = "The cell to derive: elman, gru, lstm, or all three."
flags.FLAGS["batch_size"].help = "B, the sequences; their lengths fall from T to 0."
flags.DEFINE_integer("in_features", 4, "The width of the input x⟨t⟩.", 1)
flags.DEFINE_integer("time", 7, "T, the steps of the longest sequence.", 1)
flags.DEFINE_enum(
    "loss",
    "softmax",
    list(through_time.LOSSES),
    "What ŷ⟨t⟩ is, and the cross entropy that goes with it: softmax over "
    f"{CLASSES['softmax']} classes, or σ of one number for labels 0 and 1.",
)
flags.DEFINE_string(
    "yours",
    None,
    "A Python file of your own with functions of the assignment, to be checked term by "
    "term; it is executed in this process. Of the other flags, --seed goes with it.",
)


def check_yours(options: Any) -> None:
    """Says what is right and what is wrong in a student's file; writes nothing."""
    for name in ("cell", "features", "batch_size", "in_features", "time", "loss"):
        if flags.FLAGS[name].present:
            raise UsageError(f"--{name}: --yours has no use for it")
    if options.workdir:
        raise UsageError("--workdir: --yours writes nothing")
    report, wrong = check(options.yours, options.seed)
    if not options.quiet:
        print(*report, sep="\n", flush=True)
    if wrong:
        raise DataError(wrong)


def derive(options: Any) -> dict[str, Any] | None:
    """Compares, prints, draws, sums up."""
    if options.yours is not None:
        return check_yours(options)
    jax.config.update("jax_enable_x64", True)
    names = list(by_hand.CELLS) if options.cell == "all" else [options.cell]
    if names[0] not in by_hand.CELLS:
        known = ", ".join(by_hand.CELLS)
        raise UsageError(f"--cell: {names[0]!r} is none of {known}, all")
    o = options
    sizes = Sizes(o.in_features, o.features, o.time, o.batch_size)
    run = Run.begin("step_by_step", options)
    ragged = " ".join(map(str, lengths(sizes)))
    run.say(
        f"H = {sizes.features} units, inputs of width {sizes.inputs}, {o.loss} of "
        f"width {CLASSES[o.loss]}, a batch of lengths {ragged}, in float64",
        "",
    )
    problems = {n: draw(by_hand.CELLS[n], sizes, o.seed, o.loss) for n in names}
    tables = {name: compare(name, problem) for name, problem in problems.items()}
    for name, rows in tables.items():
        run.say(*table(name, rows))
    run.figure(draw_figure, "gradients", tables)
    hand, slope = np.max([distances(r) for rows in tables.values() for r in rows], 0)
    run.say(
        f"largest distance from the automatic gradient, lean or plain: {hand:.1e} by "
        f"hand, {slope:.1e} by differences"
    )
    both = draw_arrows(run, names[0], problems[names[0]])
    result = run.finish(
        data=f"random, lengths {ragged}, seed {o.seed}, {o.loss}",
        metric="largest relative distance between hand-derived and automatic gradient",
        lower_is_better=True,
        score=float(hand),
        baseline=float(slope),
        baseline_name="central differences",
    )
    if not max(hand, both) <= ROUNDING:
        off = max(hand, both)
        sys.exit(f"error: by hand, a gradient is off by {off:.1e} of its largest entry")
    return result


def draw_arrows(run: Run, name: str, problem: Problem) -> float:
    """Draws the two arrows into each da⟨t⟩; how far their sum is off."""
    found = arrows.arrows(name, problem)
    run.figure(arrows.draw_figure, "arrows", name, found)
    run.say(
        f"the two arrows into da⟨t⟩ of {name}, figures/arrows.png: their sum is within "
        f"{found.distance:.1e} of the automatic gradient"
    )
    return found.distance


if __name__ == "__main__":
    cli.run(derive)
