"""Forecasts: files with gaps, losses, scores, anchors, models, baselines."""

import json
import warnings
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from processes import run
from random_data import random_like
from trained import uses

from experiments.time_series import baselines, synthetic
from experiments.time_series.data import (
    STATSMODELS,
    TimeSeries,
    find_season,
    read_file,
)
from experiments.time_series.model import Split, after
from experiments.time_series.report import judge_of
from seqjax import predict
from seqjax.cells import GRU
from seqjax.data import DataError, read_series, read_variables, wheels
from seqjax.data.anchors import Anchor, last_known
from seqjax.losses import quantile_loss
from seqjax.metrics import Mean, coverage, naive_error, scaled_error
from seqjax.models import Forecaster
from seqjax.models.forecaster import ordered

LEVELS = (0.1, 0.3, 0.5, 0.8, 0.95)
NAN = float("nan")


def test_the_quantile_loss_is_its_definition():
    rng = np.random.default_rng(0)
    guess, truth = rng.normal(size=(6, 2, 5)), rng.normal(size=(6, 2))
    mask = rng.random((6, 2)) < 0.7
    total = 0.0
    for place in np.argwhere(mask):
        for q, τ in zip(guess[tuple(place)], LEVELS, strict=True):
            error = truth[tuple(place)] - q
            total += 2 / 5 * (τ * error if error > 0 else (τ - 1) * error)
    poisoned = np.where(mask[..., None], guess, NAN), np.where(mask, truth, NAN)
    found = quantile_loss(*map(jnp.asarray, poisoned), LEVELS, jnp.asarray(mask))
    np.testing.assert_allclose(found.total, total, rtol=1e-6)
    assert found.weight == mask.any(axis=0).sum()
    steps = quantile_loss(guess, truth, LEVELS, mask, "mean")
    assert steps.weight == mask.sum()
    parts = [
        quantile_loss(guess[:, [i]], truth[:, [i]], LEVELS, mask[:, [i]])
        for i in range(2)
    ]
    np.testing.assert_allclose(parts[0].merge(parts[1]).result(), found.result())
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile_loss(guess, truth, (0.1, 0.3, 0.5, 0.8, 1.0))
    with pytest.raises(AssertionError):
        quantile_loss(guess[..., :4], truth, LEVELS)


def test_a_quantile_has_the_smallest_quantile_loss():
    draws = np.random.default_rng(1).gamma(2, size=(4001, 1))
    quantiles = np.quantile(draws, LEVELS)

    def loss(shift):
        guess = np.broadcast_to(quantiles + shift, (4001, 1, 5))
        return float(
            quantile_loss(guess, draws[..., 0:1], LEVELS, None, "mean").result()
        )

    shifts = 0.2 * np.concatenate([np.eye(5), -np.eye(5)])
    assert loss(np.zeros(5)) < min(map(loss, shifts))


def test_scores_by_hand():
    history = np.array([[1, 10], [4, NAN], [2, 30], [9, 20], [NAN, 80.0]])
    np.testing.assert_allclose(naive_error(history, 2), [(1 + 5) / 2, (20 + 50) / 2])
    truth = np.array([[1.0, NAN], [4.0, 10.0]])
    one = scaled_error([[2.0, 5.0], [2.0, 40.0]], truth, np.array([3.0, 20.0]))
    assert one == Mean(pytest.approx(1 / 3 + 2 / 3 + 1.5), 3)
    assert coverage([1, 0], [2, 5], np.array([1.0, 6.0])) == Mean(1, 2)
    whole = coverage([[0, 0]] * 3, [[1, 2]] * 3, [[1, NAN], [3, 2], [0.5, -1]])
    first = coverage([[0, 0]], [[1, 2]], [[1, NAN]])
    rest = coverage([[0, 0]] * 2, [[1, 2]] * 2, [[3, 2], [0.5, -1]])
    assert first.merge(rest) == whole == Mean(3, 5)
    for bad, season in ((np.arange(3.0), 3), (np.ones(5), 1), ([1, NAN, 2], 1)):
        with pytest.raises(ValueError, match="no error can be scaled"):
            naive_error(bad, season)


