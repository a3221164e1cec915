"""The two arrows into each da⟨t⟩: from the output at t, and from the step after.

a⟨t⟩ is used twice, so its gradient is the sum of two. To leave one of them out is the
commonest mistake in back-propagation through time.
"""

import pathlib
import textwrap
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import seqjax
from experiments.step_by_step import by_hand, through_time
from experiments.step_by_step.gradients import Problem, distance, loss_of_outputs
from seqjax.figures import drawing

SHOWN = 4  # steps, the last ones
OUTPUT, NEXT, FORWARD = "#0060a8", "#c04000", "#999999"


class Arrows(NamedTuple):
    """Gradients of the loss by a⟨t⟩, by the way that they take; one sequence's."""

    output: np.ndarray  # [T, H], by ŷ⟨t⟩ alone
    next: np.ndarray  # [T, H], by a⟨t+1⟩ alone
    automatic: np.ndarray  # [T, H], by both, as JAX finds it

    @property
    def distance(self) -> float:
        """Of the sum of the two from the automatic gradient."""
        return distance(self.output + self.next, self.automatic)


def longest(problem: Problem) -> Problem:
    """The problem of the first sequence alone, which is the longest."""
    v, first = problem.variables, slice(0, 1)
    carry = tuple(state[first] for state in v.carry)
    v = v._replace(carry=carry, xs=v.xs[:, first])
    labels, mask = problem.labels[:, first], problem.mask[:, first]
    return problem._replace(variables=v, labels=labels, mask=mask)


def arrows(name: str, problem: Problem) -> Arrows:
    """Both arrows by hand, and their sum by automatic differentiation."""
    cell, problem = by_hand.CELLS[name], longest(problem)
    (params, readout, carry, xs), labels, mask, loss = problem
    _, ys, keeps = through_time.sequence_forward(cell, params, carry, xs, mask)
    _, kept = through_time.loss_forward(readout, ys, labels, mask, loss)
    _, output = through_time.loss_backward(readout, kept)

    d_carry, after = tuple(np.zeros_like(state) for state in carry), []
    for t in reversed(range(len(xs))):
        da_next, *rest = d_carry
        after.append(da_next)
        total = (output[t] + da_next, *rest)
        _, d_carry, _ = cell.backward(params, keeps[t], total)
    automatic = np.asarray(by_both(name, problem))
    return Arrows(output[:, 0], np.stack(after[::-1])[:, 0], automatic[:, 0])


def by_both(name: str, problem: Problem) -> jax.Array:
    """∂L/∂a⟨t⟩ [T, 1, H]: the slope of the loss as something is added to a⟨t⟩."""
    params, readout, first, xs = problem.variables
    layer = seqjax.CELLS[name](first[0].shape[1])

    def step(carry, inputs):
        x, added = inputs
        carry, a = layer.step(params, carry, x)
        return carry._replace(h=a + added), a + added

    def loss_of(added):
        carry = type(layer.initial_carry())(*first)
        return loss_of_outputs(
            problem, readout, jax.lax.scan(step, carry, (xs, added))[1]
        )

    return jax.jit(jax.grad(loss_of))(jnp.zeros((len(xs), *first[0].shape)))


def draw_figure(path: pathlib.Path, name: str, found: Arrows) -> Figure:
    """The last steps, each with both arrows and their norms."""
    T = len(found.output)
    steps = range(max(T - SHOWN, 0), T)
    figure, grid = drawing.canvas(1, 1, (3.2 * len(steps) + 1.5, 5.6))
    axes = grid[0, 0]
    axes.set(xlim=(-1.9, 3 * len(steps) - 0.6), ylim=(-1.9, 3))
    axes.set_axis_off()
    for place, t in enumerate(steps):
        _draw_step(axes, 3 * place, t, T, found)
    sentence = (
        "da⟨t⟩ is the sum of its two arrows as vectors, here within "
        f"{found.distance:.0e} of the automatic gradient."
    )
    text = textwrap.fill(sentence, 32 * len(steps))
    _write(axes, 1.5 * (len(steps) - 1), -1.6, text, "black", ha="center")
    return drawing.write(figure, path, f"{name}: the two arrows into da⟨t⟩")


def _draw_step(axes: Axes, x: float, t: int, T: int, found: Arrows) -> None:
    """One step at x: its output above it, the step after at the right."""
    parts = found.output[t], found.next[t], found.output[t] + found.next[t]
    output, after, total = map(np.linalg.norm, parts)
    n = t + 1  # the course counts steps from 1
    _box(axes, x, 2.5, f"ŷ⟨{n}⟩", OUTPUT)
    _box(axes, x, 0, f"a⟨{n}⟩\n‖da⟨{n}⟩‖ = {total:.3f}", "black")
    _arrow(axes, (x - 0.35, 0.5), (x - 0.35, 2.2), FORWARD, 1.5)
    _arrow(axes, (x, 2.2), (x, 0.5), OUTPUT, 3.5)
    label = f"‖W_yᵀ dz⟨{n}⟩‖\n= {output:.3f}"
    _write(axes, x + 0.15, 1.35, label, OUTPUT, ha="left")
    _arrow(axes, (x - 2 + 0.3 * (x == 0), 0.25), (x - 0.9, 0.25), FORWARD, 1.5)
    if n < T:
        _arrow(axes, (x + 2.1, -0.2), (x + 0.9, -0.2), NEXT, 3.5)
        _write(axes, x + 1.5, -0.75, f"‖da_next‖\n= {after:.3f}", NEXT, ha="center")
    else:
        _write(axes, x + 1, -0.2, "no step after:\nda_next = 0", NEXT, ha="left")


def _box(axes: Axes, x: float, y: float, text: str, color: str) -> None:
    box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": color}
    style = {"ha": "center", "va": "center", "size": 14, "bbox": box}
    axes.text(x, y, text, **style)


def _arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    color: str,
    width: float,
) -> None:
    style = {"arrowstyle": "-|>", "color": color, "lw": width, "mutation_scale": 18}
    axes.annotate("", end, start, arrowprops={**style, "shrinkA": 0, "shrinkB": 0})


def _write(axes: Axes, x: float, y: float, text: str, color: str, ha: str) -> None:
    axes.text(x, y, text, color=color, ha=ha, va="center", size=14)
