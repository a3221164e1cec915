"""Signals, the files they are read from, their scores, models that forecast them."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from processes import ROOT
from random_data import random_like

from seqjax import EchoState
from seqjax.baselines.delays import DelayLine
from seqjax.cells import GRU, Elman
from seqjax.data import DataError, read_series
from seqjax.data.systems import mackey_glass, narma10
from seqjax.layers import Feedback
from seqjax.metrics import Moments, Nrmse
from seqjax.models import Tagger
from seqjax.predict import Scale, SeriesPredictor, load, save
from seqjax.testing import check_layer


def test_mackey_glass_is_a_solution_and_of_fourth_order():
    """Against Euler with small steps; halving the steps divides the error by 16."""
    starts = np.array([0.7, 1.1, 1.3])
    fine = mackey_glass(starts, 60, parts=80, settle=3)
    h, lag = 1e-3, 17_000
    x = np.concatenate([np.repeat(starts[None], lag + 1, 0), np.zeros((62_000, 3))])
    for i in range(lag, len(x) - 1):
        late = x[i - lag]
        x[i + 1] = x[i] + h * (0.2 * late / (1 + late**10) - 0.1 * x[i])
    np.testing.assert_allclose(fine, x[lag + 3000 :: 1000][:60], atol=2e-3)
    errors = [
        np.abs(mackey_glass(starts, 60, parts=parts, settle=3) - fine).max()
        for parts in (5, 10)
    ]
    assert 10 < errors[0] / errors[1] < 24
    np.testing.assert_allclose(mackey_glass(starts[1:2], 9, settle=54), fine[51:, 1:2])


def test_narma_follows_its_equation():
    u, y = narma10(3, 50)
    y = np.concatenate([[np.nan], y])  # y[t + 1] is what comes after u[t]
    for t in range(10, 50):
        memory = 0.05 * y[t] * sum(y[t - i] for i in range(10))
        wanted = 0.3 * y[t] + memory + 1.5 * u[t - 9] * u[t] + 0.1
        assert y[t + 1] == pytest.approx(wanted, rel=1e-12)
    assert 0 <= u.min() and u.max() <= 0.5 and np.array_equal(narma10(3, 50)[0], u)


def test_a_series_is_read_by_its_header(tmp_path):
    path = tmp_path / "series.csv"
    path.write_text('time,value,"a note"\n1,2.5,x\n2,-1e3,"y,z"\n3, 7 ,\n\n')
    np.testing.assert_array_equal(read_series(path), [2.5, -1000, 7])
    np.testing.assert_array_equal(read_series(path, "time"), [1, 2, 3])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("1\n2\n", ", line 1: the header must name one column 'value'; it has 1"),
        ("value,value\n1,2\n", ", line 1: the header must name one column"),
        ("t,value\n1,2\n2,\n", ", line 3: a gap, for there is no value"),
        ("value\n1\n\n2\n", ", line 3: a gap"),
        ("t,value\n1\n", ", line 2: a gap"),
        ("value\n1\nnan\n", ", line 3: 'nan' is no finite number"),
        ("value\n1\ntwo\n", ", line 3: 'two' is no finite number"),
        ("value\n", ": a header, but no value below it"),
        ("\n", ": no example in it"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path, lines, message):
    path = tmp_path / "series.csv"
    path.write_text(lines)
    with pytest.raises(DataError) as caught:
        read_series(path)
    assert f"series.csv{message}" in str(caught.value)


def test_scores_of_parts_are_those_of_the_whole():
    rng = np.random.default_rng(0)
    errors, signal = rng.normal(size=(5, 3)), rng.normal(1e6, 2, 40)
    cut = Nrmse.of(errors[:1], signal[:31]).merge(Nrmse.of(errors[1:], signal[31:]))
    wanted = np.sqrt(np.mean(errors**2) / np.var(signal))
    assert cut.result() == pytest.approx(wanted, rel=1e-9)
    assert Nrmse.of([0.0, 0.0], [2.0, 2.0]).result() == 0
    assert Nrmse.of([0.1], [2.0, 2.0]).result() == np.inf
    assert Moments.of([]).merge(Moments.of([1.0, 3.0])) == (2, 2, 2)


def test_feedback_and_delays_obey_the_laws():
    check_layer(Feedback(Elman(3), 2))
    xs = jnp.asarray(np.random.default_rng(0).normal(size=(5, 2, 3)))
    line = DelayLine(6)
    carry, ys = line.unroll(line.init(jax.random.key(0), 3), xs)
    np.testing.assert_array_equal(ys[3], np.concatenate([xs[3], xs[2]], -1))
    np.testing.assert_array_equal(ys[0, :, 3:], 0)
    np.testing.assert_array_equal(carry.xs, ys[-1])
    with pytest.raises(ValueError, match="cannot hold whole inputs of width 4"):
        line.init(jax.random.key(0), 4)


def predictor(layer, scale, labels=1, reads=None):
    empty = SeriesPredictor(Tagger(layer, labels), reads or scale, scale)
    shapes = jax.eval_shape(empty.model.init, jax.random.key(0), *empty.example())
    drawn = jax.tree.map(lambda a: a.astype(float) / 3, random_like(shapes, 5))
    return SeriesPredictor(empty.model, empty.reads, scale, drawn)


@pytest.mark.parametrize(
    "scale", [Scale((0.5, 2.0), (3.0, 0.2)), Scale((0.1, 0.0), (5.0, 2.0), True)]
)
def test_a_forecast_is_its_predictions_read_again(scale):
    model, rng = predictor(GRU(4), scale, 2), np.random.default_rng(1)
    series = rng.normal(size=(3, 6, 2))
    found = model.forecast(series, 4)
    assert found.shape == (3, 4, 2)
    for known, ahead in zip(series, found, strict=True):
        np.testing.assert_allclose(model.forecast(known, 1)[0], ahead[0], rtol=1e-9)
        for value in ahead:
            last = model.predict(known)[-1]
            np.testing.assert_allclose(value, last, rtol=1e-9)
            known = np.concatenate([known, last[None]])


def test_a_series_of_one_number_needs_no_second_axis(tmp_path):
    model = predictor(EchoState(5, density=1.0), Scale((1.0,), (2.0,)))
    series = np.random.default_rng(2).normal(size=9)
    assert model.predict(series).shape == (9,) and model.forecast(series, 3).shape == (
        3,
    )
    np.testing.assert_array_equal(
        model.forecast(series, 3), model.forecast(series[:, None], 3)[:, 0]
    )
    for bad in (np.zeros((4, 2)), [], [1.0, np.nan]):
        with pytest.raises(ValueError, match="the series"):
            model.predict(bad)
    other = predictor(GRU(2), Scale((1.0,), (2.0,)), reads=Scale((0.0,), (1.0,)))
    with pytest.raises(ValueError, match="not its next inputs"):
        other.forecast(series, 3)


SCRIPT = """
import sys, numpy as np, jax, seqjax
model = seqjax.load(sys.argv[1])
found = model.forecast(np.arange(9) / 7, 5)
print(jax.config.jax_enable_x64, *map(repr, found.tolist()))
"""


def test_a_model_keeps_its_digits_where_others_compute_in_float32(tmp_path):
    model = predictor(EchoState(30, density=0.5), Scale((1.0,), (2.0,)))
    save(tmp_path, model)
    wanted = model.forecast(np.arange(9) / 7, 5)
    np.testing.assert_array_equal(load(tmp_path).forecast(np.arange(9) / 7, 5), wanted)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        env={"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", "PATH": ""},
        capture_output=True,
        text=True,
    )
    wide, *values = done.stdout.split()
    assert wide == "False", done.stderr
    np.testing.assert_allclose([float(v) for v in values], wanted, rtol=1e-11)
