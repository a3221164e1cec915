"""Images: files, ways to read them, changes to them, and who tells what is in them."""

import gzip
import struct

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from processes import run
from trained import uses

from experiments.image_classification.digits import STROKES, synthetic
from experiments.image_classification.picture import Picture, divide
from experiments.image_classification.reading import read_path
from experiments.image_classification.reasons import fit, place
from experiments.image_classification.warp import Warp
from seqjax.baselines import logistic_regression
from seqjax.cells import GRU
from seqjax.data import DataError
from seqjax.data.images import Scan, read_image
from seqjax.models import Classifier, FeedForward
from seqjax.predict import ImageClassPredictor, init, load, save

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (5, 3)).astype(np.uint8)


def scanned(scan, image):
    return scan.steps(scan.stand(image))


def test_an_image_becomes_steps():
    order = tuple(RNG.permutation(15).tolist())
    np.testing.assert_array_equal(scanned(Scan("rows", 5, 3), IMAGE), IMAGE)
    np.testing.assert_array_equal(scanned(Scan("columns", 5, 3), IMAGE), IMAGE.T)
    pixels = scanned(Scan("pixels", 5, 3), IMAGE)
    np.testing.assert_array_equal(pixels[:, 0], IMAGE.ravel())
    permuted = scanned(Scan("pixels", 5, 3, order), IMAGE)
    np.testing.assert_array_equal(permuted[:, 0], IMAGE.ravel()[list(order)])
    fixed = scanned(Scan("fixed", 5, 3), IMAGE)
    np.testing.assert_array_equal(fixed, IMAGE.reshape(1, 15))


@pytest.mark.parametrize("way", ["fixed", "rows", "columns", "pixels"])
def test_a_scan_knows_its_steps_of_one_image_and_of_a_batch(way):
    scan, batch = Scan(way, 5, 3), RNG.random((4, 5, 3))
    stood = scan.stand(batch)
    steps = scan.steps(stood)
    assert steps.shape[-1] == scan.features
    rows = np.array([stood.shape[1], 0])
    assert scan.count(rows).tolist() == [steps.shape[1], 0]
    for one, image in zip(steps, batch, strict=True):
        np.testing.assert_array_equal(one, scanned(scan, image))


@pytest.mark.parametrize(
    ("way", "shape", "reason"),
    [
        ("rows", (9, 3), ""),
        ("rows", (5, 4), "rows of 3 pixels"),
        ("columns", (5, 9), ""),
        ("columns", (4, 3), "columns of 5 pixels"),
        ("pixels", (3, 5), "5 × 3"),
        ("fixed", (5, 4), "a fixed network reads 5 × 3 .*, not 5 × 4"),
        ("rows", (0, 3), "height"),
        ("rows", (5, 3, 3), "height"),
    ],
)
def test_an_image_of_another_size_is_read_or_refused(way, shape, reason):
    model = FeedForward((), 2) if way == "fixed" else Classifier(GRU(2), 2)
    teller = ImageClassPredictor(model, Scan(way, 5, 3), ("a", "b"))
    teller = ImageClassPredictor(
        model, teller.scan, ("a", "b"), init(teller, jax.random.key(0))
    )
    image = RNG.integers(0, 256, shape)
    if reason:
        with pytest.raises(ValueError, match=reason):
            teller.classify(image)
    else:
        assert sum(teller.classify(image).values()) == pytest.approx(1)


def test_a_scan_of_no_permutation_is_refused():
    with pytest.raises(ValueError, match="permutation of 15"):
        Scan("pixels", 5, 3, (0, 0, *range(2, 15)))
    with pytest.raises(ValueError, match="way must be"):
        Scan("spiral", 5, 3)  # pyright: ignore[reportArgumentType]


