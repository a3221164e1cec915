"""What can a random network do whose readout alone is solved? Echo state networks.

A reservoir is drawn once and not trained. Its readout is a ridge regression in closed
form, in float64, and takes seconds. Where the targets are the next inputs, the network
then reads its own outputs, and so forecasts.

    python -m experiments.echo_state
    python -m experiments.echo_state --flagfile=experiments/echo_state/presets/laser.txt
    python -m experiments.echo_state --data=series.csv --features=200

writes into the run's folder figures/prediction.png, horizon.png (the error by how far
ahead), portrait.png (where the network goes by itself), model.safetensors, which
`seqjax.load` asks by `.forecast(series, steps)`, and result.json: the error over the
deviation of the signal (NRMSE), beside linear regression on as many delays and the last
value repeated.

    python -m experiments.echo_state --mode=sweep
    python -m experiments.echo_state --mode=capacity
    python -m experiments.echo_state --mode=race

are a heat map over spectral radius, leak and input scale, computed as one vmapped
program; how many past inputs a reservoir remembers (Jaeger 2001); and a race of dense
and sparse products against reservoirpy, which has to be installed.
"""

from typing import Any

import jax
from absl import flags

from experiments.echo_state import capacity, sweep
from experiments.echo_state.data import TABLE, Signal
from experiments.echo_state.model import (
    Plan,
    errors_of,
    nrmse,
    plan_of,
    predictor_of,
    repeated,
    scaled,
    score_of,
    signal_of,
    solve,
    until,
)
from experiments.shared import cli
from experiments.shared import flags as shared
from experiments.shared.comparison import finish_together
from experiments.shared.errors import UsageError
from experiments.shared.run import Run
from seqjax import EchoState, Layer
from seqjax.baselines.delays import DelayLine
from seqjax.cells import SparseEchoState
from seqjax.extras import later
from seqjax.predict import SeriesPredictor

pictures = later("experiments.echo_state.pictures")
race = later("experiments.echo_state.race")

for name in "features seed seeds workdir data dataset quiet compilation_cache".split():
    flags.declare_key_flag(name)
shared.describe_data(TABLE)
shared.set_defaults(features=400)
flags.FLAGS["features"].help = "Units of the reservoir."
flags.FLAGS["seed"].help = "Of the reservoir."
flags.FLAGS["seeds"].help = "Reservoirs, with the seeds from --seed on; their mean."
flags.DEFINE_enum(
    "mode",
    "train",
    ["train", "sweep", "capacity", "race"],
    "train: solve a readout and score it; sweep: a heat map over --radii, --leaks and "
    "--scales; capacity: what is remembered of past inputs; race: speed.",
)
flags.DEFINE_float("leak", 0.7, "α: 1 replaces the state in each step.", 0.0, 1.0)
flags.DEFINE_float("spectral_radius", 1.0, "Of the recurrent weights.", 0.0)
flags.DEFINE_float("density", 0.05, "Share of recurrent weights above 0.", 0.0, 1.0)
flags.DEFINE_bool(
    "sparse",
    False,
    "Each unit reads --density of all units, and only these are multiplied: faster "
    "from some hundred units on.",
)
flags.DEFINE_float("input_scale", 0.7, "Input weights are uniform in ± this.", 0.0)
flags.DEFINE_float("bias_scale", 0.2, "Biases are uniform in ± this.", 0.0)
flags.DEFINE_integer("washout", 1000, "Steps in which the first state is forgotten.", 1)
flags.DEFINE_integer("learn", 4000, "Steps to learn from, with the washout.", 1)
flags.DEFINE_integer(
    "horizon",
    None,
    "The step ahead that is scored, of a network that reads its own outputs; 0: one "
    "step ahead, by the signal itself; what the data set says if None.",
    0,
)
flags.DEFINE_integer("tests", 100, "Stretches to test on, at most.", 1)
flags.DEFINE_list(
    "penalties",
    ["1e-18", "1e-17", "1e-16", "1e-15", "1e-14", "1e-12", "1e-10", "1e-8", "1e-6"],
    "λ of the ridge regression, of which the best on held-out blocks is taken.",
)
flags.DEFINE_integer("delays", 100, "Values that the linear baseline reads.", 1)
flags.DEFINE_list("radii", "0.3,0.6,0.9,1,1.2".split(","), "For a sweep.")
flags.DEFINE_list("leaks", "0.3,0.6,1".split(","), "For a sweep.")
flags.DEFINE_list("scales", "0.2,0.7".split(","), "For a sweep: input scales.")
flags.DEFINE_integer("rounds", 7, "Turns of each in a race.", 1)
READS = "features seed density bias_scale"
USES = {
    "sweep": f"{READS} data dataset washout learn horizon tests penalties radii leaks "
    "scales",
    "capacity": f"{READS} learn washout",
    "race": f"{READS} learn leak spectral_radius input_scale rounds",
}


