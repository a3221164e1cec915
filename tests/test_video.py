"""Videos: the convolutional LSTM, an encoder of frames, generators, readers."""

import dataclasses
import shutil

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from processes import run
from scipy.signal import correlate2d
from trained import uses

import seqjax
from experiments.shared.classifying import scorer
from experiments.video_activity.reading import read_path
from experiments.video_activity.shapes import ACTIVITIES, SIZE, synthetic, track
from experiments.video_activity.tracks import parse_libras
from seqjax import figures, predict
from seqjax.cells import ConvLSTM, PeepholeLSTM, make
from seqjax.data import DataError
from seqjax.models import Classifier, ConvEncoder
from seqjax.predict import VideoClassPredictor


def convolved(image, kernel):
    """A convolution of [H, W, C] with [kernel, kernel, C, out], by SciPy."""
    planes = [
        sum(
            correlate2d(image[..., c], kernel[..., c, k], mode="same")
            for c in range(image.shape[-1])
        )
        for k in range(kernel.shape[-1])
    ]
    return np.stack(planes, axis=-1)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_a_convolutional_lstm_is_its_equations():
    H, W, colours, C = 4, 5, 2, 3
    cell = ConvLSTM(H * W * C, grid=(H, W))
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        shapes = cell.init(jax.random.key(0), H * W * colours, jnp.float64)
        params = jax.tree.map(lambda a: 0.5 * rng.normal(size=a.shape), shapes)
        xs = rng.normal(size=(6, H, W, colours))
        _, ys = cell.unroll(params, jnp.asarray(xs.reshape(6, -1)))
    w_x = params.w_x.reshape(3, 3, colours, 4 * C)
    w_h = params.w_h.reshape(3, 3, C, 4 * C)
    p_i, p_f, p_o = (p.reshape(H, W, C) for p in (params.p_i, params.p_f, params.p_o))
    h = c = np.zeros((H, W, C))
    for x, y in zip(xs, np.asarray(ys).reshape(6, H, W, C), strict=True):
        gates = convolved(x, w_x) + convolved(h, w_h) + params.b
        i, f, g, o = np.split(gates, 4, axis=-1)
        new = sigmoid(i + p_i * c) * np.tanh(g) + sigmoid(f + p_f * c) * c
        h, c = sigmoid(o + p_o * new) * np.tanh(new), new
        np.testing.assert_allclose(y, h, rtol=1e-9, atol=1e-12)


def test_on_one_place_it_is_the_peephole_lstm():
    cell, same = ConvLSTM(5), PeepholeLSTM(5)
    params, xs = cell.init(jax.random.key(0), 3), jnp.ones((4, 2, 3)).at[1].set(-2.0)
    expected = same.unroll(type(same.init(jax.random.key(0), 3))(*params), xs)
    chex.assert_trees_all_close(
        jax.tree.leaves(cell.unroll(params, xs)), jax.tree.leaves(expected), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    {
        "grid=(2, 3)": "features must be a multiple of the 6 places of a grid of 2",
        "kernel=2": "kernel must be odd, not 2",
        "grid=(2,)": "grid must be",
    }.items(),
)
def test_what_a_convolutional_lstm_refuses(fields, reason):
    with pytest.raises(ValueError, match=reason):
        make(f"conv_lstm({fields})", features=8)
    with pytest.raises(ValueError, match="in_features must be a multiple of the 4"):
        ConvLSTM(8, grid=(2, 2)).init(jax.random.key(0), 6)


def test_an_encoder_reads_each_frame_by_itself():
    images = np.random.default_rng(0).normal(size=(2, 3, 8, 6, 1)).astype(np.float32)
    grid = ConvEncoder((3, 5), (2, 2))
    variables = grid.init(jax.random.key(0), images)
    made = grid.apply(variables, images)
    assert made.shape == (2, 3, 2, 2, 5)
    alone = grid.apply(variables, images[1, 2])
    np.testing.assert_allclose(made[1, 2], alone, rtol=1e-5)
    flat = dataclasses.replace(grid, form="flat").apply(variables, images)
    np.testing.assert_allclose(flat, made.reshape(2, 3, -1))
    mean = dataclasses.replace(grid, form="mean").apply(variables, images)
    np.testing.assert_allclose(mean, made.mean(axis=(2, 3)), rtol=1e-5)


def test_a_movement_and_its_opposite_leave_the_same_frames():
    """So neither a frame nor the mean of all can tell them apart."""
    times, last = np.arange(9), 8
    for one, other in zip(ACTIVITIES[::2], ACTIVITIES[1::2], strict=True):
        phase = 0.3
        forth = track(one, 0.7, times, phase)
        turned = phase + 0.7 * last / 4  # where the one ends the other may begin
        back = track(other, 0.7, times, turned)
        shifted = back - back[last] + forth[0]
        np.testing.assert_allclose(shifted[::-1], forth, atol=1e-12)


