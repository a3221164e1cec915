"""A field holds what its annotation says: a law over every cell, and every kind."""

import dataclasses
import math
import typing
from collections.abc import Callable
from typing import Literal

import pytest

from seqjax import CELLS, initializers
from seqjax.cells import make
from seqjax.fields import check, fits

WRONG = (
    "'False'",
    "1",
    "1.5",
    "True",
    "None",
    "1e999",
    "-1e999",
    "'1'",
    "()",
    "10**30",
)
FIELDS = [
    pytest.param(name, field.name, hints[field.name], id=f"{name}.{field.name}")
    for name, cell in CELLS.items()
    for hints in [typing.get_type_hints(cell)]
    for field in dataclasses.fields(cell)
    if field.name != "features"
]
KINDS = {  # of a value, and which annotations it fits
    "True": (True, {bool, bool | None, bool | float}),
    "3": (3, {int, float, int | None, bool | float}),
    "0.5": (0.5, {float, bool | float}),
    "nan": (math.nan, set()),
    "inf": (math.inf, set()),
    "text": ("False", {str}),
    "choice": ("a", {str, Literal["a", "b"]}),
    "None": (None, {int | None, bool | None}),
    "pair": ((2, 3), {tuple[int, int], tuple[int, ...]}),
    "odd pair": ((2, "3"), set()),
    "triple": ((2, 3, 4), {tuple[int, ...]}),
    "function": (len, {Callable[[str], int]}),
    "huge": (2**70, {float, bool | float}),
}
HINTS = set().union(*(hints for _, hints in KINDS.values()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_fits_its_own_annotations_and_no_other(kind):
    value, own = KINDS[kind]
    assert {hint for hint in HINTS if fits(value, hint)} == own


@pytest.mark.parametrize(("name", "field", "hint"), FIELDS)
def test_every_field_of_every_cell_refuses_what_is_of_another_kind(name, field, hint):
    refused = 0
    for written in WRONG:
        value = eval(written)
        if fits(value, hint):
            continue
        refused += 1
        with pytest.raises(
            ValueError, match=rf"\.{field} must be |more than|not a|a cell is"
        ):
            make(f"{name}({field}={written})", features=4)
        with pytest.raises(ValueError, match=rf"\.{field} must be "):
            CELLS[name](**{"features": 4, field: value})
    assert refused >= 5


@pytest.mark.parametrize("features", [True, "4", 4.0, None, 0, 2**70])
def test_a_width_is_a_whole_number(features):
    with pytest.raises(ValueError, match="features must be"):
        CELLS["lstm"](features=features)


def test_an_initializer_is_checked_as_well():
    assert make("lstm(kernel_init=Orthogonal(scale=2))", features=3)
    for written in ("'2'", "True", "1e999"):
        with pytest.raises(ValueError, match="a cell is a name"):
            make(f"lstm(kernel_init=Orthogonal(scale={written}))", features=3)
    with pytest.raises(ValueError, match=r"Orthogonal\.scale must be a finite number"):
        check(initializers.Orthogonal("2"))  # pyright: ignore[reportArgumentType]


def test_what_is_no_cell_is_one_short_sentence():
    for text in (
        "(" * 20_000,
        "lstm(" * 5000,
        "a" * 10**6,
        "lstm(\0)",
        "-" * 10**5 + "1",
    ):
        with pytest.raises(ValueError) as error:
            make(text, features=4)
        assert len(str(error.value)) < 1000
