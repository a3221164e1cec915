"""Comparisons whose failures say what differs, in which case, where and by how much."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.tree_util import keystr, tree_leaves_with_path

Tree = Any

# Which axis of a leaf has one entry a row, by the field that holds the leaf.
ROW_AXES = {"carry": 0, "inputs": 1, "outputs": 1}


class LawError(AssertionError):
    """A layer breaks a law of `seqjax.testing`."""


class Case(NamedTuple):
    """How a sequence is unrolled: the keywords of `Layer.unroll`, and a remark."""

    mask: np.ndarray | None = None  # [T, rows] bool
    resets: np.ndarray | None = None  # [T, rows] bool
    reverse: bool = False
    gradient: str = "lean"
    chunk: int | None = None
    remark: str = ""

    def at(self, steps: Any) -> "Case":
        """Returns the case of some of the steps."""
        mask, resets = (
            None if f is None else f[steps] for f in (self.mask, self.resets)
        )
        return self._replace(mask=mask, resets=resets)

    def in_words(self, row: int | None) -> str:
        """Describes the case, of one row or of all together."""
        words = [
            _flags_in_words("mask", self.mask, row),
            _flags_in_words("resets", self.resets, row),
            "reverse" if self.reverse else "forward",
            self.gradient,
            f"chunks of {self.chunk}" if self.chunk else "",
            self.remark,
        ]
        return ", ".join(word for word in words if word)


def _flags_in_words(name: str, flags: np.ndarray | None, row: int | None) -> str:
    if flags is None:
        return f"no {name}"
    if row is None:
        return f"all rows of {name}"
    return " ".join([name, *(str(int(flag)) for flag in flags[:, row])])


def require(condition: Any, sentence: str, case: Case | None = None) -> None:
    """Raises LawError with a sentence unless the condition holds."""
    if not condition:
        of_case = "" if case is None else f"With {case.in_words(None)}: "
        raise LawError(f"{of_case}{sentence}.")


def assert_equal(found: Tree, expected: Tree, case: Case | None = None) -> None:
    """Raises LawError unless two trees have the same structure, shapes and numbers."""
    assert_close(found, expected, case, rtol=0, atol=0)


def assert_close(
    found: Tree,
    expected: Tree,
    case: Case | None = None,
    *,
    rtol: float = 1e-10,
    atol: float = 1e-12,
) -> None:
    """Raises LawError unless two trees are equal up to rounding.

    Args:
      found: a tree of arrays. Fields that are called carry, inputs and outputs tell
        the rows apart, so that the message can name the mask of the row that differs.
      expected: a tree like `found`.
      case: how the sequence was unrolled.
      rtol: the largest relative difference allowed.
      atol: the largest absolute difference allowed, beside it.

    Raises:
      LawError: the structures, the shapes or the numbers differ. NaN equals nothing.
    """
    _assert_same_structure(found, expected)
    pairs = zip(tree_leaves_with_path(found), jax.tree.leaves(expected), strict=True)
    differences = [
        _Difference.between(path, np.asarray(f), np.asarray(e), rtol, atol)
        for (path, f), e in pairs
    ]
    wrong = [difference for difference in differences if difference.wrong.any()]
    if wrong:
        worst = max(wrong, key=lambda difference: difference.largest)
        raise LawError(worst.in_words(case))


def _assert_same_structure(found: Tree, expected: Tree) -> None:
    structures = [jax.tree.structure(tree) for tree in (found, expected)]
    require(
        structures[0] == structures[1],
        f"the result has the structure {structures[0]} instead of {structures[1]}",
    )
    pairs = zip(tree_leaves_with_path(found), jax.tree.leaves(expected), strict=True)
    for (path, f), e in pairs:
        require(
            np.shape(f) == np.shape(e),
            f"{_name(path)} has shape {np.shape(f)} instead of {np.shape(e)}",
        )


def _name(path: tuple) -> str:
    return keystr(path).removeprefix(".") or "the result"


class _Difference(NamedTuple):
    """How one leaf differs from what it should be."""

    path: tuple
    found: np.ndarray
    expected: np.ndarray
    absolute: np.ndarray  # infinite where a number is not finite
    wrong: np.ndarray  # bool

    @classmethod
    def between(cls, path, found, expected, rtol, atol) -> "_Difference":
        found, expected = (a.astype(np.float64) for a in (found, expected))
        with np.errstate(invalid="ignore", over="ignore"):
            absolute = np.nan_to_num(np.abs(found - expected), nan=np.inf)
            wrong = ~(absolute <= atol + rtol * np.abs(expected))
        return cls(path, found, expected, absolute, wrong)

    @property
    def largest(self) -> float:
        return self.absolute.max()

    def in_words(self, case: Case | None) -> str:
        place = np.unravel_index(self.absolute.argmax(), self.absolute.shape)
        found, expected = self.found[place], self.expected[place]
        index = f"[{', '.join(map(str, place))}]" if place else ""
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = self.largest / np.abs(expected)
        of_case = "" if case is None else f"With {case.in_words(self._row(place))}: "
        return (
            f"{of_case}{_name(self.path)}{index} is {found:.9g} instead of "
            f"{expected:.9g}; this is the largest difference, {self.largest:.3g} "
            f"(relative {relative:.3g}), and {self.wrong.sum()} of {self.wrong.size} "
            f"numbers of this array differ."
        )

    def _row(self, place: tuple) -> int | None:
        field = getattr(self.path[0], "name", None) if self.path else None
        axis = ROW_AXES.get(field or "")
        return None if axis is None or axis >= len(place) else int(place[axis])


def raises(
    kind: type[Exception] | tuple[type[Exception], ...], call: Callable
) -> str | None:
    """Returns the message of the exception that a call raises, None if it does not."""
    try:
        call()
    except kind as error:
        return str(error)
    return None
