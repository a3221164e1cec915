"""Memory capacity: how many past inputs can be read from a reservoir. Jaeger (2001).

"Short term memory in echo state networks": MC = Σ_k r²(u⟨t−k⟩, its best linear readout
from the state at t), for inputs u that are independent. It is at most N, the number of
units, and a linear reservoir comes near it.
"""

import functools
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.echo_state import pictures
from experiments.shared.run import Run
from seqjax import EchoState, Layer
from seqjax.layer import Array
from seqjax.train import ridge

RADII = (0.5, 0.9, 0.99)
UNITS = 50  # unless --features says otherwise: capacity is about one unit, not many
STEPS, WASHOUT = 6000, 500  # to learn from, and as many to test on
LINEAR = "linear, radius 0.9"


@functools.partial(jax.jit, static_argnums=(0, 3))
def remembered(layer: Layer, params: Any, key: Array, delays: int) -> Array:
    """Returns r² on inputs that no readout was solved on, by delay 1 … `delays`: [K].

    Args:
      layer: reads one number a step.
      params: of the layer.
      key: of the inputs, which are uniform in ±1.
      delays: K.
    """
    u = jax.random.uniform(key, (2 * STEPS + WASHOUT, 1), jnp.float64, -1, 1)
    states = layer.unroll(params, u)[1][WASHOUT:]
    at = WASHOUT + jnp.arange(2 * STEPS)[:, None] - jnp.arange(1, delays + 1)
    past = u[:, 0][at]  # [2 STEPS, K]
    readout = ridge.solve(ridge.observe(states[:STEPS], past[:STEPS]), 0.0)
    said, right = states[STEPS:] @ readout.w, past[STEPS:]
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
    delays, keys = 2 * options.features, jax.random.split(run.key)
    curves = {
        name: np.asarray(
            remembered(cell, cell.init(keys[0], 1, jnp.float64), keys[1], delays)
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
        baseline=1 / STEPS * delays,
        baseline_name="chance: the squared correlation of unrelated numbers, summed",
        best_possible=float(options.features),
        capacities=capacities,
    )
