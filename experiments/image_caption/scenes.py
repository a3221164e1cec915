"""Scenes of one or two coloured shapes, and the one caption that each has.

Of two shapes the left one is named first, or the upper one, so that a caption says all
that is in a scene and a scene has one caption.
"""

import itertools

import numpy as np

from experiments.image_caption.captioned import Captioned

SIDE = 36  # pixels
COLOURS = {
    "red": (220, 40, 40),
    "green": (40, 180, 60),
    "blue": (60, 90, 240),
    "yellow": (235, 215, 40),
    "purple": (165, 60, 200),
    "white": (240, 240, 240),
}
SIZES = {"small": 3, "large": 6}  # half of a side, in pixels
GROUND = 80, 120  # grey and noise behind the shapes
SHAPES = "circle", "square", "triangle", "cross"
THINGS = tuple(itertools.product(SIZES, COLOURS, SHAPES))


def scenes(count: int = 8000, seed: int = 0) -> tuple[list[Captioned], float]:
    """Draws scenes; a perfect model writes all of their captions: 1.0."""
    rng = np.random.default_rng(seed)
    return [draw_scene(rng, f"scene {i}") for i in range(1, count + 1)], 1.0


def few() -> tuple[list[Captioned], float]:
    """Draws 120 scenes, to see that everything works."""
    return scenes(120)


def draw_scene(rng: np.random.Generator, name: str) -> Captioned:
    """Draws a scene: a quarter of them have one shape, the others two."""
    image = rng.uniform(*GROUND, (SIDE, SIDE, 3))
    kind = rng.integers(0, 4)
    first, second = (THINGS[i] for i in rng.integers(0, len(THINGS), 2))
    if kind == 0:
        centre = rng.integers(7, SIDE - 7, 2)
        _paint(image, rng, first, centre)
        return Captioned(name, image.astype(np.uint8), f"a {' '.join(first)}")
    along = rng.integers(7, 11), rng.integers(SIDE - 11, SIDE - 7)
    across = rng.integers(12, SIDE - 12, 2)
    for thing, place in zip(
        (first, second), zip(along, across, strict=True), strict=True
    ):
        _paint(image, rng, thing, np.array(place if kind == 1 else place[::-1]))
    words = "above" if kind == 1 else "left of"
    caption = f"a {' '.join(first)} {words} a {' '.join(second)}"
    return Captioned(name, image.astype(np.uint8), caption)


def _paint(image, rng, thing, centre) -> None:
    """Paints a thing around a centre (row, column)."""
    size, colour, shape = thing
    half = SIZES[size]
    rows, columns = np.mgrid[:SIDE, :SIDE] - np.array(centre)[:, None, None]
    inside = {
        "circle": rows**2 + columns**2 <= (half + 0.3) ** 2,
        "square": np.maximum(abs(rows), abs(columns)) <= half - 0.5 * (half > 3),
        "triangle": (abs(rows) <= half) & (2 * abs(columns) <= rows + half),
        "cross": (np.minimum(abs(rows), abs(columns)) <= half // 3)
        & (np.maximum(abs(rows), abs(columns)) <= half),
    }[shape]
    shade = rng.uniform(0.85, 1.0)
    image[inside] = shade * np.array(COLOURS[colour]) + rng.uniform(0, 15, 3)
