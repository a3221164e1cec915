"""The experiment on dynamics: its data, its model, and the pictures it draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib import image
from processes import result_of
from trained import smoke, uses

import seqjax
from experiments.dynamics import data
from experiments.dynamics.data import TABLE, draw_flip_flops, draw_lorenz, read_pulses
from experiments.dynamics.flip_flop import without_memory
from experiments.dynamics.model import closed_loop, make_predictor
from seqjax import GRU, figures, inspect, predict
from seqjax.data import DataError


def test_flip_flops_hold_their_last_pulse():
    examples = draw_flip_flops(0, 30, 50, 0.1)
    for inputs, targets in examples:
        bits = np.zeros(3)
        for pulses, target in zip(inputs, targets, strict=True):
            bits = np.where(pulses == 0, bits, pulses)
            np.testing.assert_array_equal(target, bits)
    inputs, targets = map(np.stack, zip(*examples, strict=True))
    assert set(np.unique(targets)) == {-1, 1}, "every bit is known from the first step"
    assert set(np.unique(inputs)) == {-1, 0, 1}
    assert 0.07 < np.mean(inputs[:, 1:] != 0) < 0.13
    again, other = draw_flip_flops(0, 30, 50, 0.1), draw_flip_flops(1, 30, 50, 0.1)
    np.testing.assert_array_equal(again[7].inputs, examples[7].inputs)
    assert (other[7].inputs != examples[7].inputs).any()
    assert repr(again) == repr(examples) != repr(other)
    assert 0.5 < without_memory(examples) < 0.7


def test_pulses_are_read_from_a_file(tmp_path):
    path = tmp_path / "pulses.txt"
    path.write_text("1 -1 1\n0 0 0\n0 1 0\n\n\n-1 1 1\n\n1 1 1\n0 0 -1\n")
    splits = read_pulses(path)
    assert [len(part) for part in splits] == [1, 1, 1]
    (found,) = (e for part in splits for e in part if len(e.inputs) == 3)
    np.testing.assert_array_equal(found.targets, [[1, -1, 1], [1, -1, 1], [1, 1, 1]])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("1 1\n", "line 1: three numbers of -1, 0 and 1 are needed"),
        ("1 1 1\n0 2 0\n", "line 2: three numbers of"),
        ("1 1 1\n\n0 1 1\n", "line 3: the first step of a sequence must set each bit"),
        ("1 1 1\n\n1 1 1\n", "2 different examples cannot be split in three"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path, lines, message):
    path = tmp_path / "pulses.txt"
    path.write_text(lines)
    with pytest.raises(DataError, match=f"pulses.txt[,:] {message}"):
        read_pulses(path)


def test_the_lorenz_system_stays_where_it_should():
    """At the origin and at x = y = ±√(β (ρ − 1)), z = ρ − 1, and nowhere else."""
    still = [[0, 0, 0], [72**0.5, 72**0.5, 27], [-(72**0.5), -(72**0.5), 27]]
    np.testing.assert_allclose(data.lorenz(np.array(still)), 0, atol=1e-12)
    np.testing.assert_allclose(data.lorenz(np.array([1.0, 2, 3])), [10, 23, -6])


def test_lorenz_trajectories_are_solutions():
    """A step is what two of half its length are; each target is the next input."""
    inputs, targets = map(np.stack, zip(*draw_lorenz(0, 40, 30), strict=True))
    np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])
    assert np.abs(inputs.mean((0, 1))).max() < 0.3
    assert 0.7 < inputs.std((0, 1)).min() and inputs.std((0, 1)).max() < 1.3
    state = inputs[:, 0] * data.SCALE + data.CENTER
    for _ in range(500):
        state = state + data.DT / 500 * data.lorenz(state)  # Euler, coarse
    np.testing.assert_allclose(
        (state - data.CENTER) / data.SCALE, targets[:, 0], atol=0.02
    )


def test_a_closed_loop_reads_its_own_outputs():
    predictor = make_predictor(GRU(4), "plain")
    variables = predict.init(predictor, jax.random.key(0))
    predictor = predict.VectorPredictor(predictor.model, 3, variables)
    xs = np.random.default_rng(0).normal(size=(5, 3))
    step, state = closed_loop(predictor, xs)
    for _ in range(3):
        outputs = predictor.predict(xs)
        np.testing.assert_allclose(state[:3], outputs[-1], rtol=1e-4, atol=1e-6)
        xs, state = np.concatenate([xs, outputs[-1:]]), step(state, None)


def test_a_model_of_vectors_answers_each_sequence_in_its_order():
    predictor = make_predictor(GRU(4), "plain")
    variables = predict.init(predictor, jax.random.key(0))
    predictor = predict.VectorPredictor(predictor.model, 3, variables)
    rng = np.random.default_rng(0)
    sequences = [rng.normal(size=(length, 3)) for length in (4, 1, 6)]
    outputs = predictor.outputs(predictor.batches(sequences, 2))
    for sequence, output in zip(sequences, outputs, strict=True):
        assert output.shape == (len(sequence), 3)
        inputs = jnp.asarray(sequence)[None], jnp.array([len(sequence)])
        wanted = predictor.model.apply(variables, *inputs)[0]
        np.testing.assert_allclose(output, wanted, rtol=1e-4, atol=1e-6)
    for bad in ([1, 2, 3], [[1, 2]]):
        with pytest.raises(ValueError, match=r"the inputs must be \[T, 3\]"):
            predictor.predict(bad)


@uses("dynamics")
def test_the_trained_network_is_loaded(trained):
    run = trained("dynamics")
    predictor = seqjax.load(run.folder / "run", predict.VectorPredictor)
    assert predictor.predict([[1, -1, 1], [0, 0, 0]]).shape == (2, 3)
    assert {"stable_fixed_points", "memories", "lyapunov"} <= set(run.result)
    assert run.result["best_possible"] == 1.0 > run.result["baseline"]
    drawn = {path.stem for path in (run.folder / "run" / "figures").glob("*.png")}
    wanted = {"trajectories", "eigenvalues", "singular_values", "lyapunov"}
    assert wanted <= drawn


def test_a_network_by_itself_has_exponents(tmp_path):
    flags = [*smoke("dynamics"), "--dataset=lorenz", "--workdir=run"]
    result = result_of("dynamics", *flags, cwd=tmp_path)
    assert len(result["lyapunov"]) == 3 and result["baseline"] < 0.1
    drawn = {path.stem for path in (tmp_path / "run" / "figures").glob("*.png")}
    assert {"attractor", "lyapunov"} <= drawn


def test_every_data_set_is_drawn():
    for entry in TABLE.datasets:
        splits, _ = entry.load()
        assert len(splits.train) > 400 and splits.train[0].inputs.shape[1] == 3


# Pictures


def check(figure, path):
    """The picture is written, and what it shows is named."""
    assert image.imread(path).ndim == 3 and figure.get_suptitle() == "a title"
    (axes,) = figure.axes
    assert axes.get_xlabel() and axes.get_ylabel()
    (legend,) = figure.legends or [axes.get_legend()]
    figure.draw_without_rendering()
    for text in (figure._suptitle, axes.xaxis.label, *legend.get_texts()):
        box = text.get_window_extent()
        assert -1 <= box.x0 and box.x1 <= figure.bbox.x1 + 1, text
        assert -1 <= box.y0 and box.y1 <= figure.bbox.y1 + 1, text
    return axes, {str(line.get_label()): line for line in axes.lines}


def test_eigenvalues_are_drawn_with_the_unit_circle(tmp_path):
    path, rng = tmp_path / "a.png", np.random.default_rng(0)
    values = rng.normal(size=(2, 5)) + 1j * rng.normal(size=(2, 5))
    groups = {"stable": values, "$saddle_": values[0]}
    axes, lines = check(figures.eigenvalues(path, groups, title="a title"), path)
    x, y = lines["stable"].get_data()
    np.testing.assert_array_equal(x + 1j * y, values.ravel())
    circle = np.array(lines["unit circle: |λ| = 1"].get_data())
    np.testing.assert_allclose(np.hypot(*circle), 1)
    assert axes.get_aspect() == 1 and "$saddle_" in lines


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_singular_values_are_drawn_beyond_floats(tmp_path, n):
    path = tmp_path / "a.png"
    logs = -np.sort(np.random.default_rng(0).gamma(2, 300, (90, n)).cumsum(0))
    axes, lines = check(figures.singular_values(path, logs, title="a title"), path)
    np.testing.assert_array_equal(lines["largest"].get_xdata(), np.arange(1, 91))
    np.testing.assert_allclose(lines["largest"].get_ydata(), logs[:, 0] / np.log(10))
    assert ("smallest" in lines) == (n > 1)
    assert len(axes.lines) == n + 1
    ticks = [text.get_text() for text in axes.get_yticklabels()]
    assert all(tick.startswith("1e") for tick in ticks) and "1e0" in ticks


def test_exponents_are_drawn_with_what_is_known(tmp_path):
    path, rng = tmp_path / "a.png", np.random.default_rng(0)
    running = -np.sort(-rng.normal(size=(5000, 3)))
    known = {"Lorenz": 0.9056}
    figure = figures.lyapunov(path, running, title="a title", known=known, unit="bits")
    axes, lines = check(figure, path)
    assert "bits" in axes.get_ylabel() and "Lorenz: 0.9056" in lines
    line = lines[f"largest: {running[-1, 0]:.4g}"]
    np.testing.assert_array_equal(line.get_ydata(), running[::3, 0])
    for wrong in (running[0], running[:0]):
        with pytest.raises(ValueError, match=r"running must be \[T, n\]"):
            figures.lyapunov(path, wrong, title="")


@pytest.mark.parametrize("components", [2, 3])
def test_trajectories_are_drawn_with_their_fixed_points(tmp_path, components):
    path, rng = tmp_path / "a.png", np.random.default_rng(0)
    sequences = [rng.normal(size=(length, 4)) for length in (9, 5, 7)]
    states, eigenvalues = rng.normal(size=(4, 4)), np.full((4, 4), 0.5 + 0j)
    eigenvalues[1, 0] = eigenvalues[3, 0] = eigenvalues[3, 1] = 1.5
    fixed = np.array([True, True, False, True])
    stable = (np.abs(eigenvalues) < 1).all(axis=1)
    q = np.arange(4.0)
    points = inspect.FixedPoints(states, states, q, fixed, eigenvalues, stable)
    figure = figures.trajectories(path, sequences, points, components, title="a title")
    axes, lines = check(figure, path)
    assert len(axes.lines) == 3 + 4
    seen = inspect.principal_components(np.concatenate(sequences), components)
    filled, saddle = lines["stable (1)"], lines["saddle, 1 unstable (1)"]
    assert filled.get_markerfacecolor() == "black"
    assert saddle.get_markerfacecolor() == "none" and "slow, stable (1)" in lines
    assert "saddle, 2 unstable (1)" in lines
    found = filled.get_data_3d() if components == 3 else filled.get_data()
    np.testing.assert_allclose(np.ravel(found), seen.project(states[0]))
    with pytest.raises(ValueError, match="components must be 2 or 3"):
        figures.trajectories(path, sequences, components=4, title="")
