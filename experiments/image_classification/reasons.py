"""Why a fixed network will not do: other places, and inputs of other lengths.

A fixed and a recurrent network learn from digits at the left of an image twice as wide.
Then they are asked about digits at every other place, of which the fixed one has
learned nothing, for each of its weights belongs to one pixel; and about images of other
widths, which the fixed one cannot read unless they are cut or filled up to its own.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from experiments.image_classification.data import TABLE
from experiments.image_classification.model import (
    examples_of,
    loss_of,
    make_predictor,
)
from experiments.image_classification.picture import Picture, describe, divide
from experiments.shared.classifying import nats, share_right
from experiments.shared.run import Run, split_seed
from seqjax import figures, predict
from seqjax.data import DataError
from seqjax.predict import ImageClassPredictor

WAYS = {"fixed": "fixed network", "columns": "recurrent network"}
PLACES, WIDTHS = 8, (1, 1.5, 2, 3, 4)  # of the digit; in widths of a digit


def place(picture: Picture, column: int, width: int) -> Picture:
    """The picture in a black one of another width, from a column on."""
    height, own = picture.pixels.shape
    canvas = np.zeros((height, width), picture.pixels.dtype)
    canvas[:, column : column + own] = picture.pixels
    return picture._replace(pixels=canvas)


def fit(canvas: Picture, width: int) -> Picture:
    """The picture cut, or filled up with black at its right, to a width."""
    pixels = canvas.pixels[:, :width]
    missing = width - pixels.shape[1]
    return canvas._replace(pixels=np.pad(pixels, ((0, 0), (0, missing))))


def reasons(options: Any) -> dict[str, Any]:
    """Trains both networks at the left, asks about places and widths, draws both."""
    source = TABLE.load(options.dataset, options.data)
    splits = divide(source.examples, split_seed(options), source.name)
    if len({p.pixels.shape for part in splits for p in part}) > 1:
        raise DataError(f"{source.name}: --mode=reasons needs pictures of one size")
    own = splits.train[0].pixels.shape[1]
    width = 2 * own
    left = [[place(p, 0, width) for p in part] for part in splits]
    facts = describe(splits, width)
    run = Run.begin("image_classification", options, source, None, facts)
    tellers = {way: learn(run, way, left) for way in WAYS}
    run.save(tellers["columns"])
    places = np.linspace(0, own, PLACES).round().astype(int)
    rng = np.random.default_rng(options.seed)
    by_place, by_width = ({way: [] for way in WAYS} for _ in range(2))
    for column in places:
        asked = [place(p, int(column), width) for p in splits.test]
        for way, teller in tellers.items():
            by_place[way].append(right(teller, asked))
    widths = [round(own * times) for times in WIDTHS]
    for wide in widths:
        columns = rng.integers(0, wide - own + 1, len(splits.test))
        asked = [
            place(p, int(c), wide) for p, c in zip(splits.test, columns, strict=True)
        ]
        cut = [fit(p, width) for p in asked]
        for way, teller in tellers.items():
            by_width[way].append(right(teller, cut if way == "fixed" else asked))
    return report(run, places, by_place, np.array(widths), by_width)


def learn(run: Run, way: str, left: Sequence[Sequence[Picture]]) -> ImageClassPredictor:
    """Trains the network that reads in one way, in a folder of its own."""
    o = argparse.Namespace(**{**vars(run.options), "way": way, "pooling": "max"})
    o.permuted = False
    teller = make_predictor(left[0], o)
    valid = teller.batches([teller.inputs(p.pixels) for p in left[1]], 100)
    gold = np.array([teller.classes.index(p.label) for p in left[1]])
    variables = predict.init(teller, jax.random.key(o.seed))
    run.say(f"{WAYS[way]}, learning from the left:")

    def evaluate(variables):
        shares = replace(teller, variables=variables).probabilities(valid)
        return {"valid": nats(shares, gold), "wrong": 1 - share_right(shares, gold)}

    result = run.within(way).fit(
        teller.model,
        variables,
        run.batches(examples_of(teller, left[0])),
        loss_of(teller, o.warp),
        evaluate,
        unit="nats per image",
        loss_per="sequence",
    )
    return replace(teller, variables=result.params)


def right(teller: ImageClassPredictor, pictures: Sequence[Picture]) -> float:
    """The share of pictures whose class is told."""
    shares = teller.probabilities(
        teller.batches([teller.inputs(p.pixels) for p in pictures], 100)
    )
    gold = np.array([teller.classes.index(p.label) for p in pictures])
    return share_right(shares, gold)


def report(
    run: Run,
    places: np.ndarray,
    by_place: dict[str, list[float]],
    widths: np.ndarray,
    by_width: dict[str, list[float]],
) -> dict[str, Any]:
    """Draws, prints and writes the shares that both networks tell.

    Args:
      run: the run.
      places: the first columns of the digits.
      by_place: of each way, the share told at each place.
      widths: of the images, in pixels.
      by_width: of each way, the share told at each width.
    """
    draw(run, places, by_place, widths, by_width)
    for way, name in WAYS.items():
        told = ", ".join(f"{share:.3f}" for share in by_place[way])
        wide = ", ".join(f"{share:.3f}" for share in by_width[way])
        run.say(f"{name}: from the left to the right {told}; by width {wide}")
    return run.finish(
        metric="share of held-out digits told at the right, learned at the left",
        lower_is_better=False,
        score=by_place["columns"][-1],
        baseline=by_place["fixed"][-1],
        baseline_name="a fixed network",
        at_the_left={name: by_place[way][0] for way, name in WAYS.items()},
        places=places.tolist(),
        by_place=by_place,
        widths=widths.tolist(),
        steps=run.options.steps,
        by_width=by_width,
    )


def draw(run: Run, places, by_place, widths, by_width) -> None:
    """Draws the shares against the place and the width; the arguments are as above."""
    panels = [
        (label, {WAYS[way]: (x, np.array(shares)) for way, shares in told.items()})
        for label, x, told in (
            ("first column of the digit, learned at 0 (pixels)", places, by_place),
            ("width of the image, the digit anywhere (pixels)", widths, by_width),
        )
    ]
    title = (
        f"{run.options.cell}: digits learned at the left of {2 * places[-1]} columns"
    )
    title += f"; the fixed network sees the first {2 * places[-1]} columns of others"
    unit = "share of held-out digits told"
    run.figure(figures.curves, "reasons", panels, unit, title=title)