def reservoir(options: Any) -> EchoState:
    """The cell that the flags describe."""
    fields = "leak spectral_radius density input_scale bias_scale".split()
    for name in fields[:3]:
        if not getattr(options, name) > 0:
            raise UsageError(f"--{name}: must be above 0")
    kind = SparseEchoState if options.sparse else EchoState
    return kind(options.features, **{n: getattr(options, n) for n in fields})


def fitted(
    layer: Layer, signal: Signal, plan: Plan, seed: int
) -> tuple[SeriesPredictor, float]:
    """Draws a layer, solves its readout; the model, and the penalty that was chosen."""
    xs, ys = scaled(signal, plan.learn)
    params = layer.init(jax.random.key(seed), xs.shape[-1], xs.dtype)
    found = solve(layer, params, xs, ys, plan)
    return predictor_of(layer, params, found.readout, signal), float(found.penalty)


def train(options: Any) -> dict[str, Any]:
    """Data, reservoir, readout, baselines, figures, result."""
    jax.config.update("jax_enable_x64", True)
    layer = options.cell = reservoir(options)
    source = TABLE.load(options.dataset, options.data)
    signal = signal_of(options, source)
    plan = plan_of(options, signal)
    delays = DelayLine(options.delays * signal.inputs.shape[1])
    facts = f"{plan.learn:,} steps to learn from, {len(signal.test_inputs)} tests"
    model, penalty = fitted(layer, signal, plan, options.seed)
    run = Run.begin("echo_state", options, source, model.variables, facts)
    options.cell = "sparse_echo_state" if options.sparse else "echo_state"
    run.save(model)
    linear, of_linear = fitted(delays, signal, plan, options.seed)
    errors = {
        "echo state network": errors_of(model, signal),
        "linear regression on delays": errors_of(linear, signal),
        "the last value" if signal.closed else "the mean": repeated(signal),
    }
    scores = {name: score_of(found, signal) for name, found in errors.items()}
    pictures.draw(run, model, linear, signal, errors)
    (_, score), *rivals = scores.items()
    name, baseline = min(rivals, key=lambda pair: pair[1])
    ahead = f"{signal.horizon} steps ahead, by itself" if signal.horizon else "one step"
    return run.finish(
        metric=f"NRMSE {ahead}",
        lower_is_better=True,
        score=score,
        baseline=baseline,
        baseline_name=name,
        nrmse=scores,
        next={name: nrmse(found.next, signal) for name, found in errors.items()},
        alone=pictures.by_horizon(errors, signal),
        until=until(errors, signal),
        penalty=penalty,
        penalty_of_delays=of_linear,
    )


def together(options: Any, folder: Any, results: dict[str, Any]) -> None:
    """Writes the mean over seeds."""
    del options
    finish_together(folder, results)


if __name__ == "__main__":
    cli.run(
        train,
        uses=USES,
        together=together,
        sweep=sweep.main,
        capacity=capacity.main,
        race=lambda options: race.main(options),
    )