def test_an_anchor_is_its_recursion():
    rng = np.random.default_rng(2)
    values = np.where(rng.random((40, 2)) < 0.2, NAN, rng.normal(size=(40, 2)))
    waves = tuple(map(tuple, rng.normal(size=(2, 2))))
    anchor = Anchor(5, 0.3, (0.1, -0.2), (1 / 9,), waves)
    found, start = anchor.forecasts(values, 7, start=11), 11
    angle = 2 * np.pi * (start + np.arange(48))[:, None] / 9
    calendar = np.sin(angle) * np.array(waves[0]) + np.cos(angle) * np.array(waves[1])
    for i in range(2):
        state, seen = [anchor.mean[i]] * 5, [False] * 5
        for t in range(40):
            if not np.isnan(values[t, i]):
                rest, k = values[t, i] - calendar[t, i], t % 5
                state[k] += (0.3 if seen[k] else 1.0) * (rest - state[k])
                seen[k] = True
            wanted = [calendar[t + h, i] + state[(t + h) % 5] for h in range(1, 8)]
            np.testing.assert_allclose(found[t, :, i], wanted, rtol=1e-9, atol=1e-9)
    whole = np.where(np.isnan(values), 0.5, values)
    repeated = Anchor(3, 1.0, (0.0, 0.0)).forecasts(whole, 4)
    walk = baselines.Walk(whole[:, 0], 30, np.arange(9), np.arange(9, 30), 4)
    naive = baselines.naive(walk, 3)(np.arange(5, 36))
    np.testing.assert_allclose(repeated[5:36, :, 0], naive)


def test_gaps_hold_the_last_value():
    values = np.array([[NAN, NAN], [1, NAN], [NAN, NAN], [3, NAN]])
    np.testing.assert_array_equal(last_known(values), [[1, 0], [1, 0], [1, 0], [3, 0]])


def test_quantiles_never_cross_and_begin_as_those_of_a_normal():
    numbers = 9 * np.random.default_rng(3).normal(size=(50, 5))
    assert np.all(np.diff(ordered(jnp.asarray(numbers), LEVELS), axis=-1) > 0)
    normal = jax.scipy.stats.norm.ppf(jnp.array(LEVELS))
    np.testing.assert_allclose(ordered(jnp.zeros(5), LEVELS), normal, atol=1e-5)
    for levels in ((0.1, 0.5), (0.5, 0.1, 0.9), (0.1, 0.4, 0.9)):
        with pytest.raises(ValueError, match="levels"):
            Forecaster(GRU(2), 1, 1, levels).init(
                jax.random.key(0), jnp.ones((1, 1, 2)), jnp.ones(1, int)
            )


def predictor(seed=0, horizon=3):
    model = Forecaster(GRU(4), horizon, 2, LEVELS, members=2)
    anchor = Anchor(4, 0.5, (3.0, 2.0), (1 / 4,), ((0.3, 0.1), (0.2, 0.4)))
    spread = ((1.0, 2.0), (1.5, 2.5), (2.0, 3.0))[:horizon]
    empty = predict.ForecastPredictor(
        model, ("a", "b"), anchor, (1.0, 2.0), spread, (1 / 4,), (4,), "sqrt"
    )
    shapes = jax.eval_shape(lambda: predict.init(empty, jax.random.key(0)))
    drawn = jax.tree.map(lambda a: a.astype(np.float32) / 3, random_like(shapes, seed))
    return replace(empty, variables=drawn)


def test_a_forecast_knows_what_came_before_alone(tmp_path):
    model, rng = predictor(), np.random.default_rng(4)
    values = np.where(rng.random((30, 2)) < 0.2, NAN, rng.gamma(9, size=(30, 2)))
    walked = model.walk(values)
    for t in (5, 17, 29):
        later = values.copy()
        later[t + 1 :] = 77.0
        np.testing.assert_allclose(model.walk(later)[t], walked[t], rtol=1e-4)
        found = model.forecast(values[: t + 1], 2)
        np.testing.assert_allclose(found.quantiles, walked[t, :2], rtol=1e-4)
        np.testing.assert_array_equal(found.median, found.quantiles[..., 2])
    assert np.all(np.diff(walked, axis=-1) >= 0)
    seen = values.copy()
    seen[20] = 8.0
    assert np.abs(model.walk(seen)[20] - walked[20]).max() > 1e-3
    predict.save(tmp_path, model)
    again = predict.load(tmp_path).forecast(values)
    np.testing.assert_array_equal(again.quantiles, model.forecast(values).quantiles)


