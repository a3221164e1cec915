"""Many reservoirs as one program: spectral radius × leak × input scale."""

import dataclasses
import functools
import json
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from experiments.echo_state.data import TABLE
from experiments.echo_state.model import Plan, plan_of, scaled, signal_of, solve
from experiments.shared.errors import UsageError
from experiments.shared.ranges import numbers
from experiments.shared.run import Run
from seqjax import EchoState, figures
from seqjax.cells.echo_state import EchoStateCarry
from seqjax.layer import Array

AT_ONCE = 8  # reservoirs whose states are held at a time


class SweptParams(NamedTuple):
    """The parameters of a reservoir whose leak is one of them."""

    w_x: Array  # [in, H]
    w_h: Array  # [H, H]
    b: Array  # [H]
    leak: Array  # []


@dataclasses.dataclass(frozen=True)
class Swept(EchoState):
    """A reservoir whose leak is a parameter, so that `vmap` can take many."""

    def init(self, key, in_features, dtype=jnp.float32):
        """Draws the reservoir; its leak is that of the field."""
        drawn = super().init(key, in_features, dtype)
        return SweptParams(*drawn, jnp.asarray(self.leak, dtype))

    def update(self, params, carry, u, v):
        """Returns h⟨t⟩ = (1 − α) h⟨t−1⟩ + α tanh(u + v)."""
        h = (1 - params.leak) * carry.h + params.leak * jnp.tanh(u + v)
        return EchoStateCarry(h), h


class Grid(NamedTuple):
    """The values of each axis."""

    scales: tuple[float, ...]
    leaks: tuple[float, ...]
    radii: tuple[float, ...]


@functools.partial(jax.jit, static_argnums=(0, 4, 5))
def errors_over(
    cell: Swept, params: SweptParams, xs: Array, ys: Array, plan: Plan, grid: Grid
) -> Array:
    """Root mean squared errors on held-out blocks, scaled: [scales, leaks, radii].

    Args:
      cell: a reservoir of spectral radius and input scale 1.
      params: its parameters, one draw for all.
      xs: scaled inputs [T, n].
      ys: scaled targets [T, m].
      plan: how each readout is solved and chosen; the best penalty speaks for it.
      grid: what to try.
    """

    def error(point):
        scale, leak, radius = point
        drawn = params._replace(
            w_x=params.w_x * scale, w_h=params.w_h * radius, leak=leak
        )
        return jnp.sqrt(jnp.min(solve(cell, drawn, xs, ys, plan).errors))

    axes = (jnp.asarray(axis, xs.dtype) for axis in grid)
    points = [axis.ravel() for axis in jnp.meshgrid(*axes, indexing="ij")]
    flat = lax.map(error, tuple(points), batch_size=AT_ONCE)
    return flat.reshape([len(axis) for axis in grid])


def grid_of(options: Any) -> Grid:
    """The grid of --scales, --leaks and --radii."""

    def axis(name, highest):
        values = tuple(numbers(options, name))
        if not values or not all(0 < value <= highest for value in values):
            below = f" and at most {highest:g}" if np.isfinite(highest) else ""
            raise UsageError(f"--{name}: numbers above 0{below} are needed")
        return values

    return Grid(axis("scales", np.inf), axis("leaks", 1.0), axis("radii", np.inf))


def main(options: Any) -> dict[str, Any]:
    """Tries the grid, draws it, and says which point is best."""
    jax.config.update("jax_enable_x64", True)
    grid, source = grid_of(options), TABLE.load(options.dataset, options.data)
    signal = signal_of(options, source)
    plan = plan_of(options, signal)
    run = Run.begin("echo_state", options, source)
    density, bias = options.density, options.bias_scale
    cell = Swept(options.features, 1.0, 1.0, density, 1.0, bias)
    xs, ys = scaled(signal, plan.learn)
    params = cell.init(jax.random.key(options.seed), xs.shape[-1], xs.dtype)
    errors = np.asarray(errors_over(cell, params, xs, ys, plan, grid))
    unit = f"NRMSE up to step {plan.horizon}" if plan.horizon else "NRMSE, one step"
    errors = errors / float(jnp.std(ys, axis=0).mean())
    panels = {f"input scale {s:g}": e for s, e in zip(grid.scales, errors, strict=True)}
    axes = {"spectral radius": grid.radii, "leak α": grid.leaks}
    title = f"{source.name}: {options.features} units, {errors.size} reservoirs"
    run.figure(figures.grids, "sweep", panels, axes, f"{unit}, held out", title=title)
    best = np.unravel_index(np.nanargmin(errors), errors.shape)
    at = zip(grid._fields, grid, best, strict=True)
    found = {name: float(axis[i]) for name, axis, i in at}
    run.write("sweep.json", json.dumps({**grid._asdict(), "nrmse": errors.tolist()}))
    return run.finish(
        metric=f"{unit}, of the best reservoir on held-out blocks",
        lower_is_better=True,
        score=float(errors[best]),
        baseline=float(np.median(errors)),
        baseline_name="the median reservoir",
        best=found,
        reservoirs=errors.size,
    )
