"""What a long sequence costs: time, memory and compilation against its length.

The gradient of the mean square of all outputs, with respect to the parameters, by
JAX's own derivative of the scan (plain), by the walk back that keeps the gates of each
step (lean), and by the one that keeps carries at the borders of chunks (remat).

    python -m experiments.speed.lengths
    python -m experiments.speed.lengths --cell=gru --longest=4096

writes into the run's folder: lengths.md (the table), lengths.json, figures/lengths.png.
"""

import json
import pathlib
import statistics
import time
from typing import Any, NamedTuple, get_args

import jax
import jax.numpy as jnp
from absl import flags
from matplotlib.figure import Figure
from tqdm import tqdm

from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.layers import stacked
from experiments.shared.run import Run
from experiments.speed import memory
from seqjax.scan import Gradient

for name in ("cell", "features", "batch_size", "workdir", "quiet"):
    flags.declare_key_flag(name)
shared.set_defaults(features=256, batch_size=8)
flags.FLAGS["quiet"].help = "Print the last line only."
flags.DEFINE_integer("inputs", 64, "The width of the inputs.", 1)
flags.DEFINE_integer("longest", 16384, "Steps of the longest sequence.", 16)
flags.DEFINE_integer("rounds", 3, "How often each has its turn.", 1)

GRADIENTS = get_args(Gradient)


class Cost(NamedTuple):
    """What one gradient costs at one length."""

    steps: int
    gradient: str
    compile: float  # seconds
    seconds: float  # of a call, the median over rounds
    bytes: int  # held at most during a call, beyond what was held before it
    to_plain: float  # time over that of plain, the median over rounds


def lengths(longest: int) -> list[int]:
    """A length and its halves, five in all."""
    return [longest >> i for i in reversed(range(5))]


def compiled(
    layer: Any, params: Any, xs: jax.Array, gradient: str
) -> tuple[Any, float]:
    """The compiled gradient, and the seconds that compilation took."""

    def loss(params, xs):
        return jnp.mean(layer.unroll(params, xs, gradient=gradient)[1] ** 2)

    lowered = jax.jit(jax.grad(loss)).lower(params, xs)
    begin = time.perf_counter()
    return lowered.compile(), time.perf_counter() - begin


def once(f: Any, *args: Any) -> float:
    """Seconds of a call."""
    begin = time.perf_counter()
    jax.block_until_ready(f(*args))
    return time.perf_counter() - begin


def bytes_of(f: Any, *args: Any) -> int:
    """What a call holds at most; by the compiler's plan where the system cannot say."""
    before = memory.settle()
    once(f, *args)
    after = memory.peak()
    if before is None or after is None:
        return f.memory_analysis().temp_size_in_bytes
    return after - before


def measure(layer: Any, params: Any, xs: jax.Array, rounds: int) -> list[Cost]:
    """All gradients at one length, in turn."""
    args = (params, xs)
    made = {name: compiled(layer, *args, name) for name in GRADIENTS}
    held = {name: bytes_of(f, *args) for name, (f, _) in made.items()}
    turns = [
        {name: once(f, *args) for name, (f, _) in made.items()} for _ in range(rounds)
    ]
    return [
        Cost(
            len(xs),
            name,
            seconds_to_compile,
            statistics.median(turn[name] for turn in turns),
            held[name],
            statistics.median(turn[name] / turn["plain"] for turn in turns),
        )
        for name, (_, seconds_to_compile) in made.items()
    ]


def table(costs: list[Cost]) -> str:
    """Markdown, a row a length and gradient."""
    plain = {cost.steps: cost for cost in costs if cost.gradient == "plain"}
    rows = [
        f"| {cost.steps:,} | {cost.gradient} | {cost.seconds * 1e3:.3g} ms "
        f"| {cost.to_plain:.2f}× | {cost.bytes / 1e6:.3g} "
        f"| {cost.bytes / plain[cost.steps].bytes:.3f}× | {cost.compile:.2f} s |"
        for cost in costs
    ]
    head = "| steps | gradient | time | of plain | MB | of plain | compile |"
    return "\n".join([head, "|---" * 7 + "|", *rows]) + "\n"


def draw(path: pathlib.Path, costs: list[Cost], title: str) -> None:
    """Three panels against the length, each with a line a gradient."""
    panels = {
        "time of a call, s": lambda cost: cost.seconds,
        "most memory held, MB": lambda cost: cost.bytes / 1e6,
        "compilation, s": lambda cost: cost.compile,
    }
    figure = Figure(figsize=(12, 4), dpi=120, layout="constrained")
    for axes, (label, of) in zip(figure.subplots(1, 3), panels.items(), strict=True):
        for i, name in enumerate(GRADIENTS):
            mine = [cost for cost in costs if cost.gradient == name]
            steps = [cost.steps for cost in mine]
            axes.plot(steps, [of(cost) for cost in mine], f"C{i}o-", label=name)
        axes.set(xlabel="steps", ylabel=label, xscale="log", xticks=steps)
        axes.set_xticks(steps, [f"{n:,}" for n in steps])
        axes.minorticks_off()
        if not label.startswith("compilation"):
            axes.set_yscale("log")
        axes.set_ylim(bottom=0 if label.startswith("compilation") else None)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    figure.savefig(path)


def compare(options: Any) -> None:
    """Measures, length by length, and reports."""
    o = options
    layer = stacked(o.cell, o.features)
    params = layer.init(jax.random.key(0), o.inputs)
    run = Run.begin("lengths", options)
    costs = []
    for steps in tqdm(lengths(o.longest), unit="length", disable=o.quiet or None):
        xs = jax.random.normal(jax.random.key(1), (steps, o.batch_size, o.inputs))
        costs += measure(layer, params, xs, o.rounds)
    rows = [cost._asdict() for cost in costs]
    run.write("lengths.json", json.dumps(rows, indent=1) + "\n")
    run.write("lengths.md", table(costs))
    title = (
        f"{o.cell}, batch {o.batch_size}, {o.inputs} inputs, {o.features} units: "
        f"gradient of the mean square of all outputs"
    )
    run.figure(draw, "lengths", costs, title)
    run.say(table(costs))
    print(f"table, numbers and figure: {run.folder}", flush=True)


if __name__ == "__main__":
    cli.run(compare)
