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

from experiments import common
from experiments.speed import memory
from seqjax.scan import Gradient

FLAGS = flags.FLAGS
for shared in ("cell", "features", "batch_size", "workdir", "quiet"):
    flags.declare_key_flag(shared)
common.set_defaults(features=256, batch_size=8)
FLAGS["quiet"].help = "Print the last line only."
INPUTS = flags.DEFINE_integer("inputs", 64, "The width of the inputs.", 1)
LONGEST = flags.DEFINE_integer("longest", 16384, "Steps of the longest sequence.", 16)
ROUNDS = flags.DEFINE_integer("rounds", 3, "How often each has its turn.", 1)

GRADIENTS = get_args(Gradient)


class Cost(NamedTuple):
    """What one gradient costs at one length."""

    steps: int
    gradient: str
    compile: float  # seconds
    seconds: float  # of a call, the median over rounds
    bytes: int  # held at most during a call, beyond what was held before it
    to_plain: float  # time over that of plain, the median over rounds


def lengths() -> list[int]:
    """--longest and its halves, five in all."""
    return [LONGEST.value >> i for i in reversed(range(5))]


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


def measure(layer: Any, params: Any, steps: int) -> list[Cost]:
    """All gradients at one length, in turn."""
    shape = (steps, FLAGS.batch_size, INPUTS.value)
    args = (params, jax.random.normal(jax.random.key(1), shape))
    made = {name: compiled(layer, *args, name) for name in GRADIENTS}
    held = {name: bytes_of(f, *args) for name, (f, _) in made.items()}
    rounds = [
        {name: once(f, *args) for name, (f, _) in made.items()}
        for _ in range(ROUNDS.value)
    ]
    return [
        Cost(
            steps,
            name,
            seconds_to_compile,
            statistics.median(turn[name] for turn in rounds),
            held[name],
            statistics.median(turn[name] / turn["plain"] for turn in rounds),
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


def draw(path: pathlib.Path, costs: list[Cost]) -> None:
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
    figure.suptitle(
        f"{FLAGS.cell}, batch {FLAGS.batch_size}, {INPUTS.value} inputs, "
        f"{FLAGS.features} units: gradient of the mean square of all outputs"
    )
    figure.savefig(path)


def main(argv: list[str]) -> None:
    """Measures, length by length, and reports."""
    del argv
    layer = common.make_layer()
    params = layer.init(jax.random.key(0), INPUTS.value)
    workdir = common.open_workdir("lengths")
    costs = []
    for steps in tqdm(lengths(), unit="length", disable=FLAGS.quiet or None):
        costs += measure(layer, params, steps)
    rows = [cost._asdict() for cost in costs]
    common.write_text(workdir / "lengths.json", json.dumps(rows, indent=1) + "\n")
    common.write_text(workdir / "lengths.md", table(costs))
    draw(workdir / "figures" / "lengths.png", costs)
    common.say(table(costs))
    print(f"table, numbers and figure: {workdir}", flush=True)


if __name__ == "__main__":
    common.run(main)
