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

prints the table and writes figures/gradients.png and result.json. Delete a term in
by_hand.py and run it again: which gradients does it spoil, and why not the others?
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
from experiments.step_by_step import by_hand
from experiments.step_by_step.gradients import (
    CLASSES,
    Sizes,
    compare,
    distances,
    lengths,
)
from experiments.step_by_step.report import ROUNDING, draw_figure, table

for name in ("cell", "features", "batch_size", "seed", "workdir", "quiet"):
    flags.declare_key_flag(name)
shared.set_defaults(cell="all", features=5, batch_size=4)
flags.FLAGS["cell"].help = "The cell to derive: elman, gru, lstm, or all three."
flags.FLAGS["batch_size"].help = "B, the sequences; their lengths fall from T to 0."
flags.DEFINE_integer("in_features", 4, "The width of the input x⟨t⟩.", 1)
flags.DEFINE_integer("time", 7, "T, the steps of the longest sequence.", 1)


def derive(options: Any) -> dict[str, Any]:
    """Compares, prints, draws, sums up."""
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
        f"H = {sizes.features} units, inputs of width {sizes.inputs}, {CLASSES} "
        f"classes, a batch of lengths {ragged}, in float64",
        "",
    )
    tables = {}
    for name in names:
        tables[name] = compare(name, sizes, options.seed)
        run.say(*table(name, tables[name]))
    run.figure(draw_figure, "gradients", tables)
    hand, slope = np.max([distances(r) for rows in tables.values() for r in rows], 0)
    run.say(
        f"largest distance from the automatic gradient, lean or plain: {hand:.1e} by "
        f"hand, {slope:.1e} by differences"
    )
    result = run.finish(
        data=f"random, lengths {ragged}, seed {options.seed}",
        metric="largest relative distance between hand-derived and automatic gradient",
        lower_is_better=True,
        score=float(hand),
        baseline=float(slope),
        baseline_name="central differences",
    )
    if not hand <= ROUNDING:
        sys.exit(
            f"error: by hand, a gradient is off by {hand:.1e} of its largest entry"
        )
    return result


if __name__ == "__main__":
    cli.run(derive)