def test_image_files_are_read(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(IMAGE).save(path)
    np.testing.assert_array_equal(read_image(path), IMAGE)
    clear = np.dstack([IMAGE, IMAGE, IMAGE, np.where(IMAGE > 99, 255, 0)])
    Image.fromarray(clear.astype(np.uint8)).save(path)
    np.testing.assert_array_equal(read_image(path), np.where(IMAGE > 99, IMAGE, 0))
    colours = np.where(IMAGE > 99, IMAGE, 255)[..., None].repeat(3, axis=2)
    np.testing.assert_array_equal(read_image(path, "RGB"), colours)
    whole = path.read_bytes()
    for damage in (b"", b"PNG", whole[: len(whole) // 2]):
        path.write_bytes(damage)
        with pytest.raises(DataError, match="a.png: "):
            read_image(path)


def idx(array):
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def test_idx_files_are_read(tmp_path):
    """A part of its own for the test, gzipped or not; each damage is named."""
    pixels, labels = RNG.integers(0, 256, (6, 4, 3)), RNG.integers(0, 9, 6)
    for part, pack in (("train", gzip.compress), ("t10k", bytes)):
        for kind, array in (("images-idx3", pixels), ("labels-idx1", labels)):
            (tmp_path / f"{part}-{kind}-ubyte").write_bytes(pack(idx(array)))
    found = read_path(tmp_path)
    assert [p.part for p in found] == ["test"] * 6 + ["train"] * 6
    for picture, image, label in zip(found[6:], pixels, labels, strict=True):
        np.testing.assert_array_equal(picture.pixels, image)
        assert picture.label == str(label)
    images, beside = (
        tmp_path / f"t10k-{k}-ubyte" for k in ("images-idx3", "labels-idx1")
    )
    assert [p.part for p in read_path(images)] == [""] * 6
    damages = [(idx(pixels)[:-1], images), (b"", images), (idx(labels), images)]
    damages += [(idx(pixels)[:9], images), (b"\x1f\x8bxx", images)]
    damages += [(idx(labels[1:]), beside), (None, beside)]
    whole = {path: path.read_bytes() for path in (images, beside)}
    for damage, path in damages:
        path.unlink() if damage is None else path.write_bytes(damage)
        with pytest.raises(DataError, match=path.name):
            read_path(tmp_path)
        path.write_bytes(whole[path])


def test_a_folder_of_images_by_class_is_read(tmp_path):
    for label in "ab":
        (tmp_path / label).mkdir()
        Image.fromarray(IMAGE + ord(label)).save(tmp_path / label / "x.png")
    assert [p.label for p in read_path(tmp_path)] == ["a", "b"]
    (tmp_path / "c").mkdir()
    with pytest.raises(DataError, match="c: there is no image"):
        read_path(tmp_path)
    with pytest.raises(DataError, match="neither IDX files nor folders"):
        read_path(tmp_path / "c")


def test_equal_pictures_are_never_on_two_sides():
    images = [RNG.integers(0, 256, (2, 2)) for _ in range(20)]
    pictures = [
        Picture(f"{i} {copy}", image, "ab"[i % 2])
        for i, image in enumerate(images)
        for copy in range(2)
    ]
    parts = divide(pictures, 1, "data")
    sides = [{p.pixels.tobytes() for p in part} for part in parts]
    assert sum(map(len, sides)) == 20 and sum(map(len, parts)) == 40
    own = [p._replace(part="test" if p.name[0] == "1" else "train") for p in pictures]
    parts = divide(own, 1, "data")
    assert {p.name[0] for p in parts.test} == {"1"}
    known = {p.pixels.tobytes() for p in parts.test}
    assert not any(p.pixels.tobytes() in known for p in parts.train + parts.valid)
    with pytest.raises(DataError, match="data: all pictures are of a"):
        divide([p._replace(label="a") for p in own], 1, "data")
    odd = [p._replace(label="c") if p.part == "test" else p for p in own]
    with pytest.raises(DataError, match="1 0: no other picture of c"):
        divide(odd, 1, "data")


def test_generated_digits_can_be_told():
    assert len(set(STROKES.split())) == 10
    pictures, best = synthetic(60)
    assert best == 1 and {p.label for p in pictures} == set("0123456789")
    for picture in pictures:
        bright = picture.pixels > 95
        rows, columns = (np.flatnonzero(bright.any(axis=a)) for a in (1, 0))
        glyph = bright[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert glyph.sum() > 8 and picture.pixels[~bright].max() < 60


def test_images_are_changed_at_random():
    images, rows = jnp.array(RNG.random((3, 12, 9))), jnp.array([12, 12, 8])
    key = jax.random.key(0)
    still = jax.jit(Warp())(key, images, rows, 0.0)
    np.testing.assert_allclose(still, images, atol=1e-6)
    changed = jax.jit(Warp())(key, images, rows, 1.0)
    assert np.all(np.abs(changed - images).mean(axis=(1, 2)) > 0.02)
    moved = Warp(shift=4, turn=0, zoom=0, shear=0, bend=0)
    dot = jnp.zeros((64, 15, 15)).at[:, 7, 7].set(1)
    found = jax.jit(moved)(key, dot, jnp.full(64, 15), 1.0)
    np.testing.assert_allclose(found.sum(axis=(1, 2)), 1, atol=1e-5)
    where = jnp.einsum("bhw,h->b", found, jnp.arange(15.0)) - 7
    assert 3 < jnp.abs(where).max() <= 4 and jnp.abs(where.mean()) < 1


def test_relu_layers_may_read_what_is_pooled():
    model = Classifier(GRU(3), 2, widths=(4,))
    xs, lengths = jnp.array(RNG.random((2, 5, 3))), jnp.array([5, 2])
    variables = jax.jit(model.init)(jax.random.key(0), xs, lengths)
    p = variables["params"]
    states = GRU(3).unroll(p["recurrent"]["layer"], xs.swapaxes(0, 1))[1]
    last = np.stack([states[4, 0], states[1, 1]])
    hidden = last @ p["bends_0"]["kernel"] + p["bends_0"]["bias"]
    expected = np.maximum(hidden, 0) @ p["readout"]["kernel"] + p["readout"]["bias"]
    found = model.apply(variables, xs, lengths)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    each: jax.Array = model.apply(variables, xs, lengths, method="at_every_step")  # pyright: ignore[reportAssignmentType]
    np.testing.assert_allclose(each[0, -1], expected[0], rtol=1e-4, atol=1e-6)


def test_a_linear_rival_separates_what_a_line_separates():
    inputs = [RNG.normal(size=(n, 3)) for n in (80, 30, 40)]
    labels = [(x @ [2, -1, 0.5] > 0).astype(int) for x in inputs]
    shares = logistic_regression(inputs, labels, (0.1, 1))
    assert [s.shape for s in shares] == [(30, 2), (40, 2)]
    assert np.mean(shares[1].argmax(axis=1) == labels[2]) > 0.9


def test_a_digit_is_put_somewhere_in_a_wide_image():
    picture = Picture("x", IMAGE, "1")
    wide = place(picture, 2, 7).pixels
    np.testing.assert_array_equal(wide[:, 2:5], IMAGE)
    assert wide.shape == (5, 7) and wide.sum() == IMAGE.sum()
    np.testing.assert_array_equal(
        fit(picture._replace(pixels=wide), 4).pixels, wide[:, :4]
    )
    filled = fit(picture, 6).pixels
    np.testing.assert_array_equal(filled, place(picture, 0, 6).pixels)


@uses("image_classification")
def test_a_trained_classifier_tells_images(trained, tmp_path):
    teller = trained("image_classification")
    assert teller.result["score"] > teller.result["baseline"]
    picture = synthetic(1)[0][0]
    path = tmp_path / "digit.png"
    Image.fromarray(picture.pixels).save(path)
    model = load(teller.folder / "run", ImageClassPredictor)
    shares = model.classify(path)
    assert max(shares, key=lambda label: shares[label]) == picture.label
    assert (
        model.classify([path, picture.pixels]) == [pytest.approx(shares, rel=1e-4)] * 2
    )
    save(tmp_path / "again", model)
    assert load(tmp_path / "again", ImageClassPredictor).classify(path) == shares
    mode = ["--mode=classify", f"--workdir={teller.folder / 'run'}"]
    code, out, err = run("image_classification", *mode, f"--image={path}", cwd=tmp_path)
    assert code == 0 and err == "" and out.splitlines()[0] == picture.label
    tall = np.pad(picture.pixels, ((0, 5), (0, 0)))
    assert sum(model.classify(tall).values()) == pytest.approx(1)
    Image.fromarray(tall.T).save(path)
    (tmp_path / "text.png").write_text("hello")
    for image, named in (
        ([f"--image={path}"], "rows of 10 pixels are read, not of 17"),
        ([f"--image={tmp_path / 'text.png'}"], "text.png: no image"),
        (["--image=none.png"], "none.png"),
        ([], "--image"),
    ):
        code, out, err = run("image_classification", *mode, *image, cwd=tmp_path)
        assert code in (1, 2) and out == "" and len(err.splitlines()) == 1, err
        assert named in err, err


@uses("image_classification")
def test_what_cannot_be_learned_from_is_one_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    for flags, named in (
        (["--permuted"], "--permuted"),
        (["--data=empty"], "empty: neither"),
        (["--data=none-images-idx3"], "none-images-idx3"),
        (["--dataset=synthetic", "--mode=reasons", "--permuted"], "--permuted"),
    ):
        code, out, err = run("image_classification", *flags, cwd=tmp_path)
        assert code in (1, 2) and out == "" and len(err.splitlines()) == 1, err
        assert named in err and len(list(tmp_path.iterdir())) == 1, err


@uses("image_classification")
def test_both_reasons_are_measured(tmp_path):
    flags = ["--mode=reasons", "--dataset=synthetic", "--steps=3", "--features=4"]
    flags += ["--cell=elman", "--workdir=run", "--quiet"]
    code, out, err = run("image_classification", *flags, cwd=tmp_path)
    assert code == 0, err
    assert (tmp_path / "run" / "figures" / "reasons.png").exists()
    assert '"widths": [10, 15, 20, 30, 40]' in out.splitlines()[-1]