def test_members_are_averaged_and_learn_by_themselves():
    model = predictor().model
    rng = np.random.default_rng(5)
    inputs, lengths = jnp.asarray(rng.normal(size=(2, 6, 9))), jnp.array([6, 4])
    variables = model.init(jax.random.key(1), inputs, lengths)
    each = model.apply(variables, inputs, lengths, method="of_members")
    assert np.abs(each[0] - each[1]).max() > 1e-4, "two members"
    mean = model.apply(variables, inputs, lengths)
    np.testing.assert_allclose(mean, each.mean(axis=0), rtol=1e-6)
    targets, known = rng.normal(size=(2, 6, 3, 2)), rng.random((2, 6, 3, 2)) < 0.8
    known[1, 4:] = False
    ask = inputs, jnp.asarray(targets), jnp.asarray(known), lengths, False
    loss = model.apply(variables, *ask, method="loss")
    alone = [quantile_loss(q, targets, LEVELS, known, "mean") for q in each]
    np.testing.assert_allclose(loss.result(), alone[0].merge(alone[1]).result(), 1e-6)


@pytest.mark.parametrize(
    ("values", "steps", "named"),
    [
        (np.ones((5, 3)), None, "of a, b"),
        (np.ones((0, 2)), None, "of a, b"),
        (np.ones((5, 2)), 4, "1 to 3 steps"),
        (np.ones((5, 2)), 0, "1 to 3 steps"),
        (-np.ones((5, 2)), None, "sqrt"),
        (np.full((5, 2), np.inf), None, "finite"),
    ],
)
def test_what_cannot_be_forecast_is_one_sentence(values, steps, named):
    with pytest.raises(ValueError, match=named):
        predictor().forecast(values, steps)