def test_generated_videos_say_nothing_at_any_one_time():
    videos, best = synthetic(videos=600)
    assert best == 1 and {v.label for v in videos} == set(ACTIVITIES)
    assert {len(v.frames) for v in videos} == set(range(12, 21))
    first = np.array([v.frames[0, ..., 0] for v in videos])
    bright, error = first.mean(axis=0), first.std(axis=0) / np.sqrt(len(first))
    assert bright.shape == (SIZE, SIZE)  # and everywhere alike
    assert (np.abs(bright - bright.mean()) < 5 * error).all()


def test_rows_of_hands_are_read_once():
    row = ",".join(str(i / 100) for i in range(90))
    videos = parse_libras(f"{row},3\n{row},3\n{row},6\n".encode())
    assert [v.label for v in videos] == ["vertical swing"]
    np.testing.assert_allclose(videos[0].frames[1], [0.02, 0.03], rtol=1e-6)
    for bad in (f"{row},16", row, f"{row},x"):
        with pytest.raises(DataError, match="line 1: 91 numbers are needed"):
            parse_libras(bad.encode())


def write_images(folder, count, size=(5, 4), activity="wave"):
    from PIL import Image

    one = folder / activity / f"film {count}"
    one.mkdir(parents=True)
    rng = np.random.default_rng(count)
    frames = rng.integers(0, 256, (count, *size), np.uint8)
    for i, frame in enumerate(frames):
        Image.fromarray(frame).save(one / f"{i:03}.png")
    return frames / 255


def test_videos_of_every_kind_are_read(tmp_path):
    frames = [write_images(tmp_path / "films", n) for n in (1, 3)]
    found = read_path(tmp_path / "films")
    assert [v.label for v in found] == ["wave"] * 2
    for video, expected in zip(found, frames, strict=True):
        np.testing.assert_allclose(video.frames[..., 0], expected, rtol=1e-6)
    (tmp_path / "points" / "walk").mkdir(parents=True)
    (tmp_path / "points" / "walk" / "a.txt").write_text("1, 2\n\n3 4\n5,6\n")
    (points,) = read_path(tmp_path / "points")
    np.testing.assert_array_equal(points.frames, [[1, 2], [3, 4], [5, 6]])
    stack = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5)
    arrays = {"frames": stack, "labels": ["a", "b"], "lengths": [3, 1]}
    np.savez(tmp_path / "v.npz", **arrays)
    one, two = read_path(tmp_path / "v.npz")
    assert (one.frames.shape, two.frames.shape) == ((3, 4, 5, 1), (1, 4, 5, 1))
    np.testing.assert_allclose(two.frames[0, ..., 0], stack[1, 0] / 255, rtol=1e-6)


def _npz(**arrays):
    return lambda p: np.savez(p / "x.npz", **arrays)


def _text(name, text):
    def write(folder):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    return write


def _two_sizes(folder):
    write_images(folder / "x", 2)
    write_images(folder / "x", 1, (6, 4), "nod")


def _odd_frame(folder):
    write_images(folder / "x", 2)
    write_images(folder / "other", 1, (6, 4))
    shutil.copy(folder / "other/wave/film 1/000.png", folder / "x/wave/film 2/z.png")


ones = np.ones((2, 3, 4, 5))
BAD = {
    "no folder, and no .npz": ("x", lambda p: None),
    "no video; ACTIVITY/VIDEO/": ("x", lambda p: (p / "x").mkdir()),
    "no image in this folder": ("x", lambda p: (p / "x/wave/a").mkdir(parents=True)),
    "line 2: these are not numbers": ("x", _text("x/a/b.txt", "1 2\n3 d")),
    "line 2: 1 numbers, but 2 in": ("x", _text("x/a/b.csv", "1,2\n3")),
    "no example in it, only blank": ("x", _text("x/a/b.txt", "\n")),
    "no .npz file, which is a zip": ("x.npz", _text("x.npz", "frames")),
    "there is no array 'labels'": ("x.npz", _npz(frames=ones)),
    "frames must be .N, T, H, W": ("x.npz", _npz(frames=ones, labels=["a"])),
    "each video needs 1 to 3 frames": (
        "x.npz",
        _npz(frames=ones, labels=["a", "b"], lengths=[3, 0]),
    ),
    "numbers that are not finite": (
        "x.npz",
        _npz(frames=ones * np.nan, labels=["a", "b"]),
    ),
    "frames of 5 × 4 pixels and 1 colours, those": ("x", _two_sizes),
    "this frame is 6 × 4, the first one 5 × 4": ("x", _odd_frame),
}


