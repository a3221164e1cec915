"""Memory capacity: how many past inputs can be read from a reservoir. Jaeger (2001).

"Short term memory in echo state networks": MC = Σ_k r²(u⟨t−k⟩, its best linear readout
from the state at t), k = 0, 1, …, for inputs u that are independent. It is at most N,
the number of units, and a linear reservoir comes near it.
"""

import functools
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.shared.run import Run
from seqjax import EchoState, Layer
from seqjax.extras import later
from seqjax.layer import Array
from seqjax.train import ridge

pictures = later("experiments.echo_state.pictures")

RADII = (0.5, 0.9, 0.99)
LINEAR = "linear, radius 0.9"
DELAYS = 3  # inputs that are asked for, for each unit


@functools.partial(jax.jit, static_argnums=(0, 3, 4, 5))
def remembered(
    layer: Layer, params: Any, key: Array, delays: int, steps: int, washout: int
) -> Array:
    """Returns r² on inputs that no readout was solved on, by delay from 0 on: [K].

    Args:
      layer: reads one number a step.
      params: of the layer.
      key: of the inputs, which are uniform in ±1.
      delays: K.
      steps: to learn from, and as many to test on.
      washout: steps before them, at least K − 1.
    """
    u = jax.random.uniform(key, (2 * steps + washout, 1), jnp.float64, -1, 1)
    states = layer.unroll(params, u)[1][washout:]
    at = washout + jnp.arange(2 * steps)[:, None] - jnp.arange(delays)
    past = u[:, 0][at]  # [2 steps, K]
    readout = ridge.solve(ridge.observe(states[:steps], past[:steps]), 0.0)
    said, right = states[steps:] @ readout.w, past[steps:]
    said, right = said - said.mean(axis=0), right - right.mean(axis=0)
    scale = jnp.sum(said**2, axis=0) * jnp.sum(right**2, axis=0)
    return jnp.sum(said * right, axis=0) ** 2 / jnp.where(scale > 0, scale, 1)


def reservoirs(options: Any) -> dict[str, EchoState]:
    """The reservoirs to compare: of several radii, and a linear one."""
    more = {"density": options.density, "bias_scale": options.bias_scale}
    found = {
        f"tanh, radius {radius:g}": EchoState(
            options.features, spectral_radius=radius, input_scale=0.1, **more
        )
        for radius in RADII
    }
    linear = {"activation": "identity", "density": options.density, "bias_scale": 0.0}
    return {**found, LINEAR: EchoState(options.features, **linear)}


def main(options: Any) -> dict[str, Any]:
    """Measures each reservoir, draws what is left of each past input."""
    jax.config.update("jax_enable_x64", True)
    run = Run.begin("echo_state", options)
    delays, keys = DELAYS * options.features, jax.random.split(run.key)
    steps, washout = options.learn, max(options.washout, delays)
    curves = {
        name: np.asarray(
            remembered(
                cell,
                cell.init(keys[0], 1, jnp.float64),
                keys[1],
                delays,
                steps,
                washout,
            )
        )
        for name, cell in reservoirs(options).items()
    }
    capacities = {name: float(curve.sum()) for name, curve in curves.items()}
    for name, value in capacities.items():
        run.say(f"{name}: memory capacity {value:.1f} of at most {options.features}")
    title = f"what {options.features} units remember of past inputs"
    run.figure(pictures.forgetting, "capacity", curves, options.features, title=title)
    by_delay = {name: curve.tolist() for name, curve in curves.items()}
    run.write("capacity.json", json.dumps(by_delay) + "\n")
    best = max(capacities, key=lambda name: capacities[name])
    return run.finish(
        data="uniform independent inputs",
        metric=f"memory capacity, {best}",
        lower_is_better=False,
        score=capacities[best],
        baseline=delays / steps,
        baseline_name="chance: the squared correlation of unrelated numbers, summed",
        best_possible=float(options.features),
        capacities=capacities,
    )