def test_gaps_of_a_file_stand_where_they_are(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text(
        "date,value,b\n2020-01-01,1,\n2020-01-02,NA,5\n2020-01-05,4,6\n"
        "2020-01-06,5,7\n2020-01-07,6,8\n"
    )
    values = [1, NAN, NAN, NAN, 4, 5, 6]
    found = read_variables(path)
    assert found.names == ("value",) and found.lines == 5
    np.testing.assert_array_equal(found.values[:, 0], values)
    both = read_variables(path, ["b", "value"]).values
    np.testing.assert_array_equal(both[:, 1], values)
    np.testing.assert_array_equal(both[:, 0], [NAN, 5, NAN, NAN, 6, 7, 8])
    path.write_text("Date,n\n19991101,1\n19991201,2\n20000201,3\n20000301,4\n")
    np.testing.assert_array_equal(read_variables(path).values[:, 0], [1, 2, NAN, 3, 4])
    path.write_text("time,n\n0,1\n0.9,2\n2.2,3\n3.1,9\n3.2,5\n4,6\n")
    np.testing.assert_array_equal(read_variables(path).values[:, 0], [1, 2, 3, 9, 5.5])
    path.write_text("value\n1\n\n3\n")
    with pytest.raises(DataError, match="line 3: a gap"):
        read_series(path)
    np.testing.assert_array_equal(read_variables(path).values[:, 0], [1, NAN, 3])
    path.write_text("n,value\n1,5\n2,6\n\n")
    np.testing.assert_array_equal(read_series(path), [5, 6])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a,b\n1,2\n", ", line 1: the header must name one column 'value'"),
        ("date,n\n2020-01-01,1\nsoon,2\n", ", line 3: 'soon' is no time"),
        ("date,n\n2020-01-02,1\n2020-01-02,2\n", ", line 3: '2020-01-02' is not after"),
        ("date,n\n2020-01-02,1\n2020-01-03,x\n", ", line 3: 'x' is no finite number"),
        ("time,n\n1,\n2,\n", ": the column 'n' has no value"),
        (
            "time,n\n" + "".join(f"{t},1\n" for t in (0, 1, 2, 999)),
            ": 4 lines for 1000",
        ),
        ("time,n\n1,1\n2,2\n", ": 2 values of n, where 40 are needed"),
        ("n\n" + "3\n" * 50, ": the first half of n is constant"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path, lines, message):
    path = tmp_path / "sales.csv"
    path.write_text(lines)
    with pytest.raises(DataError) as caught:
        read_file(path)
    assert f"sales.csv{message}" in str(caught.value)


def test_a_season_is_found():
    rng, steps = np.random.default_rng(6), np.arange(300)
    wave = 3 * np.sin(2 * np.pi * steps / 12) + np.cos(2 * np.pi * steps / 6)
    values = wave + 0.05 * steps + rng.normal(size=300)
    assert find_season(np.where(rng.random(300) < 0.1, NAN, values)) == 12
    assert find_season(rng.normal(size=300)) == 1


def ragged_series():
    rng = np.random.default_rng(7)
    steps = np.arange(160)
    shocks = np.convolve(rng.normal(size=160), 0.8 ** np.arange(9))[:160]
    return 20 + 3 * np.sin(2 * np.pi * steps / 6) + 0.03 * steps + shocks


def test_baselines_walk_as_statsmodels_forecasts_by_itself():
    """Fitted once, their states at an origin are those of a series that ends there."""
    ets = pytest.importorskip("statsmodels.tsa.exponential_smoothing.ets")
    sarimax = pytest.importorskip("statsmodels.tsa.statespace.sarimax")
    values = ragged_series()
    origins = np.array([120, 131, 150])
    walk = baselines.Walk(values, 110, np.arange(90, 105), origins, 8)
    found = baselines._ets(walk, ("add", True), 6, {})(origins)
    how = {"trend": "add", "damped_trend": True, "seasonal": "add"}
    how |= {"seasonal_periods": 6, "initialization_method": "heuristic"}
    params = ets.ETSModel(values[:110], **how).fit(disp=False).params
    for row, origin in zip(found, origins, strict=True):
        ending = ets.ETSModel(values[: origin + 1], **how).smooth(params)
        np.testing.assert_allclose(row, ending.forecast(8), rtol=1e-6)
    gaps = values.copy()
    gaps[[20, 125, 150]] = NAN
    walk = walk._replace(values=gaps)
    kind = (1, 0, 1), (0, 1, 1, 6)
    found = baselines._sarima(walk, gaps, *kind)(origins)
    deviation = np.nanstd(gaps[:110])
    how = {"order": kind[0], "seasonal_order": kind[1], "concentrate_scale": True}
    short = sarimax.SARIMAX(gaps[:110] / deviation, simple_differencing=True, **how)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        params = short.fit(disp=False, maxiter=30).params
    for row, origin in zip(found, origins, strict=True):
        ending = sarimax.SARIMAX(gaps[: origin + 1] / deviation, **how).filter(params)
        np.testing.assert_allclose(row, deviation * ending.forecast(8), rtol=1e-6)


def test_the_intervals_of_a_baseline_are_its_own_errors():
    values = ragged_series()
    choose, origins = np.arange(60, 100), np.arange(120, 150)
    walk = baselines.Walk(values, 110, choose, origins, 4)
    point = baselines.naive(walk, 6)
    found = baselines.quantiles_of(walk, point, (0.1, 0.5, 0.9))
    errors = np.stack([values[o + 1 : o + 5] - values[o - 5 : o - 1] for o in choose])
    wanted = point(origins)[..., None] + np.quantile(errors, (0.1, 0.5, 0.9), axis=0).T
    np.testing.assert_allclose(found, wanted)


def test_the_best_synthetic_forecast_has_the_error_that_is_said():
    values, profile = synthetic.draw(0)
    wanted = synthetic.best_error(values, 840, 1020)
    deviation = synthetic.deviations(values)
    seen = np.flatnonzero(~np.isnan(values[:, 0]))
    for t in (300, 517):
        last = seen[seen <= t].max()
        gap = np.arange(1, 7) + t - last
        shocks = [sum(0.85 ** (2 * k) for k in range(g)) for g in gap]
        np.testing.assert_allclose(deviation[t] ** 2, shocks)
    filled = last_known(values[:, 0] - profile[np.arange(1200) % 12])
    ago = np.arange(1200) - last_known(
        np.where(np.isnan(values[:, 0]), NAN, np.arange(1200.0))
    )
    ahead = np.arange(1, 7)
    later = profile[(np.arange(1200)[:, None] + ahead) % 12]
    best = later + filled[:, None] * 0.85 ** (ago[:, None] + ahead)
    truth = after(values, 6)[..., 0]
    error = scaled_error(
        best[100:1190], truth[100:1190], naive_error(values[:840], 12)[0]
    )
    assert error.result() == pytest.approx(wanted, rel=0.06)


def test_no_origin_of_the_test_is_seen_before():
    series = TimeSeries(("n",), ragged_series()[:, None], (6.0,), (2,), 5, None)
    split = Split(100, 130, 160)
    chooser, judge = (judge_of(series, split, LEVELS, test) for test in (False, True))
    assert chooser.origins[0] == 99 and chooser.origins[-1] + 5 == 129
    assert judge.origins[0] == 129 and judge.origins[-1] + 5 == 159
    np.testing.assert_array_equal(judge.truth[3, :, 0], series.values[133:138, 0])
    np.testing.assert_allclose(judge.unit, naive_error(series.values[:100], 6))
    with pytest.raises(DataError, match="horizon"):
        judge_of(series._replace(horizon=30), split, LEVELS, True)


@uses("time_series")
def test_a_trained_model_goes_on_with_a_series(trained, tmp_path):
    run_ = trained("time_series")
    assert run_.result["score"] > 0 and set(run_.result["coverage"]) == {
        "0.95",
        "0.8",
        "0.5",
    }
    values, _ = synthetic.draw(3)
    lines = "".join("\n" if np.isnan(v) else f"{v}\n" for v in values[:300, 0])
    (tmp_path / "more.csv").write_text(f"value\n{lines}")
    ask = ["--mode=forecast", f"--workdir={run_.folder / 'run'}"]
    code, out, err = run("time_series", *ask, "--data=more.csv", cwd=tmp_path)
    assert code == 0 and err == "", err
    head, *rows = [line.split("\t") for line in out.splitlines()]
    model = predict.load(run_.folder / "run")
    wanted = model.forecast(read_variables(tmp_path / "more.csv").values)
    assert len(rows) == 2 and [row[:2] for row in rows] == [
        ["1", "value"],
        ["2", "value"],
    ]
    assert [float(level) for level in head[2:]] == list(wanted.levels)
    found = np.array([row[2:] for row in rows], float)
    np.testing.assert_allclose(found, wanted.quantiles[:, 0], rtol=1e-4)
    assert json.loads((run_.folder / "run" / "result.json").read_text()) == run_.result


BAD_FLAGS = {
    "--quantiles=0.1,0.9": "--quantiles",
    "--quantiles=0.9,0.5,0.1": "--quantiles",
    "--quantiles=a,0.5,b": "--quantiles",
    "--season=12,0.2": "--season",
    "--variables=gold": "gold",
    "--horizon=200": "--horizon",
    "--form=log": "--form",
    "--bidirectional": "--bidirectional",
    "--mode=forecast": "--data",
}


@pytest.mark.parametrize("flag", sorted(BAD_FLAGS))
def test_bad_flags_are_one_sentence(flag, tmp_path):
    (tmp_path / "cold.csv").write_text(
        "n\n" + "".join(f"{-t % 7 - 3}\n" for t in range(99))
    )
    data = "--data=cold.csv" if flag == "--form=log" else "--dataset=synthetic"
    flags = [flag] if "mode" in flag else [flag, data]
    code, out, err = run("time_series", *flags, cwd=tmp_path)
    assert code in (1, 2) and out == "" and len(err.splitlines()) == 1, err
    assert BAD_FLAGS[flag] in err and len(list(tmp_path.iterdir())) == 1


def test_a_wheel_with_binaries_is_fetched_for_one_platform(monkeypatch, tmp_path):
    """Elsewhere pip would take another wheel, whose hash is another."""
    commands = []

    def fetch(command, **how):
        commands.append([str(part) for part in command])
        raise OSError("no network here")

    monkeypatch.setattr(wheels, "_folder", lambda: tmp_path)
    monkeypatch.setattr(wheels.subprocess, "run", fetch)
    for wheel in (STATSMODELS, STATSMODELS._replace(built_for=None)):
        with pytest.raises(DataError, match="no network here"):
            wheels.read(wheel, "a.csv")
    flags = ["--python-version", "3.11", "--platform", "manylinux_2_28_x86_64"]
    assert commands[0][-4:] == flags
    assert "--platform" not in commands[1]
