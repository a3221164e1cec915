"""The experiment on reservoirs: its splits, its choice of penalties, what it draws."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from processes import result_of, run
from trained import smoke, uses

import seqjax
from experiments.echo_state import capacity, data, sweep
from experiments.echo_state.model import BLOCKS, STARTS, Plan, nrmse, scaled, solve
from seqjax import EchoState, figures, predict
from seqjax.cells import SparseEchoState
from seqjax.train import ridge

KEY = jax.random.key(3)


def test_a_split_in_time_gives_nothing_away():
    """Each later value is right once, and is known to nobody before."""
    values = np.arange(100.0) ** 1.1
    signal = data.in_time(values, learn=60, warm=20, ahead=7)
    assert signal.targets.max() == values[60]
    right = signal.test_targets[:, signal.warm :, 0]
    np.testing.assert_array_equal(right.ravel(), values[61 : 61 + right.size])
    known = signal.test_inputs[:, : signal.warm + 1, 0]
    assert (known[:, -1] < right[:, 0]).all() and known.shape == (len(right), 21)
    assert signal.scales[0] == predict.Scale.of(signal.inputs)


def test_the_laser_is_whole():
    """10,093 intensities of eight bits, as the competition gave them."""
    signal = data.TABLE.load("laser").examples
    assert len(signal.inputs) == 6000 and signal.test_targets.shape == (40, 1100, 1)
    assert signal.inputs[:5, 0].tolist() == [86, 141, 95, 41, 22]
    assert signal.inputs.min() >= 0 and signal.inputs.max() == 255


def noisy(steps):
    rng = np.random.default_rng(0)
    wave = np.sin(np.arange(steps + 200) / 3) + 0.1 * rng.normal(size=steps + 200)
    return data.in_time(wave, steps, warm=40, ahead=20)


@pytest.mark.parametrize("horizon", [0, 6])
def test_a_penalty_is_chosen_by_what_is_held_out(horizon):
    """By hand: block by block, from each start, penalty by penalty."""
    penalties, washout, length = (1e-9, 1e-4, 1.0), 30, 34
    plan = Plan(washout + BLOCKS * length, washout, horizon, penalties)
    cell = EchoState(12, leak=0.6, density=0.5)
    params = cell.init(KEY, 1, jnp.float64)
    xs, ys = scaled(noisy(400), plan.learn)
    found = solve(cell, params, xs, ys, plan)
    states = cell.unroll(params, xs)[1]
    errors = np.zeros((3, BLOCKS))
    for block in range(BLOCKS):
        begin = washout + block * length
        held = np.arange(begin, begin + length)
        kept = np.setdiff1d(np.arange(washout, len(xs)), held)
        for k, penalty in enumerate(penalties):
            readout = ridge.solve(ridge.observe(states[kept], ys[kept]), penalty)
            if not horizon:
                off = ys[held] - states[held] @ readout.w - readout.b
                errors[k, block] = np.mean(off**2)
                continue
            starts = np.linspace(0, length - horizon, STARTS).astype(int) + begin
            warm = starts + 1 - washout + np.arange(washout)[:, None]
            carry, hs = cell.unroll(params, xs[warm])
            y, off = hs[-1] @ readout.w + readout.b, []
            for step in range(horizon):
                off.append(y - ys[starts + step])
                carry, h = cell.step(params, carry, y)
                y = h @ readout.w + readout.b
            errors[k, block] = np.mean(np.square(off))
    np.testing.assert_allclose(found.errors, errors.mean(axis=1), rtol=1e-6)
    assert found.penalty == penalties[int(np.argmin(errors.mean(axis=1)))]


def test_a_sweep_is_its_reservoirs_one_by_one():
    plan = Plan(150, 30, 0, (1e-6,))
    xs, ys = scaled(noisy(200), plan.learn)
    cell = sweep.Swept(9, 1.0, 1.0, 0.5, 1.0, 0.3)
    params = cell.init(KEY, 1, jnp.float64)
    grid = sweep.Grid((0.2, 1.5), (0.3,), (0.4, 1.2))
    found = sweep.errors_over(cell, params, xs, ys, plan, grid)
    for place, error in np.ndenumerate(found):
        scale, leak, radius = (axis[i] for axis, i in zip(grid, place, strict=True))
        alone = EchoState(9, leak, radius, 0.5, scale, 0.3)
        drawn = alone.init(KEY, 1, jnp.float64)
        wanted = np.sqrt(solve(alone, drawn, xs, ys, plan).errors[0])
        np.testing.assert_allclose(error, wanted, rtol=1e-5)


def test_memory_is_bounded_by_the_units_and_a_linear_reservoir_is_near():
    bound = 8
    for cell, least in (
        (EchoState(bound, density=1.0, bias_scale=0.0, activation="identity"), 0.9),
        (EchoState(bound, density=1.0, input_scale=2.0), 0.1),
    ):
        params = cell.init(KEY, 1, jnp.float64)
        r2 = capacity.remembered(cell, params, jax.random.key(1), 60, 4000, 60)
        assert least * bound < r2.sum() < 1.02 * bound and r2.max() < 1 + 1e-9


def test_a_sparse_reservoir_is_its_dense_one():
    cell = SparseEchoState(40, leak=0.4, density=0.1, spectral_radius=0.7)
    params = cell.init(KEY, 2, jnp.float64)
    whole = cell.as_dense(params)
    assert ((whole.w_h != 0).sum(axis=0) == 4).all()
    radius = np.abs(np.linalg.eigvals(whole.w_h)).max()
    np.testing.assert_allclose(radius, 0.7, rtol=1e-3)
    xs = jax.random.normal(jax.random.key(1), (7, 3, 2), jnp.float64)
    states = cell.unroll(params, xs)[1]
    np.testing.assert_allclose(states, cell.dense.unroll(whole, xs)[1], rtol=1e-10)
    assert np.isfinite(nrmse(np.ones((3, 1)), noisy(60)))


@uses("echo_state")
def test_the_model_forecasts(trained):
    done = trained("echo_state")
    model = seqjax.load(done.folder / "run", predict.SeriesPredictor)
    series = data.mackey_glass(np.array([1.2]), 300)[:, 0]
    assert abs(model.predict(series)[150:-1] - series[151:]).max() < 0.05
    assert model.forecast(series, 4).shape == (4,)
    drawn = {path.stem for path in (done.folder / "run" / "figures").glob("*.png")}
    assert drawn == {"prediction", "horizon", "portrait"}
    result = done.result
    assert result["nrmse"]["the last value"] > 1 > result["next"]["echo state network"]


def test_other_signals_and_modes_run(tmp_path):
    flags = [*smoke("echo_state"), "--quiet"]
    more = ["--dataset=narma10", "--seeds=2", "--workdir=narma"]
    result = result_of("echo_state", *flags, *more, cwd=tmp_path)
    assert result["seeds"] == 2 and result["score"] < 1
    sizes = ["--features=9", "--density=0.5", "--quiet", "--learn=900"]
    grid = ["--radii=0.5,0.9", "--leaks=1", "--scales=0.5,1"]
    grid += ["--washout=100", "--penalties=1e-6", "--mode=sweep", "--workdir=sweep"]
    result = result_of("echo_state", *sizes, *grid, cwd=tmp_path)
    assert result["reservoirs"] == 4 and result["score"] <= result["baseline"]
    found = json.loads((tmp_path / "sweep" / "sweep.json").read_text())
    assert np.shape(found["nrmse"]) == (2, 1, 2)
    more = ["--mode=capacity", "--workdir=capacity"]
    result = result_of("echo_state", *sizes, *more, cwd=tmp_path)
    assert 3 < result["score"] < 1.02 * 9
    for folder, figure in (("sweep", "sweep"), ("capacity", "capacity")):
        assert (tmp_path / folder / "figures" / f"{figure}.png").exists()


def test_a_grid_of_numbers_is_drawn(tmp_path):
    panels = {"scale 1": np.array([[0.5, 1e-3], [np.inf, 2], [0.1, 0.2]])}
    axes = {"radius": (0.5, 0.9), "leak": (0.1, 0.2, 1.0)}
    path = tmp_path / "grids.png"
    drawn = figures.grids(path, panels, axes, "NRMSE", title="t")
    shown = [text.get_text() for text in drawn.axes[0].texts]
    assert shown == ["0.5", "0.001", "inf", "2", "0.1", "0.2"] and path.exists()
    assert drawn.axes[0].get_xlabel() == "radius"
    assert [patch.get_xy() for patch in drawn.axes[0].patches] == [(0.5, -0.5)]
    with pytest.raises(ValueError, match=r"panels of shape \(2, 3\)"):
        axes = {"leak": (0.1, 0.2, 1.0), "radius": (0.5, 0.9)}
        figures.grids(path, panels, axes, "NRMSE", title="t")


BAD = {
    "constant": (["--data=constant.csv"], "constant.csv: a constant series"),
    "short": (["--data=short.csv"], "short.csv: 30 values are too few"),
    "gap": (["--data=gap.csv"], "gap.csv, line 3: a gap"),
    "washout": (["--data=wave.csv", "--washout=300"], "--washout: 300 steps"),
    "horizon": (["--data=wave.csv", "--horizon=31"], "--horizon: 31 steps"),
    "leak": (["--leak=0"], "--leak: must be above 0"),
    "penalty": (["--penalties=1e-6,no"], "--penalties: 'no'"),
    "grid": (["--mode=sweep", "--leaks=0.5,2"], "--leaks: numbers above 0 and at most"),
    "unused": (["--mode=capacity", "--leak=0.5"], "--leak: --mode=capacity has no use"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_bad_input_is_one_sentence_and_leaves_nothing(case, tmp_path):
    flags, named = BAD[case]
    lines = {
        "constant": ["3"] * 500,
        "short": map(str, range(30)),
        "gap": ["1", "", "2"],
        "wave": map(str, np.sin(np.arange(600.0))),
    }
    for name, values in lines.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(["value", *values]) + "\n")
    code, out, err = run("echo_state", *flags, "--workdir=run", cwd=tmp_path)
    assert code in (1, 2) and out == "" and len(err.splitlines()) == 1, err
    assert named in err and len(list(tmp_path.iterdir())) == 4