@pytest.mark.parametrize(("reason", "case"), BAD.items())
def test_bad_videos_are_one_sentence(reason, case, tmp_path):
    name, write = case
    write(tmp_path)
    with pytest.raises(DataError, match=reason) as error:
        read_path(tmp_path / name)
    assert "x" in str(error.value) and "\n" not in str(error.value)


def test_a_scorer_says_how_far_shares_are_from_labels():
    shares = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])

    @dataclasses.dataclass
    class Known:
        variables: float = 0.0

        def probabilities(self, batches):
            return batches**self.variables

    found = scorer(Known(), shares, np.array([0, 0, 1]))(1.0)
    nats = -np.log([0.9, 0.4, 0.8]).mean()
    assert found == {"valid": pytest.approx(nats), "valid_wrong": pytest.approx(1 / 3)}


def test_a_classifier_of_videos_answers_as_its_model(tmp_path):
    model = Classifier(make("gru", features=4), 2, pooling="mean")
    scaled = {"mean": (0.5, -1.0), "std": (2.0, 0.5), "differences": True}
    teller = VideoClassPredictor(model, (2,), ("nod", "wave"), **scaled)
    variables = predict.init(teller, jax.random.key(0))
    teller = dataclasses.replace(teller, variables=variables)
    frames = np.random.default_rng(0).normal(size=(7, 2))
    p = teller.classify(frames)
    assert list(p) == ["nod", "wave"] and sum(p.values()) == pytest.approx(1)
    batch = teller.batches([teller.inputs(frames[:n]) for n in (3, 7, 1)])
    rows = teller.probabilities(batch)
    np.testing.assert_allclose(rows[1], list(p.values()), atol=1e-6)
    np.testing.assert_allclose(
        rows[2], list(teller.classify(frames[:1]).values()), atol=1e-6
    )
    np.testing.assert_allclose(teller.inputs(frames)[0, 2:], 0)
    scaled = (frames - [0.5, -1.0]) / [2.0, 0.5]
    np.testing.assert_allclose(teller.inputs(frames)[:, :2], scaled, rtol=1e-5)
    moved = teller.inputs(frames + 3)  # what moves is the same, wherever it is
    np.testing.assert_allclose(moved[:, 2:], teller.inputs(frames)[:, 2:], atol=1e-4)
    predict.save(tmp_path, teller)
    assert predict.load(tmp_path).classify(frames) == p
    for bad in (frames[:0], frames[:, :1], frames[0]):
        with pytest.raises(ValueError, match=r"frames must be \[T, 2\]"):
            teller.classify(bad)


def test_tracks_are_lines_over_places_or_time(tmp_path):
    paths = [np.random.default_rng(i).normal(size=(5, 2)) for i in range(3)]
    drawn = figures.tracks(
        tmp_path / "a.png",
        paths,
        ["a", "b", "c"],
        title="t",
        wrong=[False, True, False],
    )
    places = [axes for axes in drawn.axes if axes.get_title()]
    for axes, path in zip(places, paths, strict=True):
        np.testing.assert_array_equal(axes.lines[0].get_xydata(), path)
    (one,) = figures.tracks(
        tmp_path / "b.png", [np.ones((4, 3))], ["x"], title="t"
    ).axes
    assert (one.get_xlabel(), len(one.lines)) == ("frame", 3)
    with pytest.raises(ValueError, match="3 paths cannot have 1 texts"):
        figures.tracks(tmp_path / "c.png", paths, ["a"], title="t")


@uses("video_activity")
def test_a_run_leaves_a_contact_sheet_and_a_model_that_answers(trained, tmp_path):
    done = trained("video_activity")
    assert (done.folder / "run" / "figures" / "contact_sheet.png").exists()
    lines = (done.folder / "run" / "predictions.tsv").read_text().splitlines()
    assert len(lines) == 12
    teller = seqjax.load(done.folder / "run")
    videos = {v.name: v for v in read_path(done.folder / "videos.npz")}
    name, _, taken, p = lines[5].split("\t")
    asked = teller.classify(videos[f"{done.folder}/{name}"].frames)
    assert max(asked, key=asked.__getitem__) == taken
    assert asked[taken] == pytest.approx(float(p), abs=1e-3)
    write_images(tmp_path, 3, (SIZE, SIZE))
    ask = ["--mode=classify", f"--workdir={done.folder / 'run'}"]
    code, out, err = run("video_activity", *ask, "--video=wave/film 3", cwd=tmp_path)
    assert code == 0 and len(out.splitlines()) == len(ACTIVITIES), err
    write_images(tmp_path, 2, (4, 5), "nod")
    code, out, err = run("video_activity", *ask, "--video=nod/film 2", cwd=tmp_path)
    assert code == 2 and "frames must be [T, 16, 16, 1], not (2, 4, 5, 1)" in err
