"""Builds recurrent networks step by step, and checks every gradient in three ways.

The course's assignment 1. `experiments.by_hand` derives Elman, GRU and LSTM with pen,
paper and NumPy; read it first. This script lays its gradients beside those of seqjax
(automatic differentiation) and beside what the word gradient means, the slope of the
loss:

    ∂L/∂vᵢ ≈ (L(v + ε eᵢ) − L(v − ε eᵢ)) / 2ε        for each basis direction eᵢ

Distances are max |a − b| / max |b|, with b the automatic gradient. A right derivation
agrees to rounding, about 1e-15. The differences stop near 1e-10, since the formula is
off by a multiple of ε² and the rounding of L is divided by ε: they find a wrong term,
not a wrong last digit.

    python -m experiments.step_by_step --cell=gru

prints the table and writes figures/gradients.png and result.json. Delete a term in
by_hand.py and run it again: which gradients does it spoil, and why not the others?
"""

import functools
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags
from jax.flatten_util import ravel_pytree
from matplotlib.figure import Figure

import seqjax
from experiments import by_hand, common
from seqjax import Layer, Readout, losses

for shared in ("cell", "features", "batch_size", "seed", "workdir", "quiet"):
    flags.declare_key_flag(shared)
common.set_defaults(cell="all", features=5, batch_size=4)
flags.FLAGS["cell"].help = "The cell to derive: elman, gru, lstm, or all three."
flags.FLAGS["batch_size"].help = "B, the sequences; their lengths fall from T to 0."
IN_FEATURES = flags.DEFINE_integer("in_features", 4, "The width of the input x⟨t⟩.", 1)
TIME = flags.DEFINE_integer("time", 7, "T, the steps of the longest sequence.", 1)
FLAGS = flags.FLAGS

CLASSES = 3
ROUNDING = 1e-9  # a hand-derived gradient farther off than this is wrong


class Problem(NamedTuple):
    """A sequence classifier at random weights, and its ragged random data."""

    variables: by_hand.Variables
    labels: np.ndarray  # [T, B]
    mask: np.ndarray  # [T, B] bool


class Row(NamedTuple):
    """A loss, or a gradient, found in each way; all arrays of one shape."""

    name: str
    by_hand: np.ndarray
    lean: np.ndarray
    plain: np.ndarray
    slope: np.ndarray | None  # by central differences; none of the loss itself


def lengths() -> np.ndarray:
    """The sequences' lengths [B], from T down to 0."""
    return np.linspace(TIME.value, 0, FLAGS.batch_size).round().astype(int)


def draw(cell: by_hand.Cell) -> Problem:
    """Draws all at random: no weight is zero, no two rows are alike."""
    rng = np.random.default_rng(FLAGS.seed)
    n, H, T, B = IN_FEATURES.value, FLAGS.features, TIME.value, FLAGS.batch_size
    columns = cell.gates * H
    params = by_hand.Params(
        w_x=rng.normal(size=(n, columns)) / np.sqrt(n),
        w_h=rng.normal(size=(H, columns)) / np.sqrt(H),
        b=rng.normal(size=columns),
    )
    readout = by_hand.Readout(rng.normal(size=(H, CLASSES)), rng.normal(size=CLASSES))
    carry = tuple(rng.normal(size=(B, H)) for _ in cell.states)
    xs = rng.normal(size=(T, B, n))
    labels = rng.integers(CLASSES, size=(T, B))
    mask = np.arange(T)[:, None] < lengths()
    return Problem(by_hand.Variables(params, readout, carry, xs), labels, mask)


def seqjax_loss(
    layer: Layer, gradient: str, problem: Problem, variables: by_hand.Variables
) -> jax.Array:
    """The same loss by seqjax, whose layers take the parameters as they are."""
    params, readout, carry, xs = variables
    mask = problem.mask
    carry = type(layer.initial_carry())(*carry)
    _, ys = layer.unroll(params, xs, carry, mask=mask, gradient=gradient)
    _, logits = Readout(CLASSES).unroll(readout, ys, mask=mask)
    return losses.cross_entropy(logits, problem.labels, mask).result()


def central_differences(loss: Callable, variables: Any, ε: float = 1e-5) -> Any:
    """The slope of the loss along every basis direction, up to 1024 of them at once."""
    v, unravel = ravel_pytree(variables)

    def slope(i):
        ahead, behind = (loss(unravel(v.at[i].add(step))) for step in (ε, -ε))
        return (ahead - behind) / (2 * ε)

    return unravel(jax.lax.map(slope, jnp.arange(v.size), batch_size=1024))


