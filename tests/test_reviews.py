"""Texts with stars: columns, bad lines, made-up ones whose noise is known."""

import numpy as np
import pytest

from experiments.sentiment.data import (
    NOISE,
    NOTHING,
    Review,
    draw_reviews,
    read_reviews,
)
from seqjax.data import DataError


def write(path, rows, separator=","):
    lines = (separator.join(row) + "\n" for row in [("stars", "id", "text"), *rows])
    path.write_text("".join(lines), encoding="utf-8-sig")


@pytest.mark.parametrize("separator", [",", "\t"])
def test_columns_are_found_by_name(separator, tmp_path):
    path = tmp_path / "reviews.csv"
    rows = [(str(1 + i % 5), f"{i}", f'"text {i}, with ""quotes"""') for i in range(40)]
    write(path, rows, separator)
    parts = read_reviews(path)
    assert sorted(sum(parts, []), key=lambda r: int(r.text.split()[1][:-1])) == [
        Review(f'text {i}, with "quotes"', 1 + i % 5) for i in range(40)
    ]
    assert list(map(len, parts)) == [32, 4, 4]


BAD = {
    "no stars": ("text,rating\na,3\n", "line 1: no column named stars"),
    "empty": ("", "no column named stars or text"),
    "six": ("text,stars\na,3\nb,6\n", "line 3: stars must be 1 to 5, not '6'"),
    "a missing column": ("text,stars\na,3\nb\n", "line 3: a column is missing"),
    "one column too many": ("stars,text\n5,text 9, but bad\n", "one too many"),
    "a text over lines": ('text\tstars\n"a\t3\nb"\t4\n', "goes on over"),
    "an open quote": ('text,stars\n"a,3\nb,4\n', "line 2: unexpected end"),
    "no text": ("text,stars\n,3\n", "line 2: the text is empty"),
    "few": ("text,stars\na,3\nb,3\n", "2 different examples"),
    "not UTF-8": (b"text,stars\ncaf\xe9,3\n", "line 2: not valid UTF-8"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_a_bad_line_is_named(case, tmp_path):
    text, message = BAD[case]
    path = tmp_path / "reviews.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError) as error:
        read_reviews(path)
    assert str(path) in str(error.value) and message in str(error.value)


def test_noise_is_what_it_says():
    reviews = draw_reviews(0, 20_000)
    stars = {}
    for review in reviews:
        stars.setdefault(review.text, []).append(review.stars)
    often = [
        np.bincount(found, minlength=6) for found in stars.values() if len(found) > 40
    ]
    right = sum(counts.max() for counts in often) / sum(
        counts.sum() for counts in often
    )
    assert right == pytest.approx(1 - NOISE, abs=0.02)
    assert NOTHING not in stars
    assert min(np.bincount([r.stars for r in reviews])[1:]) > 1000


def test_what_words_say_alone_is_turned():
    stars = {}
    for review in draw_reviews(0, 20_000):
        stars.setdefault(review.text, []).append(review.stars)
    for text, value in {
        "There is nothing to like in this film .": 1,
        "There is nothing to dislike in this film .": 5,
        "There is a lot to like in this film .": 5,
        "The film was awful .": 1,
        "The film was not good .": 2,
        "The film was not dull .": 4,
    }.items():
        assert np.median(stars[text]) == value, text
