"""Captions: convolutions, a decoder that attends to a grid, scenes, what is asked."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discovered import jit
from PIL import Image
from processes import run
from random_data import random_like
from trained import uses

from experiments.image_caption.captioned import Captioned, divide
from experiments.image_caption.emoji import named
from experiments.image_caption.folder import read_captions
from experiments.image_caption.model import rivals
from experiments.image_caption.report import as_grid
from experiments.image_caption.scenes import COLOURS, few
from seqjax import figures
from seqjax.cells import GRU, LSTM
from seqjax.data import DataError
from seqjax.data.images import resized
from seqjax.decode import log_probs
from seqjax.models import BOS, ConvEncoder, EncoderDecoder
from seqjax.predict import CaptionPredictor, load

RNG = np.random.default_rng(0)
IMAGES = jnp.array(RNG.normal(size=(3, 5, 4, 2)))
ROWS = jnp.array([5, 5, 0])  # the last is empty
TARGET, LENGTHS = jnp.array([[1, 3, 0], [2, 0, 9], [0, 0, 0]]), jnp.array([3, 2, 0])


def drawn(model, *arguments):
    shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), *arguments))
    return random_like(shapes, 1)


def convolved(x, kernel, bias, stride):
    """A 3 × 3 convolution by loops, of [H, W, C] with zeros around it."""
    sizes = [-(-size // stride) for size in x.shape[:2]]
    x = np.pad(x, [(1, 1), (1, 1), (0, 0)])
    y = np.zeros((*sizes, kernel.shape[-1]))
    for i, j in np.ndindex(*sizes):
        window = x[i * stride : i * stride + 3, j * stride : j * stride + 3]
        y[i, j] = np.einsum("hwc,hwcd->d", window, kernel) + bias
    return np.maximum(y, 0)


def test_an_encoder_is_convolutions_of_pixels_and_places():
    model = ConvEncoder((3, 2), (2, 1))
    variables = drawn(model, IMAGES)
    p = variables["params"]
    y, x = np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 4), indexing="ij")
    found = jit(model.apply)(variables, IMAGES)
    assert found.shape == (3, 3, 2, 2) and model.features == 2
    for image, grid in zip(np.asarray(IMAGES), found, strict=True):
        a = np.concatenate([image, np.stack([y, x], axis=-1)], axis=-1)
        for name, stride in (("Dense_0", 2), ("Dense_1", 1)):
            kernel = p[name]["kernel"].reshape(3, 3, a.shape[-1], -1)
            a = convolved(a, kernel, p[name]["bias"], stride)
        np.testing.assert_allclose(grid, a, rtol=1e-8, atol=1e-10)
    means = jit(model.clone(form="mean").apply)(variables, IMAGES)
    np.testing.assert_allclose(means, found.mean(axis=(1, 2)), rtol=1e-10)
    films = jit(model.apply)(variables, IMAGES[None])
    np.testing.assert_allclose(films[0], found, rtol=1e-10)


def writer(attention="additive", encoder=None):
    reader = ConvEncoder((3, 4), (2, 1))
    return EncoderDecoder(encoder, LSTM(3), None, 4, 2, attention, reader=reader)


@pytest.mark.parametrize(
    ("attention", "encoder"),
    [("none", None), ("additive", None), ("multiplicative", GRU(3))],
    ids=["none", "additive", "multiplicative after a layer"],
)
def test_a_decoder_reads_a_grid(attention, encoder):
    """It steps as it scores; each parameter matters, and an empty row none."""
    model = writer(attention, encoder)
    arguments = IMAGES, ROWS, TARGET, LENGTHS
    variables = drawn(model, *arguments)
    assert ("read" in variables["params"]) == (encoder is not None)
    marks = model.trainable(variables)
    assert all(jax.tree.leaves(marks))

    def both(variables, images):
        apply = functools.partial(model.apply, variables)
        logits: jax.Array = apply(images, *arguments[1:])  # pyright: ignore[reportAssignmentType]
        begin = apply(*arguments[:1], ROWS, method="initial_carry")
        step = functools.partial(apply, method="step")
        each = log_probs(step, begin, jnp.full(3, BOS), TARGET, LENGTHS)
        return jax.nn.log_softmax(logits), each

    logits, each = jit(both)(variables, IMAGES)
    labels = jnp.clip(TARGET, 0, 3)[..., None]
    chosen = jnp.take_along_axis(logits, labels, -1)[..., 0]
    valid = np.arange(3) < LENGTHS[:, None]
    np.testing.assert_allclose(each, np.where(valid, chosen, 0), rtol=1e-8)

    def loss(variables, images):
        return model.apply(variables, images, *arguments[1:], method="loss").total  # pyright: ignore[reportAttributeAccessIssue]

    slopes, of_images = jit(jax.grad(loss, argnums=(0, 1)))(variables, IMAGES)
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(slopes))
    assert np.abs(of_images[0]).max() > 0 and not of_images[2].any()


def test_attention_over_a_grid_is_a_distribution():
    model = writer()
    variables = drawn(model, IMAGES, ROWS, TARGET, LENGTHS)
    apply = jit(functools.partial(model.apply, method="attention_weights"))
    weights = apply(variables, IMAGES, ROWS, TARGET)
    assert weights.shape == (3, 3, 6), "3 × 2 parts"
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-8)
    assert weights[0].std(axis=0).max() > 1e-4, "it moves"
    begin = jit(functools.partial(model.apply, method="initial_carry"))
    values = begin(variables, IMAGES, ROWS).memory.values
    assert values[0].any() and not values[2].any(), "an empty row has no memory"
    with pytest.raises(ValueError, match="without an encoder there must be a reader"):
        drawn(EncoderDecoder(None, LSTM(3), None, 4), IMAGES, ROWS, TARGET, LENGTHS)


def test_a_scene_has_the_one_caption_that_it_has():
    """The first shape that is named lies left of the other, or above it."""
    images, best = few()
    assert best == 1 and len({image.caption for image in images}) > 90
    kinds = set()
    for image in images:
        words = image.caption.split()
        colours = [word for word in words if word in COLOURS]
        kinds.add("left" if "left" in words else "above" if "above" in words else "one")
        if len(set(colours)) < 2:
            continue
        centres = []
        for colour in colours:
            target = np.array(COLOURS[colour])
            distance = np.abs(image.pixels - 0.95 * target).max(axis=-1)
            centres.append(np.argwhere(distance < 45).mean(axis=0))
        axis = 1 if "left" in words else 0
        assert centres[0][axis] + 6 < centres[1][axis], image.caption
    assert kinds == {"left", "above", "one"}


def test_images_of_one_group_are_on_one_side():
    images = [
        Captioned(
            f"{i}", RNG.integers(0, 256, (2, 2, 3)), "a", f"{i // 3}" if i else ""
        )
        for i in range(60)
    ]
    parts = divide(images, 0, "data")
    groups = [{i.group for i in part} for part in parts]
    assert sum(map(len, groups)) == len(set.union(*groups)) > 15
    with pytest.raises(DataError, match="data: 1 different"):
        divide(images[3:5], 0, "data")
    assert named("1f44b-1f3fd") == ("waving hand sign skin tone 4", "waving hand sign")
    assert named("e50a") == ("", "")


def test_rivals_answer_from_what_is_known():
    train = [Captioned("", np.full((2, 2, 3), v), c) for v, c in ((9, "a"), (99, "b"))]
    train.append(train[0]._replace(pixels=train[0].pixels + 3))
    asked = [Captioned("", np.full((2, 2, 3), v), "") for v in (90, 0)]
    told = rivals(train, asked, (2, 2))
    assert list(told.values()) == [["a", "a"], ["b", "a"]]


def test_a_grid_has_the_form_of_its_image():
    assert as_grid((36, 36))(np.arange(81)).shape == (9, 9)
    assert as_grid((40, 20))(np.arange(50)).shape == (10, 5)


def test_a_folder_of_captions_is_read(tmp_path):
    table, image = tmp_path / "captions.tsv", RNG.integers(0, 256, (4, 6, 3))
    image = image.astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    Image.fromarray(resized(image, (8, 9))).save(tmp_path / "b.png")
    table.write_text("a.png\ta  cat\n\na.png\tone cat\nb.png\ta dog\n")
    found = read_captions(tmp_path)
    assert [i.caption for i in found] == ["a cat", "one cat", "a dog"]
    assert [i.group for i in found] == ["a.png", "a.png", "b.png"]
    np.testing.assert_array_equal(found[1].pixels, image)
    assert found[2].pixels.shape == image.shape
    for text, named_ in (
        ("a.png\n", "captions.tsv, line 1: two columns"),
        ("a.png\tcat\nc.png\tcat\n", "line 2: there is no file 'c.png'"),
        ("captions.tsv\tcat\n", "captions.tsv: no image"),
        ("\n", "captions.tsv: no example"),
    ):
        table.write_text(text)
        with pytest.raises(DataError, match=named_):
            read_captions(tmp_path)
    with pytest.raises(DataError, match="a folder of images with captions.tsv"):
        read_captions(table)


def test_images_are_drawn_with_their_texts(tmp_path):
    path = tmp_path / "a.png"
    images = [RNG.integers(0, 256, s) for s in ((4, 4), (4, 6, 3), (2, 2))]
    over = [None, RNG.random((2, 3)), None]
    lines = ["one", "two", "three"]
    wrong = [False, True, False]
    figure = figures.pictures(
        path, images, lines, title="t", wrong=wrong, columns=2, over=over
    )
    titles = [axes.title for axes in figure.axes]
    assert [t.get_text() for t in titles] == [*lines, ""]
    assert titles[1].get_color() != titles[0].get_color() == titles[2].get_color()
    assert [len(axes.images) for axes in figure.axes] == [1, 2, 1, 0]
    cover = np.asarray(figure.axes[1].images[1].get_array())[..., 3]
    assert cover.argmin() == over[1].argmax() and cover.min() == 0
    assert path.read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(ValueError, match="3 images cannot have 1 texts"):
        figures.pictures(path, images, ["one"], title="t")


@uses("image_caption")
def test_a_trained_writer_says_what_is_in_an_image(trained, tmp_path):
    folder = trained("image_caption").folder / "run"
    model = load(folder, CaptionPredictor)
    scene = few()[0][0]
    path = tmp_path / "a.png"
    Image.fromarray(scene.pixels).save(path)
    text = model.caption(path)
    assert model.caption([path, scene.pixels]) == [text] * 2
    (weights,) = model.attention_weights([path], [scene.caption])
    assert weights.shape == (len(scene.caption.split()) + 1, 81)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    mode = ["--mode=caption", f"--workdir={folder}"]
    code, out, err = run("image_caption", *mode, f"--image={path}", cwd=tmp_path)
    assert (code, out.strip(), err) == (0, text, "")
    large = resized(scene.pixels, (72, 50))
    assert isinstance(model.caption(large), str), "another size is scaled"
    with pytest.raises(ValueError, match=r"must be \[H, W, 3\]"):
        model.caption(scene.pixels[..., 0])
    path.write_text("hello")
    for flags, named_ in (
        ([*mode, f"--image={path}"], "a.png: no image"),
        ([*mode, "--image=none.png"], "none.png"),
        (mode, "--image"),
        (["--mode=caption", f"--image={path}"], "--workdir"),
        (["--data=none"], "none: a folder of images"),
        (["--bidirectional"], "--bidirectional"),
    ):
        code, out, err = run("image_caption", *flags, cwd=tmp_path)
        assert code in (1, 2) and out == "" and len(err.splitlines()) == 1, err
        assert named_ in err, err