def compare(name: str) -> list[Row]:
    """One cell's loss, then the gradients by all that it depends on, in each way."""
    cell, layer = by_hand.CELLS[name], seqjax.CELLS[name](FLAGS.features)
    problem = draw(cell)
    v = problem.variables
    lean, plain = (
        functools.partial(seqjax_loss, layer, gradient, problem)
        for gradient in ("lean", "plain")
    )
    found = [
        by_hand.loss_and_gradients(cell, *problem),
        jax.jit(jax.value_and_grad(lean))(v),
        jax.jit(jax.value_and_grad(plain))(v),
    ]
    slopes = jax.jit(functools.partial(central_differences, plain))(v)

    states = [f"{letter}⟨0⟩" for letter in cell.states]
    names = ["W_x", "W_h", "b", "W_y", "b_y", *states, "x"]
    gradients = (jax.tree.leaves(tree) for tree in (*(g for _, g in found), slopes))
    return [
        Row("loss", *(np.asarray(loss) for loss, _ in found), None),
        *(
            Row(name, *map(np.asarray, leaves))
            for name, *leaves in zip(names, *gradients, strict=True)
        ),
    ]


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """max |a − b| / max |b|, between arrays of one shape."""
    return float(np.max(np.abs(a - b)) / max(np.max(np.abs(b)), np.finfo(float).tiny))


def distances(row: Row) -> tuple[float, float]:
    """Of by hand, and of the central differences, from the automatic gradient."""
    hand = np.max([distance(row.by_hand, row.lean), distance(row.by_hand, row.plain)])
    return float(hand), 0.0 if row.slope is None else distance(row.slope, row.lean)


def table(name: str, rows: list[Row]) -> list[str]:
    """One entry of each gradient in three ways, and the largest distances of all."""
    lines = [
        f"{name:<17}{'largest entry, or the farthest off':^54}{'distance':^22}",
        f"{'':<17}{'by hand':>18}{'automatic':>18}{'differences':>18}"
        f"{'by hand':>9}{'differences':>13}",
    ]
    for row in rows:
        hand, slope = distances(row)
        right = hand <= ROUNDING
        size = np.abs(row.lean if right else row.by_hand - row.lean)
        at = np.unravel_index(np.argmax(size), size.shape)
        by_hand_entry, entry = row.by_hand[at], row.lean[at]
        is_loss = row.slope is None
        slope_entry = "" if is_loss else f"{row.slope[at]:#.11g}"
        lines.append(
            f"  {row.name:<5}{'×'.join(map(str, size.shape)):<10}"
            f"{by_hand_entry:>#18.11g}{entry:>#18.11g}{slope_entry:>18}"
            f"{hand:>9.1e}{'' if is_loss else f'{slope:.1e}':>13}"
            f"{'' if right else '  ← by hand is wrong'}"
        )
    return [*(line.rstrip() for line in lines), ""]


def draw_figure(path: pathlib.Path, tables: dict[str, list[Row]]) -> None:
    """Hand-derived against automatic gradients: right ones lie on the diagonal."""
    figure = Figure(figsize=(4.6 * len(tables), 4.8), dpi=120, layout="constrained")
    panels = figure.subplots(1, len(tables), squeeze=False)[0]
    for axes, (name, rows) in zip(panels, tables.items(), strict=True):
        axes.axline((0, 0), slope=1, color="black", lw=0.8, zorder=0)
        for row, marker in zip(rows[1:], "osD^vP*X", strict=False):
            hand, automatic = row.by_hand.ravel(), row.lean.ravel()
            axes.plot(
                automatic, hand, marker, ms=5, mfc="none", alpha=0.8, label=row.name
            )
        axes.set(title=name, xlabel="automatic gradient (seqjax)", aspect="equal")
        axes.grid(alpha=0.3)
        axes.legend(title="∂L/∂", fontsize="small")
    panels[0].set_ylabel("hand-derived gradient (NumPy)")
    figure.savefig(path)


def main(argv: list[str]) -> None:
    """Compares, prints, draws, sums up."""
    del argv
    jax.config.update("jax_enable_x64", True)
    names = list(by_hand.CELLS) if FLAGS.cell == "all" else [FLAGS.cell]
    if names[0] not in by_hand.CELLS:
        known = ", ".join(by_hand.CELLS)
        raise common.UsageError(f"--cell: {names[0]!r} is none of {known}, all")
    workdir = common.open_workdir("step_by_step")
    begin = time.perf_counter()
    ragged = " ".join(map(str, lengths()))
    common.say(
        f"H = {FLAGS.features} units, inputs of width {IN_FEATURES.value}, {CLASSES} "
        f"classes, a batch of lengths {ragged}, in float64",
        "",
    )
    tables = {}
    for name in names:
        tables[name] = compare(name)
        common.say(*table(name, tables[name]))
    seconds = time.perf_counter() - begin

    draw_figure(workdir / "figures" / "gradients.png", tables)
    hand, slope = np.max([distances(r) for rows in tables.values() for r in rows], 0)
    common.say(
        f"largest distance from the automatic gradient, lean or plain: {hand:.1e} by "
        f"hand, {slope:.1e} by differences",
        f"figure and result: {workdir}",
    )
    common.finish(
        workdir,
        task="step_by_step",
        data=f"random, lengths {ragged}, seed {FLAGS.seed}",
        cell=FLAGS.cell,
        metric="largest relative distance between hand-derived and automatic gradient",
        score=float(hand),
        baseline=float(slope),
        steps=0,
        seconds=round(seconds, 2),
        tokens_per_second=round(len(names) * int(lengths().sum()) / seconds),
    )
    if not hand <= ROUNDING:
        sys.exit(
            f"error: by hand, a gradient is off by {hand:.1e} of its largest entry"
        )


if __name__ == "__main__":
    common.run(main)
